import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { join, posix, relative, sep } from "node:path";
import { TaskError } from "../task/task-error.ts";
import { maxFileBytes } from "./limits.ts";

/** A folder of this machine that steps see too, so that anything may lie in it. */
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

  /** A file's text. What is missing or outside, is no plain file or is too long fails in Go's words. */
  async readText(...parts: string[]): Promise<string> {
    const name = parts.at(-1)!;
    const path = await this.find(...parts);
    if (path === undefined) throw new TaskError(`open ${name}: no such file or directory`);
    // Without NONBLOCK a pipe put there by a step would hold us up for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
      throw new TaskError(`open ${name}: ${error.code}`);
    });
    try {
      const { size } = await file.stat().then((stat) => {
        if (stat.isDirectory()) throw new TaskError(`read ${name}: is a directory`);
        if (!stat.isFile()) throw new TaskError(`read ${name}: not a regular file`);
        return stat;
      });
      if (size > maxFileBytes) throw new TaskError(`${name} is longer than the ${maxFileBytes} bytes the twin reads`);
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
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
