import { realpath } from "node:fs/promises";
import { EngineError, type Mount, type RunImageRequest } from "../engine.ts";
import { defaultPath, hostArchitecture, type Image } from "./image.ts";
import type { SandboxMount } from "./mount-places.ts";
import type { Sandbox } from "./sandbox.ts";
import type { SandboxNetwork } from "./sandbox-network.ts";
import { unpackImage } from "./unpack-image.ts";
import { findUser } from "./users.ts";

/** Runs an image as `docker run` would: arguments take the place of CMD, an entrypoint given takes both places. */
export async function runImage(
  image: Image,
  request: RunImageRequest,
  sandbox: Sandbox,
  root: string,
  network: SandboxNetwork | undefined,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const { config, architecture } = image.config;
  const entrypoint = request.entrypoint === undefined ? (config.Entrypoint ?? []) : [request.entrypoint];
  const initial = request.entrypoint === undefined ? (config.Cmd ?? []) : [];
  const command = [...entrypoint, ...(request.args.length > 0 ? request.args : initial)];
  if (command.length === 0) throw new EngineError(`${request.reference} has no command and none was given`);
  if (architecture !== hostArchitecture) throw new EngineError(`${request.reference} is for ${architecture}`);
  const mounts = await Promise.all((request.mounts ?? []).map(sandboxMount));
  await unpackImage(image, root, log, signal);
  const { uid, gid, groups, home } = await findUser(root, request.user || config.User || "0");
  const env = { PATH: defaultPath, HOME: home ?? "/", ...variables(config.Env ?? []), ...variables(request.env) };
  const workingDirectory = request.workingDirectory || config.WorkingDir || "/";
  const { hostName } = request;
  if (hostName !== undefined) await network?.addName(hostName);
  const inside = { root, command, env, workingDirectory, uid, gid, groups, mounts, network, hostName };
  return sandbox.run(inside, log, signal);
}

async function sandboxMount({ hostPath, containerPath, readOnly = false }: Mount): Promise<SandboxMount> {
  const source = await realpath(hostPath).catch(() => undefined);
  if (source === undefined) throw new EngineError(`${hostPath}, to be mounted at ${containerPath}, does not exist`);
  if (!containerPath.startsWith("/")) throw new EngineError(`${containerPath} is no absolute path to mount at`);
  return { target: containerPath, source, readOnly };
}

function variables(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries
      .filter((entry) => entry.indexOf("=") > 0)
      .map((entry) => {
        const equals = entry.indexOf("=");
        return [entry.slice(0, equals), entry.slice(equals + 1)];
      }),
  );
}
