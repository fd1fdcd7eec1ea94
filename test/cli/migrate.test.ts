/** `fermata migrate`, with the configuration that docs/upgrades.md shows. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { createRuntime, sqliteStore, type Runtime } from '../../src/index.ts';
import { testFolder, type TestFolder } from './test-shell.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/upgrades.md'), 'utf8');
const [config = ''] = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].flatMap(([, code = '']) =>
  code.includes('migrate: {') ? [code] : [],
);

const orderV1 = {
  machine: createMachine({
    id: 'order',
    context: { price: 5 },
    initial: 'open',
    states: { open: { on: { paid: 'done', lose: 'lost' } }, lost: {}, done: { type: 'final' } },
  }),
  definition: 'the first',
};
/** A folder as in the page, and a database with runs of the first version. */
async function folderWithRuns(...events: readonly (string | undefined)[]): Promise<TestFolder> {
  const folder = testFolder();
  mkdirSync(join(folder.directory, 'node_modules'));
  symlinkSync(ROOT, join(folder.directory, 'node_modules/fermata'));
  symlinkSync(join(ROOT, 'node_modules/xstate'), join(folder.directory, 'node_modules/xstate'));
  folder.write('fermata.config.ts', config);
  await use(folder, async (runtime) => {
    for (const type of events) {
      const { runId } = await runtime.start('order');
      if (type !== undefined) await runtime.send(runId, { type });
    }
  });
  return folder;
}

async function use<T>(folder: TestFolder, work: (runtime: Runtime) => Promise<T>): Promise<T> {
  const store = sqliteStore(join(folder.directory, 'fermata.db'));
  const runtime = await createRuntime({ store, machines: { 'order@1': orderV1 } });
  try {
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}

const machinesOf = (folder: TestFolder) =>
  use(folder, async (runtime) => (await runtime.list({ limit: 10 })).map(({ machine }) => machine));

describe('fermata migrate', () => {
  it('rehearses and changes nothing, then does it, then there is nothing left to do', async () => {
    const folder = await folderWithRuns(undefined, undefined);
    const rehearsed = await folder.run(['migrate', '--rehearse']);
    expect(rehearsed).toMatchObject({ status: 0, err: '' });
    expect(rehearsed.out).toMatch(
      /MIGRATION +WOULD MOVE +WOULD BREAK\norder@1 to order@2 +2 +0\nNothing was changed\.$/,
    );
    expect(await machinesOf(folder)).toEqual(['order@1', 'order@1']);
    expect(await folder.run(['migrate', '--from', 'order@1', '--to', 'order@2'])).toMatchObject({
      status: 0,
      out: expect.stringMatching(/MOVED.*\n.* 2 +0$/) as string,
    });
    expect(await machinesOf(folder)).toEqual(['order@2', 'order@2']);
    const again = await folder.run(['migrate']);
    expect(again).toMatchObject({ status: 0, out: 'No live run is at a version that a migration is registered for.' });
    const { out } = await folder.run(['runs', '--json']);
    expect((JSON.parse(out) as { items: { machine: string }[] }).items[0]?.machine).toBe('order@2');
  });

  it('refuses where one would break and names it; --only-passing moves the others', async () => {
    const folder = await folderWithRuns(undefined, 'lose');
    const refused = await folder.run(['migrate']);
    expect(refused).toMatchObject({ status: 1, err: expect.stringContaining('--only-passing') as string });
    expect(refused.out).toMatch(/: order@1 to order@2 would break\n {2}\/ {2}stateMissing: its state "lost"/);
    expect(await machinesOf(folder)).toEqual(['order@1', 'order@1']);
    const json = await folder.run(['migrate', '--only-passing', '--json']);
    expect(json.status).toBe(1);
    expect((JSON.parse(json.out) as { runs: { moved: boolean }[] }).runs.map(({ moved }) => moved)).toEqual([
      false,
      true,
    ]);
    expect(await machinesOf(folder)).toEqual(['order@1', 'order@2']);
  });

  it('--undo needs the earlier version, puts back what has not moved, and says so', async () => {
    const folder = await folderWithRuns(undefined);
    await folder.run(['migrate']);
    expect(await folder.run(['migrate', '--undo'])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/They stay at "order@2"\. Register "order@1" beside it, and undo again\./) as string,
    });
    const first =
      "{ machine: createMachine({ id: 'order', context: {}, initial: 'open', states: { open: {} } }), definition: 'the first' }";
    folder.write('both.config.ts', config.replace('machines: {\n', `machines: {\n    'order@1': ${first},\n`));
    const undo = ['migrate', '--undo', '--config', 'both.config.ts'];
    expect(await folder.run(undo)).toEqual({
      status: 0,
      out: '1 of 1 runs are back from order@2 to order@1.',
      err: '',
    });
    expect(await folder.run(undo)).toMatchObject({ status: 0, out: 'No live run was migrated.' });
    expect(await machinesOf(folder)).toEqual(['order@1']);
  });

  it('is not for a database that a server has, and says what is wrong with a command line', async () => {
    const folder = await folderWithRuns(undefined);
    await use(folder, async () => {
      const { status, err } = await folder.run(['migrate', '--rehearse']);
      expect([status, err]).toEqual([1, expect.stringContaining('fermata.db')]);
    });
    expect(await folder.run(['migrate', '--rehearse', '--undo'])).toMatchObject({ status: 2 });
    expect(await folder.run(['migrate', '--db', 'none.db'])).toMatchObject({ status: 2 });
    const unknown = await folder.run(['migrate', '--from', 'order@7']);
    expect(unknown).toMatchObject({ status: 2, err: expect.stringContaining('order@1 to order@2') as string });
  });
});
