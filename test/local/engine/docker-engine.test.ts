import { expect, onTestFinished, test } from "vitest";
import { DockerEngine, dockerLabel } from "../../../local/engine/docker/docker-engine.ts";
import { pushShellBase } from "../../../local/engine/shell-base.ts";
import { describeEngine } from "./engine-contract.ts";
import { docker, World } from "./support.ts";

const missing = { all: docker ? undefined : "a docker daemon" };

describeEngine(
  "docker engine",
  (registry) => new DockerEngine(docker!, registry),
  missing,
  async () => {
    const label = Object.entries(dockerLabel).map(([name, value]) => `${name}=${value}`);
    const query = { all: "1", filters: JSON.stringify({ label }) };
    await expect.poll(() => docker!.json("GET", "/containers/json", { query })).toEqual([]);
    await expect.poll(() => docker!.json("GET", "/networks", { query })).toEqual([]);
  },
);

test.skipIf(!docker)(
  "a container ends with its memory; a network forgotten goes with the engine (needs a docker daemon)",
  async () => {
    const limits = { memory: 96 * 1024 * 1024 };
    const world = await World.make((registry) => new DockerEngine(docker!, registry, limits));
    onTestFinished(() => world.remove());
    await pushShellBase(world.registry.store);
    expect(await world.run("local/shell:1", ["sh", "-c", "head -c 300000000 /dev/zero | tail > /dev/null"])).toBe(137);
    const { id } = await world.engine.createNetwork();
    await world.engine.close();
    expect(await docker!.json("GET", `/networks/${id}`)).toBeUndefined();
  },
);
