import { expect } from "vitest";
import { DockerEngine, dockerLabel } from "../../../local/engine/docker/docker-engine.ts";
import { describeEngine } from "./engine-contract.ts";
import { docker } from "./support.ts";

const missing = { all: docker ? undefined : "a docker daemon" };

describeEngine(
  "docker engine",
  (registry) => new DockerEngine(docker!, registry),
  missing,
  async () => {
    const label = Object.entries(dockerLabel).map(([name, value]) => `${name}=${value}`);
    const query = { all: "1", filters: JSON.stringify({ label }) };
    await expect.poll(() => docker!.json("GET", "/containers/json", { query })).toEqual([]);
  },
);
