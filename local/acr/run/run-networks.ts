import { type ContainerNetwork, type Engine, EngineError } from "../../engine/engine.ts";
import type { Task } from "../task/task.ts";

/** Docker's own, which every machine has. Containers get none of this machine's here, but a network of their own. */
const dockerNetworks = ["", "bridge", "default", "host", "none"];

/**
 * The networks of a task. Each is made when the first container needs it, and only where two containers can be there at once:
 * a task whose steps follow each other runs on machines that let nobody make networks.
 */
export class RunNetworks {
  readonly #engine: Engine;
  readonly #names: ReadonlySet<string>;
  readonly #shared: boolean;
  readonly #made = new Map<string, Promise<ContainerNetwork>>();

  constructor({ networks, steps }: Task, engine: Engine) {
    this.#engine = engine;
    this.#names = new Set(networks.filter(({ skipCreation }) => !skipCreation).map(({ name }) => name));
    this.#shared = steps.some(
      (step, at) => (step.kind !== "push" && step.detach) || step.after[0] !== steps[at - 1]?.id,
    );
  }

  async requireNamed(name: string): Promise<void> {
    if (dockerNetworks.includes(name) || this.#names.has(name)) return;
    throw new EngineError(`Error response from daemon: network ${name} not found.`);
  }

  /** Undefined stands for a network of the container's own. */
  async named(name: string): Promise<ContainerNetwork | undefined> {
    await this.requireNamed(name);
    if (!this.#shared || !this.#names.has(name)) return undefined;
    const made = this.#made.get(name) ?? this.#engine.createNetwork();
    this.#made.set(name, made);
    return await made;
  }

  async removeAll(): Promise<void> {
    for (const made of this.#made.values()) await made.then((network) => network.remove()).catch(() => {});
  }
}
