import type { TemplateData } from "./template.ts";

export interface RunValues {
  readonly runId: string;
  readonly loginServer: string;
  readonly date: Date;
  readonly sharedVolume: string;
  readonly os: string;
  readonly architecture: string;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * What a template may name. Commit and branch are empty, as they are for an uploaded tar. Secrets need a task's identity.
 */
export function templateData(run: RunValues): TemplateData {
  return {
    Build: { ID: run.runId },
    Run: {
      ID: run.runId,
      Commit: "",
      Repository: "",
      Branch: "",
      GitTag: "",
      TriggeredBy: "",
      Registry: run.loginServer,
      RegistryName: run.loginServer.split(".")[0] ?? "",
      Date: stamp(run.date),
      SharedVolume: run.sharedVolume,
      OS: run.os,
      OSVersion: "",
      Architecture: run.architecture,
      TaskName: "",
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
