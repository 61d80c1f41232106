import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { chooseEngine } from "../../../local/engine/choose-engine.ts";
import type { EngineName } from "../../../local/engine/engine.ts";
import { type LocalRegistry, startRegistry } from "../../../local/registry/registry.ts";
import { buildah } from "./support.ts";

let dir: string;
let registry: LocalRegistry;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-choose-"));
  registry = await startRegistry({ dir });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await registry.close();
  await rm(dir, { recursive: true });
});

const choose = (prefer?: EngineName) => chooseEngine({ registry, scratchDir: join(dir, "scratch"), prefer });

async function daemon(status: number): Promise<string> {
  const socket = join(dir, "docker.sock");
  const server = createServer((_, response) => {
    response.writeHead(status, { "Api-Version": "1.41" }).end("OK");
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => void server.close());
  return `unix://${socket}`;
}

test("takes Docker when a daemon answers on its socket, and says so", async () => {
  vi.stubEnv("DOCKER_HOST", await daemon(200));
  const { engine, why } = await choose();
  expect(engine.name).toBe("docker");
  expect(why).toMatch(/docker\.sock \(API 1\.41\)/);
  expect((await choose("built-in")).engine.name).toBe("built-in");
  if (buildah) expect((await choose("buildah")).engine.name).toBe("buildah");
});

/** What comes after Docker on this machine. */
const next = buildah ? "buildah" : "built-in";

test.each([
  ["there is no socket", async () => "unix:///nowhere/docker.sock"],
  ["the daemon is unwell", () => daemon(500)],
  ["DOCKER_HOST is not a socket", async () => "tcp://127.0.0.1:1"],
])(`takes the ${next} engine when %s, and says so`, async (_, host) => {
  vi.stubEnv("DOCKER_HOST", await host());
  const { engine, why } = await choose();
  expect(engine.name).toBe(next);
  expect(why).toMatch(/No Docker daemon answers/);
  await expect(choose("docker")).rejects.toThrow(/no daemon answers/);
});

test("what stands in buildah's way is told, and nothing is left of the attempt", async () => {
  await writeFile(join(dir, "scratch"), "a file where a folder has to be");
  const asked = choose("buildah");
  await expect(asked).rejects.toThrow(/^buildah was asked for, but cannot be used: (overlay: |it is )/);
  expect((await readdir(dir)).filter((name) => name.includes("probe"))).toEqual([]);
});
