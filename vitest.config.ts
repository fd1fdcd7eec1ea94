import { defineConfig } from 'vitest/config';

const reports = process.env['TEST_REPORTS'];

export default defineConfig({
  test: {
    ...(reports === undefined || reports === ''
      ? {}
      : { reporters: ['default', 'json'], outputFile: `${reports}/tests.json` }),
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two cores; a server under test is a process of its own beside its worker.
    maxWorkers: 2,
  },
});
