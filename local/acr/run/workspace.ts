import { createWriteStream } from "node:fs";
import { type FileHandle, realpath } from "node:fs/promises";
import { basename, dirname, join, posix, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { Folder } from "../../engine/context/folder.ts";
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
    const file = await this.#open(path).catch((error: NodeJS.ErrnoException) => {
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

  /** A folder that `find` found, held open: a step that runs meanwhile may put a link in its place. */
  hold(found: string): Promise<Folder> {
    return Folder.hold(this.dir, relative(this.dir, found));
  }

  /** A copy, out of reach, of a file that `find` found. */
  async copy(found: string, to: string): Promise<void> {
    const file = await this.#open(found);
    try {
      if (!(await file.stat()).isFile()) throw new TaskError(`read ${found}: not a regular file`);
      await pipeline(file.createReadStream({ autoClose: false }), createWriteStream(to, { flags: "wx", mode: 0o600 }));
    } finally {
      await file.close();
    }
  }

  /** Through real folders only, and without waiting for the other end of a pipe. */
  #open(found: string): Promise<FileHandle> {
    const path = relative(this.dir, found);
    return Folder.within(this.dir, dirname(path), (folder) => folder.file(basename(path)));
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
