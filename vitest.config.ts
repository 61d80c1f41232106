import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

/** Files that start the whole system, each several processes, or that walk through thousands of its states. */
const wholeSystem = ["test/scenarios/**/*.test.ts", "test/chaos/**/*.test.ts", "test/local/start/**/*.test.ts"];

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/skipped-reporter.ts"],
    slowTestThreshold: 10_000,
    projects: [
      {
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...wholeSystem],
          // Many wait for child processes, so two at once pay even on two cores, where vitest would run one.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          // A net, not a measure: many start child processes, and the machine may be busy with something else.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "system",
          include: wholeSystem,
          globalSetup: ["test/support/scenario-bundle.ts"],
          // After the parts, so that neither takes the processor away from the other.
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
