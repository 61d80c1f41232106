import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The first docker command that can ask a daemon for BuildKit: with the buildx plugin, or before 23, by itself. */
export async function firstBuildKitClient(commands: readonly string[]): Promise<string | undefined> {
  for (const command of commands) {
    const hasPlugin = await run(command, ["buildx", "version"]).then(
      () => true,
      () => false,
    );
    if (hasPlugin) return command;
    const version = await run(command, ["--version"]).catch(() => undefined);
    const major = /version (\d+)\./.exec(version?.stdout ?? "")?.[1];
    if (major !== undefined && Number(major) >= 18 && Number(major) < 23) return command;
  }
  return undefined;
}

let found: Promise<string | undefined> | undefined;

/** Looked for once in a process. */
export function findBuildKitClient(): Promise<string | undefined> {
  found ??= firstBuildKitClient(["docker", "/usr/bin/docker"]);
  return found;
}
