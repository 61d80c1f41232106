import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { Dockerignore } from "./dockerignore.ts";
import { Folder } from "./folder.ts";
import { readSmallFile } from "./read-small-file.ts";

export interface ContextEntry {
  /** Relative to the context, with slashes. */
  readonly path: string;
  readonly stats: Stats;
  /** Of a link, verbatim. */
  readonly target?: string;
  /** Of a file, open until the next entry is asked for. */
  readonly content?: FileHandle;
}

/**
 * What of a build context goes to the build: all but what .dockerignore leaves out, parents before children. Links are
 * given, never followed. Sockets, pipes and devices are left out.
 */
export async function* readContext(contextDir: string, dockerfile: string): AsyncGenerator<ContextEntry> {
  const rules = new Dockerignore(await readIgnoreFile(contextDir, dockerfile));
  const top = await Folder.open(contextDir);
  try {
    yield* visit(top, "", rules, []);
  } finally {
    await top.close();
  }
}

/** `unsaid` are ignored folders above, given only when something in them is kept. */
async function* visit(
  folder: Folder,
  prefix: string,
  rules: Dockerignore,
  unsaid: ContextEntry[],
): AsyncGenerator<ContextEntry> {
  for (const name of await folder.names()) {
    const path = `${prefix}${name}`;
    const stats = await folder.stat(name);
    const ignored = rules.ignores(path);
    if (ignored && !(stats.isDirectory() && rules.reincludes)) continue;
    if (!ignored) yield* unsaid.splice(0);
    if (stats.isDirectory()) {
      const inner = await folder.enter(name);
      if (ignored) unsaid.push({ path, stats });
      else yield { path, stats };
      const before = unsaid.length;
      try {
        yield* visit(inner, `${path}/`, rules, unsaid);
      } finally {
        await inner.close();
      }
      if (ignored && unsaid.length === before) unsaid.pop();
    } else if (stats.isSymbolicLink()) {
      yield { path, stats, target: await folder.target(name) };
    } else if (stats.isFile()) {
      const content = await folder.file(name);
      try {
        const opened = await content.stat();
        if (opened.isFile()) yield { path, stats: opened, content };
      } finally {
        await content.close();
      }
    }
  }
}

/** `<Dockerfile>.dockerignore` wins over `.dockerignore`, as in BuildKit and the Azure CLI. */
async function readIgnoreFile(contextDir: string, dockerfile: string): Promise<string> {
  const named = await readSmallFile(contextDir, `${dockerfile}.dockerignore`);
  return named ?? (await readSmallFile(contextDir, ".dockerignore")) ?? "";
}
