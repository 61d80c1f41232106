import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

/** Files that start the whole system, each several processes, or that walk through thousands of its states. */
const wholeSystem = ["test/scenarios/**/*.test.ts", "test/chaos/**/*.test.ts", "test/local/start/**/*.test.ts"];

/** Files that measure their process, or need it to be new: MSAL asks the first identity endpoint it saw for ever. */
const alone = [
  "test/core/image/dockerfile-work.test.ts",
  "test/azure/credential.test.ts",
  "test/local/identity/*.test.ts",
  "test/local/acr/arm.test.ts",
];

const parts = {
  // Many wait for child processes, so more than there are cores pay on a small machine.
  maxWorkers: Math.max(3, availableParallelism() - 1),
  // A net, not a measure: many start child processes, and the machine may be busy with something else.
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/skipped-reporter.ts"],
    slowTestThreshold: 10_000,
    projects: [
      {
        test: {
          ...parts,
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...wholeSystem, ...alone],
          // A third of their time would go into loading the same modules again.
          isolate: false,
        },
      },
      { test: { ...parts, name: "alone", include: alone } },
      {
        test: {
          name: "system",
          include: wholeSystem,
          globalSetup: ["test/support/scenario-bundle.ts"],
          // After the parts, so that neither takes the processor away from the other.
          sequence: { groupOrder: 1 },
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
