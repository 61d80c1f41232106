import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Dependencies } from "../../../../local/acr/run/dependency-list.ts";
import { RunFolder } from "../../../../local/acr/run/run-folder.ts";
import { runTask } from "../../../../local/acr/run/run-task.ts";
import type { FetchSource } from "../../../../local/acr/run/source.ts";
import { parseTask } from "../../../../local/acr/task/parse-task.ts";
import { Clock } from "../../../../local/clock.ts";
import { FakeEngine } from "../../../support/fake-engine.ts";

export interface TaskRun {
  readonly engine: FakeEngine;
  readonly folder: RunFolder;
  /** Everything the log was given, a piece each. */
  readonly lines: string[];
  run(yaml: string): Promise<Dependencies[]>;
}

/** A temporary folder that goes with the test. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "acr-run-"));
  // A property calls us hundreds of times in one test.
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Tasks run on a fake engine, in the folder of one run, fifty times faster than they say. */
export async function taskRun(
  surroundings: { fetchSource?: FetchSource; sourceCommit?: string } = {},
): Promise<TaskRun> {
  const engine = new FakeEngine();
  const folder = await RunFolder.at(temporaryFolder());
  const lines: string[] = [];
  const tell = (text = "") => {
    lines.push(text.trimEnd());
  };
  return {
    engine,
    folder,
    lines,
    run: (yaml) =>
      runTask(
        parseTask(yaml),
        {
          engine,
          folder,
          log: { write: tell, line: tell, engine: tell },
          clock: new Clock(50),
          fetchSource: async () => undefined,
          sourceCommit: "",
          registriesToLogInTo: [],
          stepStarted: () => {},
          stepEnded: () => {},
          pushed: () => {},
          ...surroundings,
        },
        new AbortController().signal,
      ),
  };
}
