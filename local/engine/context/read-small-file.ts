import { posix } from "node:path";
import { EngineError } from "../engine.ts";
import { Folder } from "./folder.ts";
import { pathInRoot } from "./path-in-root.ts";

/** Far above what a Dockerfile, .dockerignore or /etc/passwd needs. */
const largest = 4 * 1024 * 1024;

/** The text behind a path inside `root`, links followed inside it only; undefined when there is no such file. */
export async function readSmallFile(root: string, path: string): Promise<string | undefined> {
  const inside = await pathInRoot(root, path);
  try {
    return await Folder.within(root, posix.dirname(inside), (folder) => readText(folder, posix.basename(inside)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ELOOP: it became a link after we had followed all links. ENXIO: a socket.
    if (["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].includes(code ?? "")) return undefined;
    throw error;
  }
}

async function readText(folder: Folder, name: string): Promise<string | undefined> {
  const file = await folder.file(name);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) return undefined;
    if (stats.size > largest) throw new EngineError(`${name} has more than ${largest / 1024 / 1024} MiB`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}
