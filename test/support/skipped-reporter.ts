import type { Reporter, TestModule } from "vitest/node";

/** Names every test that was skipped at the end of a run, so that a machine that lacks something says what it did not try. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const names = modules.flatMap((module) =>
      [...module.children.allTests("skipped")].map((test) => `  ${module.relativeModuleId} > ${test.fullName}`),
    );
    if (names.length > 0) console.log(["", `Skipped here (${names.length}):`, ...names.sort(), ""].join("\n"));
  }
}
