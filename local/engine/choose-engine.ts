import type { LocalRegistry } from "../registry/registry.ts";
import { BuildahEngine } from "./buildah/buildah-engine.ts";
import { findBuildah } from "./buildah/find-buildah.ts";
import { BuiltInEngine } from "./built-in/built-in-engine.ts";
import type { Mirrors } from "./built-in/local-images.ts";
import { DockerClient } from "./docker/docker-client.ts";
import { DockerEngine } from "./docker/docker-engine.ts";
import { dockerSocket, pingDocker } from "./docker/docker-socket.ts";
import { type Engine, EngineError, type EngineName } from "./engine.ts";

export interface EngineChoice {
  readonly engine: Engine;
  /** A sentence for people. */
  readonly why: string;
}

/**
 * Docker when a daemon answers on its socket (DOCKER_HOST or the usual one), buildah when it is installed and proves
 * that it works here, the built-in engine otherwise. With `prefer` that one, or an EngineError when it cannot be had.
 */
export async function chooseEngine(options: {
  readonly registry: LocalRegistry;
  /** The engine's own; removed by nobody else while the engine lives. */
  readonly scratchDir: string;
  readonly prefer?: EngineName;
  /** Registries out of reach, by host, as the built-in engine sees them. */
  readonly mirrors?: Mirrors;
}): Promise<EngineChoice> {
  const { registry, scratchDir, prefer, mirrors } = options;
  const builtIn = (why: string): EngineChoice => ({
    engine: new BuiltInEngine(registry, scratchDir, {}, mirrors),
    why,
  });
  if (prefer === "built-in") return builtIn("The built-in engine was asked for.");
  let noDocker = "";
  if (prefer !== "buildah") {
    const socket = dockerSocket(process.env.DOCKER_HOST);
    const apiVersion = socket === undefined ? undefined : await pingDocker(socket);
    if (socket !== undefined && apiVersion !== undefined) {
      const engine = new DockerEngine(new DockerClient(socket, apiVersion), registry);
      return { engine, why: `A Docker daemon answers on ${socket} (API ${apiVersion}).` };
    }
    const where = socket ?? `DOCKER_HOST=${process.env.DOCKER_HOST}, which is no unix:// socket`;
    if (prefer === "docker") throw new EngineError(`Docker was asked for, but no daemon answers on ${where}`);
    noDocker = `No Docker daemon answers on ${where}`;
  }
  const buildah = await findBuildah(scratchDir);
  if (!("impossible" in buildah)) {
    const engine = new BuildahEngine(registry, scratchDir, buildah);
    const known = `buildah ${buildah.version} works here`;
    return { engine, why: prefer === "buildah" ? `It was asked for, and ${known}.` : `${noDocker}, but ${known}.` };
  }
  if (prefer === "buildah") throw new EngineError(`buildah was asked for, but cannot be used: ${buildah.impossible}`);
  return builtIn(`${noDocker}, so images are built without one.`);
}
