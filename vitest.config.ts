import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const reports = process.env['TEST_REPORTS'];

export default defineConfig({
  test: {
    ...(reports === undefined || reports === ''
      ? {}
      : { reporters: ['default', 'json'], outputFile: `${reports}/tests.json` }),
    include: ['test/**/*.test.ts'],
    // What tests start from the sources finds them compiled: a third of the time to load.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/fermata-compiled') },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Loading Fermata takes longer than most files of tests do: a worker loads it once. No file mocks or patches a module.
    isolate: false,
    // Two cores; a server under test is a process of its own beside its worker.
    maxWorkers: 2,
  },
});
