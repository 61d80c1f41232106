import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const appDir = fileURLToPath(new URL("../../", import.meta.url));

/** Vitest's global setup: stories run what would be deployed, so the bundle must be as new as the sources. */
export default async function buildBundle(): Promise<void> {
  if (newest(join(appDir, "dist/main.cjs")) > newest(join(appDir, "src"))) return;
  await promisify(execFile)(process.execPath, ["scripts/build.mjs"], { cwd: appDir });
}

/** When the file, or the newest file of the folder, was written; 0 when there is none. */
function newest(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}
