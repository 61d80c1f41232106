import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface BuildKitClient {
  readonly command: string;
  /** A plugin may stand in the user's own configuration folder, and then only there. */
  readonly plugin: boolean;
}

/** The first docker command that can ask a daemon for BuildKit: with the buildx plugin, or before 23, by itself. */
export async function firstBuildKitClient(commands: readonly string[]): Promise<BuildKitClient | undefined> {
  for (const command of commands) {
    const hasPlugin = await run(command, ["buildx", "version"]).then(
      () => true,
      () => false,
    );
    if (hasPlugin) return { command, plugin: true };
    const version = await run(command, ["--version"]).catch(() => undefined);
    const major = /version (\d+)\./.exec(version?.stdout ?? "")?.[1];
    if (major !== undefined && Number(major) >= 18 && Number(major) < 23) return { command, plugin: false };
  }
  return undefined;
}

let found: Promise<BuildKitClient | undefined> | undefined;

/** Looked for once in a process. */
export function findBuildKitClient(): Promise<BuildKitClient | undefined> {
  found ??= firstBuildKitClient(["docker", "/usr/bin/docker"]);
  return found;
}
