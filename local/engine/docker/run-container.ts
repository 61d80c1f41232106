import { setTimeout as sleep } from "node:timers/promises";
import type { Limits } from "../built-in/limits.ts";
import { EngineError, type RunImageRequest } from "../engine.ts";
import { demultiplex } from "./demultiplex.ts";
import type { DockerClient } from "./docker-client.ts";

/** Runs a container to its end and removes it, whatever happens. Resolves to the exit code. */
export async function runContainer(
  client: DockerClient,
  request: RunImageRequest,
  labels: Readonly<Record<string, string>>,
  limits: Limits,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const body = containerOf(request, labels, limits);
  const created = await client.json<{ Id: string }>("POST", "/containers/create", { body });
  if (!created) throw new EngineError(`Docker has no image ${request.reference}`);
  const container = `/containers/${created.Id}`;
  try {
    const query = { stream: "1", stdout: "1", stderr: "1" };
    const output = await client.open("POST", `${container}/attach`, { query, signal });
    const written = demultiplex(output, log);
    written.catch(() => undefined);
    const refused = await client.tell("POST", `${container}/start`, { signal }).then(() => undefined, startFailure);
    if (refused !== undefined) {
      log(`${refused.message}\n`);
      return refused.code;
    }
    const ended = await client.json<{ StatusCode: number }>("POST", `${container}/wait`, { signal });
    // A container that went with its network may leave its output open.
    await (ended === undefined ? Promise.race([written, sleep(100)]) : written);
    return ended?.StatusCode ?? 137;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await client.remove(container);
  }
}

function containerOf(request: RunImageRequest, labels: Readonly<Record<string, string>>, limits: Limits): object {
  const { network, hostName, mounts = [] } = request;
  return {
    Image: request.reference,
    Cmd: request.args.length > 0 ? request.args : undefined,
    Entrypoint: request.entrypoint === undefined ? undefined : [request.entrypoint],
    Env: request.env,
    WorkingDir: request.workingDirectory,
    User: request.user,
    Labels: labels,
    HostConfig: {
      NetworkMode: network?.id,
      Mounts: mounts.map(({ hostPath, containerPath, readOnly = false }) => ({
        ...{ Type: "bind", Source: hostPath, Target: containerPath, ReadOnly: readOnly },
      })),
      Memory: limits.memory,
      MemorySwap: limits.memory,
      PidsLimit: limits.processes,
    },
    NetworkingConfig: network && {
      EndpointsConfig: { [network.id]: { Aliases: hostName === undefined ? [] : [hostName] } },
    },
  };
}

/** What `docker run` says when there is no such command (127) or it cannot be executed (126). */
function startFailure(error: unknown): { readonly code: number; readonly message: string } {
  const message = error instanceof EngineError ? error.message : "";
  if (/executable file not found|no such file or directory/.test(message)) return { code: 127, message };
  if (/permission denied|is a directory/.test(message)) return { code: 126, message };
  throw error;
}
