import { EngineError, type RunImageRequest } from "../engine.ts";
import { defaultPath, hostArchitecture, type Image } from "./image.ts";
import type { Sandbox } from "./sandbox.ts";
import { unpackImage } from "./unpack-image.ts";
import { findUser } from "./users.ts";

/** Runs an image as `docker run` would: arguments take the place of CMD, an entrypoint given takes both places. */
export async function runImage(
  image: Image,
  request: RunImageRequest,
  sandbox: Sandbox,
  root: string,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const { config, architecture } = image.config;
  const entrypoint = request.entrypoint === undefined ? (config.Entrypoint ?? []) : [request.entrypoint];
  const initial = request.entrypoint === undefined ? (config.Cmd ?? []) : [];
  const command = [...entrypoint, ...(request.args.length > 0 ? request.args : initial)];
  if (command.length === 0) throw new EngineError(`${request.reference} has no command and none was given`);
  if (architecture !== hostArchitecture) throw new EngineError(`${request.reference} is for ${architecture}`);
  await unpackImage(image, root, signal);
  const { uid, gid, home } = await findUser(root, request.user || config.User || "0");
  const env = { PATH: defaultPath, HOME: home ?? "/", ...variables(config.Env ?? []), ...variables(request.env) };
  const workingDirectory = request.workingDirectory || config.WorkingDir || "/";
  return sandbox.run({ root, command, env, workingDirectory, uid, gid }, log, signal);
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
