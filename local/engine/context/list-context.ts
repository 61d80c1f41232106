import type { Stats } from "node:fs";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Dockerignore } from "./dockerignore.ts";

/** Paths relative to the context, with slashes, parents before children. Links are listed, never followed. */
export type ContextListing = ReadonlyMap<string, Stats>;

/** What of a build context goes to the build: all but what .dockerignore leaves out. */
export async function listContext(contextDir: string, dockerfile: string): Promise<ContextListing> {
  const rules = new Dockerignore(await readIgnoreFile(contextDir, dockerfile));
  const found = new Map<string, Stats>();
  /** True when something in the folder is kept. */
  const visit = async (folder: string): Promise<boolean> => {
    let keeps = false;
    for (const name of (await readdir(join(contextDir, folder))).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const stats = await lstat(join(contextDir, path));
      const ignored = rules.ignores(path);
      if (ignored && !(stats.isDirectory() && rules.reincludes)) continue;
      found.set(path, stats);
      const kept = (stats.isDirectory() && (await visit(path))) || !ignored;
      if (!kept) found.delete(path);
      keeps ||= kept;
    }
    return keeps;
  };
  await visit("");
  return found;
}

/** `<Dockerfile>.dockerignore` wins over `.dockerignore`, as in BuildKit and the Azure CLI. */
async function readIgnoreFile(contextDir: string, dockerfile: string): Promise<string> {
  for (const name of [`${dockerfile}.dockerignore`, ".dockerignore"]) {
    const text = await readFile(join(contextDir, name), "utf8").catch(() => undefined);
    if (text !== undefined) return text;
  }
  return "";
}
