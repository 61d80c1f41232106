import type { DockerBuildWork, EncodedTaskWork, Work } from "../run-record.ts";
import type { Workspace } from "./workspace.ts";

/**
 * A task file in the source is read once the source is there; from then on it is as good as an encoded one. Paths count from
 * the folder of the source context. Azure's words for a file that is not there have not been seen; the engine's are Go's.
 */
export async function withTaskFile(
  work: Work,
  source: Workspace,
  folder: string,
): Promise<DockerBuildWork | EncodedTaskWork> {
  if (work.kind !== "file-task") return work;
  const { taskFilePath, valuesFilePath, ...rest } = work;
  return {
    ...rest,
    kind: "encoded-task",
    content: await source.readText(folder, taskFilePath),
    valuesContent: valuesFilePath ? await source.readText(folder, valuesFilePath) : "",
  };
}
