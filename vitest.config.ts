import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const reports = process.env['TEST_REPORTS'];

/** Files that take five seconds and more: one that began last would be waited for alone. */
const DEAREST = [
  'runtime/conformance',
  'cli/fermata',
  'simulation/simulation',
  'crash/',
  'cost/budget-property',
  'document/graph',
  'document/growth-cost',
  'store/sqlite/bit-rot',
  'store/sqlite/upgrade',
  'machines/task-walk',
  'cli/launcher',
  'runtime/migration/kill',
].map((start) => join(import.meta.dirname, 'test', start));

/** The dearest first, the others as they come: on a machine that has not run them yet vitest knows only their sizes. */
class DearestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = DEAREST.findIndex((start) => moduleId.startsWith(start));
      return at === -1 ? DEAREST.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  plugins: [
    {
      // What users run is tested: vitest itself would choose XState's build for development, which throws where the other goes on.
      // What it chooses by is said here, because what is set beside it would only be added to it.
      name: 'conditions-of-node',
      configResolved({ environments, ssr }) {
        for (const { resolve } of [...Object.values(environments), ssr])
          if (resolve !== undefined) resolve.conditions = ['node'];
      },
    },
  ],
  test: {
    ...(reports === undefined || reports === ''
      ? {}
      : { reporters: ['default', 'json'], outputFile: `${reports}/tests.json` }),
    include: ['test/**/*.test.ts'],
    // What a user has in hand is tested by `npm run examples`.
    exclude: [...configDefaults.exclude, 'test/published/**'],
    // What tests start from the sources finds them compiled: a third of the time to load.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/fermata-compiled') },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    execArgv: ['--import', new URL('bin/quickly.js', import.meta.url).href],
    // Loading Fermata takes longer than most files of tests do: a worker loads it once. No file mocks or patches a module.
    isolate: false,
    // One more than the cores of CI: many files wait for a process that they have started.
    maxWorkers: 3,
    sequence: { sequencer: DearestFirst },
  },
});
