import { EngineError, type RunImageRequest } from "../engine.ts";
import { demultiplex } from "./demultiplex.ts";
import type { DockerClient } from "./docker-client.ts";

/** Runs a container to its end and removes it, whatever happens. Resolves to the exit code. */
export async function runContainer(
  client: DockerClient,
  request: RunImageRequest,
  labels: Readonly<Record<string, string>>,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const created = await client.json<{ Id: string }>("POST", "/containers/create", {
    body: {
      Image: request.reference,
      Cmd: request.args.length > 0 ? request.args : undefined,
      Entrypoint: request.entrypoint === undefined ? undefined : [request.entrypoint],
      Env: request.env,
      WorkingDir: request.workingDirectory,
      User: request.user,
      Labels: labels,
    },
  });
  if (!created) throw new EngineError(`Docker has no image ${request.reference}`);
  const container = `/containers/${created.Id}`;
  try {
    const query = { stream: "1", stdout: "1", stderr: "1" };
    const output = await client.open("POST", `${container}/attach`, { query, signal });
    const written = demultiplex(output, log);
    written.catch(() => undefined);
    await client.json("POST", `${container}/start`, { signal });
    const ended = await client.json<{ StatusCode: number }>("POST", `${container}/wait`, { signal });
    await written;
    return ended?.StatusCode ?? 125;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await client.json("DELETE", container, { query: { force: "1", v: "1" } });
  }
}
