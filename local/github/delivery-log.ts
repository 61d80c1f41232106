import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { StateFile } from "../state-file.ts";

/** One attempt to deliver one event. A redelivery is another record with the same GUID. */
export interface Delivery {
  id: number;
  guid: string;
  event: string;
  action: string | null;
  installationId: number | null;
  repositoryId: number | null;
  redelivery: boolean;
  /** The exact bytes that are signed and sent. */
  body: string;
  createdAt: number;
  /** Absent until there is an outcome: such a delivery is sent again when the twin starts. */
  outcome?: DeliveryOutcome;
}

export interface DeliveryOutcome {
  url: string;
  deliveredAt: number;
  /** Seconds. */
  duration: number;
  /** `OK`, or what went wrong. */
  status: string;
  statusCode: number;
  requestHeaders: Record<string, string>;
  responseHeaders: Record<string, string> | null;
  responseBody: string | null;
}

/** How long GitHub keeps a delivery for redelivery: 3 days. https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks */
const keptMs = 3 * 24 * 60 * 60 * 1000;

/** The deliveries on disk, a file each, so that saving one costs the same however many there are. */
export class DeliveryLog {
  readonly #dir: string;
  readonly #now: () => number;
  readonly #files = new Map<number, StateFile<Delivery>>();

  constructor(dir: string, now: () => number) {
    this.#dir = dir;
    this.#now = now;
    mkdirSync(dir, { recursive: true });
    const ids = readdirSync(dir).flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []);
    for (const id of ids.map(Number).sort((a, b) => a - b)) {
      const path = join(dir, `${id}.json`);
      this.#files.set(
        id,
        new StateFile<Delivery>(path, () => {
          throw new Error(`${path} vanished while it was read`);
        }),
      );
    }
    this.#forgetOld();
  }

  /** Writes or overwrites the record with this id. */
  save(delivery: Delivery): void {
    let file = this.#files.get(delivery.id);
    if (!file) {
      file = new StateFile<Delivery>(join(this.#dir, `${delivery.id}.json`), () => delivery);
      this.#files.set(delivery.id, file);
      this.#forgetOld();
    }
    file.value = delivery;
    file.save();
  }

  get(id: number): Delivery | undefined {
    const delivery = this.#files.get(id)?.value;
    return delivery && delivery.createdAt >= this.#now() - keptMs ? delivery : undefined;
  }

  /** Newest first. */
  list(): Delivery[] {
    const oldest = this.#now() - keptMs;
    return [...this.#files.values()]
      .map((file) => file.value)
      .filter((delivery) => delivery.createdAt >= oldest)
      .sort((a, b) => b.id - a.id);
  }

  /** Drops records the state never counted: the process died between writing them and saving it, and they come again. */
  dropFrom(nextId: number): void {
    for (const [id, file] of this.#files) {
      if (id < nextId) continue;
      this.#files.delete(id);
      rmSync(file.path, { force: true });
    }
  }

  #forgetOld(): void {
    const oldest = this.#now() - keptMs;
    for (const [id, file] of this.#files) {
      if (file.value.createdAt >= oldest) return;
      this.#files.delete(id);
      rmSync(file.path, { force: true });
    }
  }
}
