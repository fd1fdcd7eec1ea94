/** The story that a golden file tells: how its runs came to rest, and how any build brings them to their end. */
import { execute } from '../../src/document/execute.ts';
import { FermataError } from '../../src/errors.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import type { Store } from '../../src/store/store.ts';
import { fork } from '../../src/document/fork/request.ts';
import { documents, versionedAgain } from './documents.ts';
import { spending } from './money.ts';
import { shapes } from './shapes.ts';
import { openWorld, type World } from './world.ts';

/** When it begins, in milliseconds since 1970. */
const BEGIN = Date.UTC(2026, 10, 1);
const DAY = 86_400_000;
/** Inputs of documents that need one. */
const INPUTS: Readonly<Record<string, object>> = { approval: { topic: 'tea '.repeat(5_000) } };
/** Begun before a restart, so that it finds their calls in doubt. */
const EARLY = ['asking'];

type Runs = Record<string, string>;

/** Writes a file; gives its runs by name, and when it was closed. */
export async function tell(file: string): Promise<{ readonly runs: Readonly<Runs>; readonly now: number }> {
  const runs: Runs = {};
  let ids = 0;
  const newId = (): string => `golden-${String(++ids).padStart(2, '0')}`;
  let now = BEGIN;
  const open = async (more: { readonly passive?: boolean; readonly wrap?: (store: Store) => Store } = {}) =>
    openWorld(file, { now: (now += 60_000), answering: false, newId, ...more });

  const first = await open();
  for (const document of documents) {
    await first.fermata.workflows.create(document);
    if (EARLY.includes(document.name)) await run(first, runs, document.name);
  }
  await first.close();

  // The restart finds a call in doubt that is not to be repeated unasked.
  const second = await open();
  await second.settle();
  for (const { name } of documents) if (!EARLY.includes(name)) await run(second, runs, name);
  await steer(second, runs);
  await begin(second, runs);
  await shape(second, runs);
  await second.close();

  // Killed where the cap of a group cuts a cascade, the rest of it is in the file; and with it, calls that are paid.
  await cut(runs, (wrap) => open({ wrap }));

  // A process that takes commands and does no work leaves a message on its way.
  const passive = await open({ passive: true });
  await passive.fermata.runtime.send(of(runs, 'teller'), {
    type: 'TELL',
    to: of(runs, 'listener'),
    text: 'undelivered',
  });
  await passive.fermata.runtime.migrations.migrate({ from: 'note@1' });
  await passive.close();
  return { runs, now };
}

/** Starts a run of the newest version of a document. */
async function run(
  world: World,
  runs: Runs,
  document: string,
  name = document,
  input = INPUTS[document] ?? {},
): Promise<void> {
  const { runtime, workflows } = world.fermata;
  const workflow = await workflows.byName(document);
  if (workflow === undefined) throw new FermataError('notFound', `No document "${document}" is in the file.`);
  const definition = await workflows.definition(workflow.id, workflow.version);
  const idempotency = document === 'keyed' ? { key: 'the key', bodyHash: 'the body' } : undefined;
  runs[name] = (await execute(runtime, workflow, definition, { input, idempotency, tags: ['golden'] })).runId;
  await world.settle();
}

/** What people did to the runs of documents. */
async function steer(world: World, runs: Runs): Promise<void> {
  const { runtime, workflows } = world.fermata;
  await runtime.control(of(runs, 'paused'), '/', { type: 'fermata.pause' });
  await runtime.cancel(of(runs, 'cancelled'), 'enough');
  const versioned = await workflows.byName('versioned');
  if (versioned !== undefined) {
    await workflows.addVersion(versioned.id, versionedAgain);
    await run(world, runs, 'versioned', 'versioned again');
  }
  const deleted = await workflows.byName('deleted');
  if (deleted !== undefined) await workflows.delete(deleted.id);
  await world.settle();
}

/** Runs of machines. */
async function begin(world: World, runs: Runs): Promise<void> {
  const { runtime } = world.fermata;
  const start = async (name: string, machine: string, ...events: readonly string[]): Promise<string> => {
    const { runId } = await runtime.start(machine, { tags: ['golden'] });
    runs[name] = runId;
    for (const type of events) await runtime.send(runId, { type }, { id: `${name} ${type}` });
    await world.settle();
    return runId;
  };
  await start('order open', 'order', 'NOTE', 'NOTE', 'RUSH', 'CLOSE');
  await start('order paying', 'order', 'PAY');
  const shipping = { sale: 'shipping', desk: { staffed: 'busy' } };
  runs['order restored'] = (
    await runtime.start('order', {
      snapshot: {
        status: 'active',
        value: shipping,
        context: { price: 9, paid: 'before', since: new Date(5), tags: new Set(['old']) },
        historyValue: { 'order.desk.staffed.hist': [{ id: 'order.desk.staffed.busy' }] },
        children: {
          parcel: {
            src: 'parcel',
            systemId: 'parcel',
            snapshot: { status: 'active', value: 'moving', context: { stations: 3 }, historyValue: {}, children: {} },
          },
        },
      },
    })
  ).runId;
  await runtime.send(of(runs, 'order restored'), { type: 'NEXT' });
  await start('listener', 'chat');
  const teller = await start('teller', 'chat');
  await runtime.send(teller, { type: 'TELL', to: of(runs, 'listener'), text: 'delivered' });
  await start('chat ended', 'chat', 'LEAVE');
  await start('chat broken', 'chat', 'BREAK');
  const stopped = await start('chat stopped', 'chat');
  await runtime.cancel(stopped, 'stopped on purpose');
  await start('note', 'note@2');
  await start('note migrated', 'note@1');
  await world.settle();
}

/** Runs of every shape, one that rests in it and one that has come through; and forks of some. */
async function shape(world: World, runs: Runs): Promise<void> {
  const { runtime, workflows } = world.fermata;
  for (const document of shapes) await workflows.create(document);
  for (const { name } of shapes) {
    await run(world, runs, name, name, { word: 'hang' });
    await run(world, runs, name, `${name} ended`, { word: 'go' });
  }
  for (const name of ['waiting', 'waiting ended']) {
    await runtime.send(of(runs, name), { type: 'shipped', parcel: 1 }, { id: `${name} early` });
    await runtime.send(of(runs, name), { type: 'each', n: 1 }, { id: `${name} each` });
  }
  for (const type of ['paid', 'each'])
    await runtime.send(of(runs, 'waiting ended'), { type, amount: 12 }, { id: `waiting ended ${type} late` });
  await world.settle();
  const forked = async (name: string, fromTask: string, edits = {}): Promise<void> => {
    const origin = of(runs, name);
    runs[`${name} forked`] = (await fork(world.fermata, origin, { point: { fromTask }, edits })).runId;
    await world.settle();
  };
  await forked('growing ended', 'two');
  await forked('choosing', 'stocks', { risk: { output: { level: 'low', years: 3 } } });
  await forked('mapping ended', 'each[1]');
  await forked('sharing ended', 'end');
}

/** Runs that cost money, or find what others have paid; and forks of some. */
async function spend(world: World, runs: Runs): Promise<void> {
  const { fermata } = world;
  const begun = async (document: string, name: string, word: string): Promise<void> => {
    runs[name] = (await fermata.start(document, { input: { word }, tags: ['golden'] })).runId;
    // Another model is tried after no time, which is a timer, too.
    await world.clock.advance(0, world.settle);
  };
  for (const document of spending) await fermata.workflows.create(document);
  for (const { name } of spending) {
    await begun(name, `${name} ended`, 'go');
    await begun(name, name, 'hang');
  }
  // What is left of their budget is lent to the run before.
  await begun('lending', 'lending waits', 'hang');
  const forked = async (name: string, fromTask: string, maxCostDollars?: number): Promise<void> => {
    const config = maxCostDollars === undefined ? {} : { config: { budget: { maxCostDollars } } };
    runs[`${name} forked`] = (await fork(fermata, of(runs, name), { point: { fromTask }, ...config })).runId;
    await world.clock.advance(0, world.settle);
  };
  await forked('remembering ended', 'leads');
  await forked('spending ended', 'holds');
  await forked('overspending ended', 'is not', 0.01);
  await forked('preferring', 'best');
}

async function cut(runs: Runs, open: (wrap: (store: Store) => Store) => Promise<World>): Promise<void> {
  let served = false;
  let dead = false;
  const world = await open((store) => ({
    ...store,
    async commit(group) {
      if (dead) return new Promise(() => {});
      await store.commit(group);
      dead = served && group.runs.some(({ state }) => state.agendaJson !== null);
    },
  }));
  await world.settle();
  await spend(world, runs);
  const { runId } = await world.fermata.runtime.start('bounce', { tags: ['golden'] });
  runs['bounce'] = runId;
  served = true;
  void world.fermata.runtime.send(runId, { type: 'SERVE' }).catch(() => {});
  while (!dead) await new Promise((resolve) => setImmediate(resolve));
  await world.crash();
}

/** Brings every run to its end: a day later everything is answered, a month after that every date has passed. */
export async function finish(file: string, runs: Readonly<Runs>, now: number): Promise<World> {
  const later = await openWorld(file, { now: now + DAY, answering: true });
  await later.settle();
  const { runtime } = later.fermata;
  const waiting = await runtime.tasks(of(runs, 'asking'), { limit: 10 });
  for (const { name, status } of waiting)
    if (status === 'inDoubt')
      await runtime.control(of(runs, 'asking'), childAddress('/', name), { type: 'fermata.retry' });
  await runtime.control(of(runs, 'paused'), '/', { type: 'fermata.resume' });
  await later.settle();
  // Older sets have none.
  if (runs['waiting'] !== undefined)
    for (const type of ['paid', 'each']) await runtime.send(runs['waiting'], { type, amount: 11 });
  await later.settle();
  const left = new Set(['expiring', 'timing'].map((name) => of(runs, name)));
  for (const { run: runId, task } of await runtime.approvals({ limit: 100, status: 'pending' })) {
    if (left.has(runId)) continue;
    const decision = { approved: true, by: 'the golden test' };
    await runtime.control(runId, childAddress('/', task), { type: 'fermata.approve', decision });
    await later.settle();
  }
  for (const name of ['order paying', 'order restored']) {
    for (const type of ['NEXT', 'ARRIVE', 'LEAVE']) await runtime.send(of(runs, name), { type });
    await later.settle();
  }
  for (const type of ['OPEN', 'LEAVE']) await runtime.send(of(runs, 'order open'), { type });
  for (const name of ['listener', 'teller', 'bounce']) await runtime.send(of(runs, name), { type: 'LEAVE' });
  await later.close();
  const month = await openWorld(file, { now: now + 40 * DAY, answering: true });
  await month.clock.advance(0, month.settle);
  return month;
}

function of(runs: Readonly<Runs>, name: string): string {
  return runs[name] ?? name;
}
