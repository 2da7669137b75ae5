import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts'],
    testTimeout: 60_000,
    // Two cores: machines under test want one of them.
    maxWorkers: 2,
    fileParallelism: true,
  },
});
