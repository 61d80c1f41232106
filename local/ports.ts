import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { StateFile } from "./state-file.ts";

export type PortName = "functions" | "registry" | "arm" | "github" | "identity" | "blob" | "queue" | "table";

/**
 * Ports are kept from start to start, because image references, clone URLs and SAS links carry them. A port that somebody
 * else has taken meanwhile is replaced, except the registry's: every image built so far is called by it.
 */
export async function choosePorts(
  dir: string,
  wanted: Partial<Record<PortName, number>>,
): Promise<Record<PortName, number>> {
  const file = new StateFile<Partial<Record<PortName, number>>>(join(dir, "ports.json"), () => ({}));
  const names: readonly PortName[] = ["functions", "registry", "arm", "github", "identity", "blob", "queue", "table"];
  const chosen: Partial<Record<PortName, number>> = {};
  for (const name of names) {
    const port = wanted[name] ?? file.value[name];
    if (port !== undefined && (await isFree(port))) chosen[name] = port;
    else if (port !== undefined && (wanted[name] !== undefined || name === "registry"))
      throw new Error(`port ${port} for ${name} is taken; free it, name another, or start over with --fresh`);
    else chosen[name] = name === "functions" && (await isFree(7071)) ? 7071 : await anyFreePort();
  }
  file.value = chosen;
  file.save();
  return chosen as Record<PortName, number>;
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function anyFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
