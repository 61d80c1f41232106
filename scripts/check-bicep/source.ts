import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Text by path relative to the repository root: everything the check looks at. A value, so a test can plant a fault. */
export type Source = ReadonlyMap<string, string>;

const FOLDERS = ["infra", "src/functions"];
const FILES = ["azure.yaml", "local.settings.sample.json", "docs/deploy.md", "src/settings.ts"];

/** Reads what exists; a missing file is judged by the rule that needs it. */
export async function readSource(root: string): Promise<Source> {
  const paths = [...FILES];
  for (const folder of FOLDERS) {
    const entries = await readdir(join(root, folder), { recursive: true }).catch(() => []);
    for (const entry of entries) if (/\.(bicep|bicepparam|json|ts)$/.test(entry)) paths.push(`${folder}/${entry}`);
  }
  const source = new Map<string, string>();
  for (const path of paths.sort()) {
    const text = await readFile(join(root, path), "utf8").catch(() => undefined);
    if (text !== undefined) source.set(path, text);
  }
  return source;
}
