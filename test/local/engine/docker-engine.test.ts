import { DockerEngine } from "../../../local/engine/docker/docker-engine.ts";
import { describeEngine } from "./engine-contract.ts";
import { docker } from "./support.ts";

describeEngine("docker engine", (registry) => new DockerEngine(docker!, registry), {
  all: docker ? undefined : "a docker daemon",
});
