import { readdir } from "node:fs/promises";
import { join, posix } from "node:path";
import { Effort } from "../context/effort.ts";
import { Glob } from "../context/glob.ts";
import { lstatIfAny } from "../context/path-in-root.ts";

/** Where COPY takes files from: a copy of the build context, a stage, an image or an archive. Nobody else writes there. */
export interface CopySource {
  readonly root: string;
  /** Stages and images keep the owners of their files; files of the context become root's. */
  readonly keepsOwners: boolean;
  /** For messages: `the build context`. */
  readonly name: string;
}

export function isPattern(path: string): boolean {
  return /[*?[\\]/.test(path);
}

/**
 * Paths that match, each part of the pattern by Go's filepath.Match: `*`, `?`, `[a-z]`, `[^a]`, `\x`; with `deep`, the
 * part `**` stands for any folders or none. In byte order.
 */
export async function matchPaths(source: CopySource, pattern: string, deep = false): Promise<string[]> {
  let found = ["/"];
  for (const part of pattern.split("/").filter((text) => text !== "" && text !== ".")) {
    // Two `**` lead to one folder in several ways.
    const next = new Set<string>();
    for (const folder of found) {
      if (deep && part === "**") {
        for (const under of await foldersUnder(source, folder)) next.add(under);
        continue;
      }
      const names = isPattern(part) ? await namesIn(source, folder, part) : [part];
      for (const name of names) {
        const path = posix.join(folder, name);
        if (await lstatIfAny(join(source.root, path))) next.add(path);
      }
    }
    found = [...next];
  }
  return found;
}

/** The folder itself and all below, links not followed. */
async function foldersUnder(source: CopySource, folder: string): Promise<string[]> {
  const stats = await lstatIfAny(join(source.root, folder));
  if (!stats?.isDirectory()) return [];
  const found = [folder];
  for (const name of (await readdir(join(source.root, folder))).sort()) {
    found.push(...(await foldersUnder(source, posix.join(folder, name))));
  }
  return found;
}

async function namesIn(source: CopySource, folder: string, pattern: string): Promise<string[]> {
  const stats = await lstatIfAny(join(source.root, folder));
  if (!stats?.isDirectory()) return [];
  const glob = new Glob(pattern);
  const effort = new Effort(`looking for ${pattern.slice(0, 100)}`);
  return (await readdir(join(source.root, folder))).filter((name) => glob.matches(name, effort)).sort();
}
