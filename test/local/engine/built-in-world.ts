import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { BuiltInEngine } from "../../../local/engine/built-in/built-in-engine.ts";
import type { ImageConfig } from "../../../local/engine/built-in/image.ts";
import type { Limits } from "../../../local/engine/built-in/limits.ts";
import type { BuildRequest } from "../../../local/engine/engine.ts";
import { readFile } from "../../../local/engine/read-image.ts";
import { pushShellBase } from "../../../local/engine/shell-base.ts";
import { World } from "./support.ts";

/** A world with the built-in engine and the shell base. */
export async function builtInWorld(limits: Partial<Limits> = {}): Promise<World> {
  const world = await World.make((registry, scratchDir) => new BuiltInEngine(registry, scratchDir, limits));
  await pushShellBase(world.registry.store);
  return world;
}

/** Builds and pushes, and returns the configuration and the entries of every layer, in order. */
export async function built(
  world: World,
  name: string,
  files: Record<string, string> | string,
  more: Partial<BuildRequest> = {},
) {
  await world.build(name, files, more);
  const digest = await world.push(name);
  const repository = name.split(":")[0]!;
  const { store } = world.registry;
  const manifest = JSON.parse((await store.resolve(repository, digest))!.bytes.toString()) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  const blob = async (digest: string) => {
    const chunks: Buffer[] = [];
    for await (const chunk of await store.openBlob(repository, digest)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const config = JSON.parse((await blob(manifest.config.digest)).toString()) as ImageConfig;
  const layers = await Promise.all(manifest.layers.map(async (layer) => listing(await blob(layer.digest))));
  return { digest, config, layers };
}

/** As the machine's own tar sees it: mode, owner, path, one line an entry. */
function listing(layer: Buffer): string[] {
  const output = execFileSync("tar", ["-tvzf", "-", "--numeric-owner", "--full-time", "--utc"], { input: layer });
  const lines = output.toString().trimEnd().split("\n");
  return lines.map((line) => line.replace(/^(\S+) (\S+) +\d+ 1970-01-01 00:00:00 /, "$1 $2 "));
}

export async function fileIn(world: World, image: string, path: string): Promise<string | undefined> {
  return (await readFile(world.registry.store, image, path))?.toString();
}

export interface Process {
  readonly id: number;
  readonly parent: number;
  readonly command: string;
}

/** What runs on this machine; ended processes that nobody waits for do not count. */
export function processes(): Process[] {
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return ids.flatMap((id) => {
    try {
      const [, state, parent] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${id}/stat`, "utf8"))!;
      if (state === "Z") return [];
      return [
        {
          id: Number(id),
          parent: Number(parent),
          command: readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " "),
        },
      ];
    } catch {
      return [];
    }
  });
}
