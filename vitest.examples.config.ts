import { defineConfig } from 'vitest/config';

const reports = process.env['TEST_REPORTS'];

export default defineConfig({
  test: {
    ...(reports === undefined || reports === ''
      ? {}
      : { reporters: ['default', 'json'], outputFile: `${reports}/examples.json` }),
    include: ['examples/**/*.test.ts'],
    testTimeout: 60_000,
  },
});
