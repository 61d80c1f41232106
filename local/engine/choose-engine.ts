import type { LocalRegistry } from "../registry/registry.ts";
import { BuiltInEngine } from "./built-in/built-in-engine.ts";
import { DockerClient } from "./docker/docker-client.ts";
import { DockerEngine } from "./docker/docker-engine.ts";
import { dockerSocket, pingDocker } from "./docker/docker-socket.ts";
import { type Engine, EngineError } from "./engine.ts";

export interface EngineChoice {
  readonly engine: Engine;
  /** A sentence for people. */
  readonly why: string;
}

/**
 * Docker when a daemon answers on its socket (DOCKER_HOST or the usual one), the built-in engine otherwise. With
 * `prefer` that one, or an EngineError when it cannot be had.
 */
export async function chooseEngine(options: {
  readonly registry: LocalRegistry;
  /** The engine's own; removed by nobody else while the engine lives. */
  readonly scratchDir: string;
  readonly prefer?: "docker" | "built-in";
}): Promise<EngineChoice> {
  const { registry, scratchDir, prefer } = options;
  const builtIn = (why: string): EngineChoice => ({ engine: new BuiltInEngine(registry, scratchDir), why });
  if (prefer === "built-in") return builtIn("The built-in engine was asked for.");
  const socket = dockerSocket(process.env.DOCKER_HOST);
  const apiVersion = socket === undefined ? undefined : await pingDocker(socket);
  if (socket !== undefined && apiVersion !== undefined) {
    const engine = new DockerEngine(new DockerClient(socket, apiVersion), registry);
    return { engine, why: `A Docker daemon answers on ${socket} (API ${apiVersion}).` };
  }
  const where = socket ?? `DOCKER_HOST=${process.env.DOCKER_HOST}, which is no unix:// socket`;
  if (prefer === "docker") throw new EngineError(`Docker was asked for, but no daemon answers on ${where}`);
  return builtIn(`No Docker daemon answers on ${where}, so images are built without one.`);
}
