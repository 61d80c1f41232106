import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { StateFile } from "./state-file.ts";

export const portNames = ["functions", "registry", "arm", "github", "identity", "blob", "queue", "table"] as const;

export type PortName = (typeof portNames)[number];

/** Where `func start` listens. */
const functionsPort = 7071;

/**
 * Below the ports that systems give to outgoing connections (Linux from 32768, IANA from 49152): a port that is kept
 * over a restart must not be somebody's other end of a connection meanwhile.
 */
const lowest = 10_000;
const beyond = 32_768;

/** The one port in that range which `fetch` refuses to call (WHATWG Fetch, "bad port"). */
const refusedByFetch = 10_080;

/** What was started before may need a moment to leave its port. */
const patience = 3_000;

/**
 * Ports are kept from start to start, because image references, clone URLs and SAS links carry them. A port that somebody
 * else has taken meanwhile is replaced, except the registry's: every image built so far is called by it. A wanted port
 * of 0 means any, also for the functions, which otherwise get 7071 when it is free.
 */
export async function choosePorts(
  dir: string,
  wanted: Partial<Record<PortName, number>>,
): Promise<Record<PortName, number>> {
  const file = new StateFile<Partial<Record<PortName, number>>>(join(dir, "ports.json"), () => ({}));
  const chosen: Partial<Record<PortName, number>> = {};
  const taken = new Set<number>();
  for (const name of portNames) {
    const wish = wanted[name] || undefined;
    const kept = file.value[name];
    const port = wish ?? kept;
    if (port !== undefined && !taken.has(port) && (await isFreeSoon(port, port === kept))) chosen[name] = port;
    else if (wish !== undefined) throw new Error(`port ${port} for ${name} is taken; free it, or name another`);
    else if (port !== undefined && name === "registry")
      throw new Error(
        `port ${port} of the registry, by which its images are called, is taken; free it, or start over with --fresh`,
      );
    else if (name === "functions" && wanted[name] !== 0 && (await isFree(functionsPort))) chosen[name] = functionsPort;
    else chosen[name] = await anyFreePort(taken);
    taken.add(chosen[name]!);
  }
  file.value = chosen;
  file.save();
  return chosen as Record<PortName, number>;
}

async function isFreeSoon(port: number, oursBefore: boolean): Promise<boolean> {
  const until = Date.now() + (oursBefore ? patience : 0);
  for (;;) {
    if (await isFree(port)) return true;
    if (Date.now() >= until) return false;
    await delay(100);
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/**
 * Some servers listen only seconds after their port was chosen. So each process begins elsewhere, and none of them tries a
 * port twice in a row.
 */
let next = process.pid * 61;

async function anyFreePort(taken: ReadonlySet<number>): Promise<number> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const port = lowest + (next++ % (beyond - lowest));
    if (port !== refusedByFetch && !taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${lowest} and ${beyond}`);
}
