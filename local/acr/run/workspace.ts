import { realpath } from "node:fs/promises";
import { join, posix, relative, sep } from "node:path";
import { TaskError } from "../task/task-error.ts";

/** Where a run's source lies; steps see it as `/workspace`. */
export class Workspace {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async at(dir: string): Promise<Workspace> {
    return new Workspace(await realpath(dir));
  }

  /** A path in this workspace, symlinks followed; undefined when it does not exist or lies outside. */
  async find(...parts: string[]): Promise<string | undefined> {
    const found = await realpath(join(this.dir, ...parts)).catch(() => undefined);
    if (found === undefined) return undefined;
    return found === this.dir || found.startsWith(this.dir + sep) ? found : undefined;
  }

  /** A step's `workingDirectory` relative to the workspace. */
  inside(workingDirectory: string): string {
    const seen = containerDirectory(workingDirectory);
    if (seen !== "/workspace" && !seen.startsWith("/workspace/")) {
      throw new TaskError(`working directory '${workingDirectory}' is outside /workspace`);
    }
    return relative("/workspace", seen);
  }
}

/** The working directory as a container sees it: relative ones are under /workspace. */
export function containerDirectory(workingDirectory: string): string {
  return posix.resolve("/workspace", workingDirectory);
}
