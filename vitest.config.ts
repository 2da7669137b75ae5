import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    setupFiles: ['test/support/fixed-seed.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'units',
          include: ['src/**/*.test.ts', 'test/*.test.ts', 'tools/**/*.test.ts'],
          // Two cores: what runs guests wants one of them.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // Whole machines, one after the other: they load the host, and some look at the clock.
          name: 'machines',
          include: ['test/{boot,consoles,guest,hostile,disks}/**/*.test.ts'],
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
