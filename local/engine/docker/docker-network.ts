import { type ContainerNetwork, EngineError } from "../engine.ts";
import type { DockerClient } from "./docker-client.ts";

/**
 * A bridge of its own, where Docker's name server knows the containers by their aliases. A daemon without the usual
 * bridge (`--bridge=none`) can make these all the same.
 */
export class DockerNetwork implements ContainerNetwork {
  readonly id: string;
  readonly #client: DockerClient;

  private constructor(client: DockerClient, id: string) {
    this.#client = client;
    this.id = id;
  }

  static async create(
    client: DockerClient,
    name: string,
    labels: Readonly<Record<string, string>>,
  ): Promise<DockerNetwork> {
    const body = { Name: name, Driver: "bridge", CheckDuplicate: true, Labels: labels };
    const made = await client.json<{ Id: string }>("POST", "/networks/create", { body });
    if (!made) throw new EngineError("this Docker daemon cannot make bridge networks");
    return new DockerNetwork(client, made.Id);
  }

  async remove(): Promise<void> {
    const query = { all: "1", filters: JSON.stringify({ network: [this.id] }) };
    const containers = (await this.#client.json<{ Id: string }[]>("GET", "/containers/json", { query })) ?? [];
    for (const { Id } of containers) await this.#client.remove(`/containers/${Id}`);
    await this.#client.remove(`/networks/${this.id}`);
  }
}
