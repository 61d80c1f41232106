import type { ValueMap } from "./template/value.ts";

export interface RunValues {
  readonly runId: string;
  readonly loginServer: string;
  readonly date: Date;
  readonly sharedVolume: string;
  readonly os: string;
  readonly architecture: string;
  /** What the checkout shows: empty unless the source is a Git repository, `HEAD` when no branch is checked out. */
  readonly commit: string;
  readonly branch: string;
  /** Empty for quick runs. */
  readonly taskName: string;
  readonly values: ValueMap;
}

/** What a template may name. Secrets would need a task's identity and a Key Vault. */
export function templateData(run: RunValues): ValueMap {
  return {
    Build: { ID: run.runId },
    Run: {
      ID: run.runId,
      Commit: run.commit,
      Repository: "",
      Branch: run.branch,
      GitTag: "",
      TriggeredBy: "",
      Registry: run.loginServer,
      RegistryName: run.loginServer.split(".")[0] ?? "",
      Date: stamp(run.date),
      SharedVolume: run.sharedVolume,
      OS: run.os,
      OSVersion: "",
      Architecture: run.architecture,
      TaskName: run.taskName,
    },
    Values: run.values,
    Secrets: {},
  };
}

/** `yyyyMMdd-HHmmssz`, the last letter literal. */
function stamp(date: Date): string {
  const digits = date.toISOString().replaceAll(/[-:]/g, "");
  return `${digits.slice(0, 8)}-${digits.slice(9, 15)}z`;
}
