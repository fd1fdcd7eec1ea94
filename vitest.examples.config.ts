import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const reports = process.env['TEST_REPORTS'];

export default defineConfig({
  test: {
    ...(reports === undefined || reports === ''
      ? {}
      : { reporters: ['default', 'json'], outputFile: `${reports}/examples.json` }),
    // What a user has in hand: examples, README, package. They change seldom, and each starts processes of its own.
    include: ['examples/**/*.test.ts', 'test/published/**/*.test.ts'],
    testTimeout: 60_000,
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/fermata-compiled') },
  },
});
