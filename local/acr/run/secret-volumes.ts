import { chmod, cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hereDocument } from "../task/shell-words.ts";
import type { SecretVolume } from "../task/task.ts";
import { TaskError } from "../task/task-error.ts";
import { makeFolder } from "./make-folder.ts";
import type { RunFolder } from "./run-folder.ts";

/**
 * Makes a volume as the engine does: by a here-document of its shell in a folder of the workspace, which stays there for every
 * step to see, and from there into the volume. So each file ends with a line end, and a `$NAME` in a secret is lost.
 */
export async function makeSecretVolume({ name, files }: SecretVolume, folder: RunFolder): Promise<void> {
  const inWorkspace = join(folder.workspace.dir, name);
  await makeFolder(inWorkspace).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === "EEXIST" ? "File exists" : error.message;
    throw new TaskError(`failed to make directory, mkdir: cannot create directory '${name}': ${why}: exit status 1`);
  });
  for (const [file, content] of Object.entries(files)) {
    await writeFile(join(inWorkspace, file), throughShell(decoded(content), file));
    await chmod(join(inWorkspace, file), 0o644);
  }
  await cp(inWorkspace, folder.volume(name), { recursive: true });
}

function throughShell(content: string, file: string): string {
  try {
    return hereDocument(content, "EOL");
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    throw new TaskError(
      `failed to write value, ${file}: ACR passes it through a shell of its own machine, which would run part of it. ` +
        "Encode it in base64 once more, and decode it in the step",
    );
  }
}

function decoded(content: string): string {
  const bare = content.replaceAll(/[\r\n]/g, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(bare)) {
    throw new TaskError("failed to decode Base64 value. please make sure value provided is Base64 encoded");
  }
  return Buffer.from(bare, "base64").toString("utf8");
}
