/**
 * One life of a world: random documents, faults and people, from one seed. First everything goes wrong that can
 * (safety), then nothing any more and every run must end (liveness); the reference model watches both.
 */
import type { PriceBook } from '../../src/cost/price-book.ts';
import { FermataError } from '../../src/errors.ts';
import { FAULTS, type Faults } from '../../src/testing/faults.ts';
import type { SharedContext } from '../../actors/code-shared.ts';
import { simulate, type SimulationOptions, type World } from '../../src/testing/index.ts';
import { randomOf, type Random } from '../../src/testing/random.ts';
import { randomAdditions, randomDocument, randomLeaf } from './documents.ts';
import { assertOrder, buyer, order } from './order.ts';
import { vectorOf, verdictOn } from './cached.ts';
import { roundAnswer } from './rounds.ts';
import { EVENT_TYPES, SHARED_KEYS } from './tasks.ts';

/** What a life was. */
export interface Life {
  readonly world: World;
  readonly hash: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** Milliseconds that a person may take for the next thing to do. */
const PAUSES = [0, 5, 50, 500, 5_000, 60_000] as const;
/** Rounds in which people answer whatever is asked. */
const LAST_ROUNDS = 200;

/** Lives one. Throws `simulationFailed` with the story where a promise is broken. */
export async function live(seed: number): Promise<Life> {
  const random = randomOf(`life ${seed}`);
  const workflows = Array.from({ length: random.between(1, 2) }, (_, index) => randomDocument(random, `w${index}`));
  const world = await simulate({
    seed,
    workflows: [...workflows, randomLeaf(random)],
    machines: { 'order@1': order },
    faults: randomFaults(random),
    answers: ({ runId, task, attempt, prompt }) =>
      prompt.startsWith('An answer was given')
        ? verdictOn(randomOf(`${seed} judges ${prompt}`))
        : answer(seed, runId, task, attempt),
    embeddings: vectorOf,
    ...randomBudgets(random.fork('budgets')),
    predicates: { coin: ({ tasks }) => JSON.stringify(tasks).length % 2 === 0 },
    functions: {
      work: async (_, { runId, task, attempt, shared }) => {
        await share(shared, randomOf(`${seed} shares/${runId}/${task}/${attempt}`));
        return answer(seed, runId, task, attempt);
      },
      grow: (_, { runId, task, attempt }) =>
        (answer(seed, `${runId} grows`, task, attempt) as { readonly tasks: unknown }).tasks,
    },
  });
  const bought = Promise.all(random.chance(0.3) ? [buyer(world, random.fork('buyer'))] : []);
  const started = await Promise.all(
    Array.from({ length: random.between(1, 3) }, (_, index) =>
      person(
        world,
        random.fork(`person ${index}`),
        random.pick(workflows as [(typeof workflows)[0]]).name,
        `run ${index}`,
      ),
    ),
  );
  const runs = started.flat();
  const orders = await bought;
  world.check();
  world.heal();
  for (let round = 0; round < LAST_ROUNDS; round++) {
    for (const run of withChildren(world, runs)) await world.run(run);
    // Anew: those have begun others.
    const open: string[] = [];
    for (const run of withChildren(world, runs)) if ((await world.read(run)).endedAt === null) open.push(run);
    if (open.length === 0) break;
    for (const run of open) await settleQuestions(world, run);
  }
  await world.finish();
  for (const run of orders) await assertOrder(world, run);
  for (const run of withChildren(world, runs)) {
    if ((await world.read(run)).endedAt !== null) continue;
    throw new FermataError(
      'simulationFailed',
      `Run ${run} of seed ${seed} never ended.\n${world.trace.lines.join('\n')}`,
    );
  }
  await world.close();
  const of = (kind: string): number => world.trace.seen.filter((seen) => seen.kind === kind).length;
  return {
    world,
    hash: world.traceHash,
    counts: { runs: runs.length, commits: of('commit'), calls: of('call'), crashes: of('crash'), faults: of('fault') },
  };
}

/** What models cost changes by the hour, and every fourth hour nobody knows it. */
const changingPrices: PriceBook = {
  pricesOf({ at }) {
    const hour = Math.floor(at / 3_600_000) % 4;
    if (hour === 3) return undefined;
    const input = 150_001 * (1 + hour);
    return { input, cachedInput: Math.ceil(input / 2), cacheWrite: input, output: 4 * input, reasoning: 4 * input };
  },
};

/** Budgets of several runs: then everything has a price, or no run could begin. */
function randomBudgets(random: Random): Pick<SimulationOptions, 'budgets' | 'prices'> {
  const dollars = (): number => random.pick([0.018, 0.034, 0.06, 1]);
  const perDay = random.chance(0.7) ? { perDay: { maxCostDollars: dollars() } } : {};
  const per = random.pick(['day', 'month', 'always'] as const);
  const workflows = random.chance(0.7) ? { workflows: { w0: { maxCostDollars: dollars(), per } } } : {};
  if (random.chance(0.6)) return { prices: changingPrices };
  const steady = { input: 1_000_000, cachedInput: 1_000_000, cacheWrite: 1_000_000 };
  const prices = { ...steady, output: 4_000_000, reasoning: 4_000_000 };
  return { prices: { pricesOf: () => prices }, budgets: { ...perDay, ...workflows } };
}

/** Runs, and those that their tasks began. */
function withChildren(world: World, runs: readonly string[]): readonly string[] {
  const begun = [...world.database.runs.values()].filter(({ origin }) => origin.parent !== undefined);
  return [...runs, ...begun.map(({ origin }) => origin.run)];
}

/** Does something to one of the runs that a run has begun, where it has. */
async function toChild(
  world: World,
  run: string,
  random: Random,
  command: (child: string) => Promise<unknown>,
): Promise<void> {
  const begun = [...world.database.runs.values()].filter(({ origin }) => origin.parent?.run === run);
  if (begun[0] !== undefined) await command(random.pick([begun[0], ...begun]).origin.run);
}

function randomFaults(random: Random): Faults {
  return Object.fromEntries(
    FAULTS.filter(() => random.chance(0.4)).map((name) => [name, random.pick([true, true, 0.15])]),
  );
}

/** The same for the same attempt of the same task, however often it is asked. */
function answer(seed: number, run: string, task: string, attempt: number) {
  const random = randomOf(`${seed}/${run}/${task}/${attempt}`);
  if (random.chance(0.1)) throw new Error('not today');
  if (random.chance(0.03)) throw new FermataError('modelRefused', 'The scripted model refuses.');
  const ofRound = roundAnswer(random, task);
  if (ofRound !== undefined) return ofRound;
  return { said: `${task} of ${run}, attempt ${attempt}`, tasks: randomAdditions(random, task) };
}

/** Writes this and that. Those that depend on it are told so by the reference model. */
async function share(shared: SharedContext, random: Random): Promise<void> {
  if (!random.chance(0.3)) return;
  const key = random.pick(SHARED_KEYS);
  const writes = [
    () => shared.set(key, random.chance(0.5)),
    () => shared.update<boolean>(key, (value = false) => !value),
    () => shared.set(key, true, { revision: 0 }).catch(isConflict),
  ];
  await random.pick(writes as [(typeof writes)[0]])();
  if (random.chance(0.3)) await Promise.all([shared.get(key), shared.set('count', random.between(0, 9))]);
}

function isConflict(thrown: unknown): void {
  if (!(thrown instanceof FermataError) || thrown.code !== 'sharedConflict') throw thrown;
}

/** Starts a run, twice at once if need be, and does this and that to it. */
async function person(world: World, random: Random, workflow: string, key: string): Promise<string[]> {
  const [run, again = run] = await Promise.all(
    Array.from({ length: random.between(1, 2) }, () => world.start(workflow, { key })),
  );
  if (run === undefined || run !== again)
    throw new FermataError('simulationFailed', `One key started two runs: ${run} and ${again}.`);
  const runs: [string, ...string[]] = [run];
  for (let left = random.between(0, 8); left > 0; left--) {
    await world.advance(random.pick(PAUSES));
    if (random.chance(0.15)) runs.push(...(await forked(world, random.pick(runs), random)));
    else {
      const made = await random.pick(COMMANDS)(world, random.pick(runs), someTask(random), random).catch(refused);
      if (typeof made === 'string' && !runs.includes(made)) runs.push(made);
    }
  }
  // What has ended is tried again, and forked.
  if (random.chance(0.3)) {
    await world.advance(3_600_000);
    runs.push(...(await forked(world, random.pick(runs), random)));
  }
  return runs;
}

/** Forks a run, if that is possible. */
async function forked(world: World, run: string, random: Random): Promise<readonly string[]> {
  const point = random.pick([
    { fromTask: someTask(random) },
    { fromTask: someTask(random) },
    { atSeq: random.between(0, 20) },
    { retry: true } as const,
  ]);
  const edits = random.chance(0.3) ? { [someTask(random)]: { output: [random.between(0, 9)] } } : {};
  try {
    return [await world.fork(run, point, edits)];
  } catch (thrown) {
    refused(thrown);
    return [];
  }
}

/** One of the document, an item, or one that was added: whether there is such a task or not. */
function someTask(random: Random): string {
  const name = `t${random.between(0, 5)}`;
  const part = random.pick(['plan 1', '1.a', '1.b', '2.a', 'reflect 1', 'answer']);
  const added = random.pick([`${name}.${random.between(0, 1)}`, `${name}.${part}`]);
  return random.pick([name, name, `${name}[${random.between(0, 2)}]`, added]);
}

const approve = (world: World, run: string, task: string, random: Random) =>
  world.approve(run, task, { approved: random.chance(0.8) });

type Command = (world: World, run: string, task: string, random: Random) => Promise<unknown>;
const COMMANDS: readonly [Command, ...Command[]] = [
  approve,
  approve,
  (world, run, task, random) => Promise.all([approve(world, run, task, random), approve(world, run, task, random)]),
  (world) => world.restart(),
  (world, _, __, random) => world.crash(random.between(0, 10_000)),
  (world, run) => world.pause(run),
  (world, run) => world.resume(run),
  (world, run, task) => world.retry(run, task),
  (world, run, task) => world.cancelTask(run, task),
  (world, run, task, random) => (random.chance(0.3) ? world.cancel(run) : approve(world, run, task, random)),
  (world, run, _, random) =>
    toChild(world, run, random, (child) => (random.chance(0.5) ? world.cancel(child) : world.pause(child))),
  (world, run, task, random) => toChild(world, run, random, (child) => world.approve(child, task, { approved: true })),
  (world, run) => world.send(run, { type: 'hello', id: 'once' }),
  (world, run, _, random) => world.send(run, randomEvent(random)),
  (world, run, _, random) => world.send(run, randomEvent(random)),
  (world, run, _, random) => {
    const event = { ...randomEvent(random), id: `event ${random.between(0, 1e9)}` };
    return Promise.all([world.send(run, event), world.send(run, event)]);
  },
];

function randomEvent(random: Random) {
  const even = random.pick([true, true, false, undefined]);
  // For one that adds what its event says.
  const tasks = random.chance(0.3) ? { tasks: randomAdditions(random, `event ${random.between(0, 1e9)}`) } : {};
  return {
    type: random.pick(EVENT_TYPES),
    n: random.between(0, 1e9),
    ...(even === undefined ? {} : { even }),
    ...tasks,
  };
}

/** What people are refused is no fault: it was too late, or never asked. */
function refused(thrown: unknown): void {
  if (!(thrown instanceof FermataError) || thrown.status >= 500) throw thrown;
}

/** Somebody answers whatever a run waits for. */
async function settleQuestions(world: World, run: string): Promise<void> {
  const { status } = await world.read(run);
  // Three crashes may have hit the same call; an operator lets such a run try again.
  const why = await world.request({ method: 'GET', path: `/runs/${run}/why` });
  const { blocked: block, tasks = [] } = why.body as {
    readonly blocked?: { readonly code: string } | null;
    readonly tasks?: readonly { readonly task: string; readonly event?: { readonly type: string } }[];
  };
  const blocked = block?.code;
  if (blocked === 'quarantined') await world.request({ method: 'POST', path: `/runs/${run}/resume` });
  // One that another run waits for may have gone on with that one meanwhile.
  else if (status === 'paused') await world.resume(run).catch(refused);
  for (const { task, event } of tasks)
    if (event !== undefined) await world.send(run, { type: event.type, even: true, for: task }).catch(refused);
  for (const [name, of] of Object.entries(await world.tasks(run))) {
    if (of === 'awaitingApproval') await world.approve(run, name, { approved: true }).catch(refused);
    if (of === 'inDoubt') await world.retry(run, name).catch(refused);
  }
}
