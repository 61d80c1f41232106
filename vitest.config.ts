import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that start the whole system, each several processes, or that walk through thousands of its states. */
const wholeSystem = ["test/scenarios/**/*.test.ts", "test/chaos/**/*.test.ts", "test/local/start/**/*.test.ts"];

/** Files that count what V8 executes. */
const counted = ["test/core/image/dockerfile-work.test.ts"];

/** Files that need a process to themselves: MSAL asks the first identity endpoint it saw for ever. */
const alone = ["test/azure/credential.test.ts", "test/local/identity/*.test.ts", "test/local/acr/arm.test.ts"];

/** The longest, in the order in which they start: begun last, one of them would go on by itself when all else is done. */
const longest = [
  "scenarios/trouble",
  "local/engine/buildah-engine",
  "scenarios/commits",
  "scenarios/new-base",
  "scenarios/answers",
  "scenarios/killed-between-writes",
  "local/engine/docker-engine",
  "chaos/killed-anywhere",
  "chaos/random-waves",
  "start/npm-start",
  "scenarios/",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification) => {
      const rank = longest.findIndex((part) => moduleId.includes(part));
      return rank < 0 ? longest.length : rank;
    };
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

const shared = {
  // Many wait for child processes or for clocks, so more than there are cores pay on a small machine.
  maxWorkers: Math.min(8, Math.max(4, availableParallelism() - 1)),
  // A net, not a measure: many start child processes, and the machine may be busy with something else.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
};

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/skipped-reporter.ts"],
    slowTestThreshold: 10_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...wholeSystem, ...alone, ...counted],
          // A third of their time would go into loading the same modules again.
          isolate: false,
        },
      },
      { test: { ...shared, name: "alone", include: alone } },
      // Optimized code leaves counters out, and when a function gets optimized depends on the machine.
      { test: { ...shared, name: "counted", include: counted, execArgv: ["--no-opt", "--no-maglev"] } },
      {
        test: { ...shared, name: "system", include: wholeSystem, globalSetup: ["test/support/scenario-bundle.ts"] },
      },
    ],
  },
});
