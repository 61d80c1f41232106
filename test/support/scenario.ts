/**
 * A whole Slipway for stories: the bundle that would be deployed, in the Functions host, against Azurite and the twin. One
 * per test file, shared by its stories; each story has a source repository of its own and leaves no fault behind.
 */
import { createHmac, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TableClient } from "@azure/data-tables";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import type { LogEntry } from "../../local/host/log.ts";
import { startTwin, type Twin, type TwinOptions } from "../../local/twin.ts";
import { appDir } from "./scenario-bundle.ts";
import { digestOfTag, filesOfImage } from "./scenario-image.ts";
import { Story } from "./scenario-story.ts";
import { until } from "./scenario-until.ts";

export type ScenarioOptions = Partial<Omit<TwinOptions, "dir" | "appDir" | "onLog">>;

/** Rows that are there only while something is still to be done. */
const unfinished = ["in", "expansion", "live", "ready", "wait", "due", "stuck"];

/** What the stories of one test file share that want nothing special. */
let usual: Scenario | undefined;

/**
 * Starts a twin before the test file's first story and ends it after the last. Stories (`*.story.ts`) that a test file
 * imports together have one for all. It is kept in memory.
 */
export function useScenario(options?: ScenarioOptions): Scenario {
  if (options) return begin(new Scenario(options));
  usual ??= begin(new Scenario({}));
  return usual;
}

function begin(scenario: Scenario): Scenario {
  vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
  beforeAll(() => scenario.start());
  afterEach(({ task }) => scenario.tellOf(task.name, task.result?.state === "fail"));
  afterAll(() => scenario.stop());
  return scenario;
}

export class Scenario {
  readonly logs: LogEntry[] = [];
  readonly #options: ScenarioOptions;
  #dir = "";
  #twin: Twin | undefined;

  constructor(options: ScenarioOptions) {
    this.#options = options;
  }

  get twin(): Twin {
    if (!this.#twin) throw new Error("the twin is not running");
    return this.#twin;
  }

  async start(): Promise<void> {
    this.#dir = await mkdtemp(join(tmpdir(), "slipway-scenario-"));
    this.#twin = await startTwin({
      forgetful: true,
      engine: "built-in",
      ports: { functions: 0 },
      ...this.#options,
      dir: this.#dir,
      appDir,
      onLog: (entry) => this.logs.push(entry),
    });
  }

  async stop(): Promise<void> {
    await this.#twin?.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** A failed story leaves what the host said; it is long, so only its place is printed. */
  async tellOf(story: string, failed: boolean): Promise<void> {
    if (!failed) return;
    const path = join(tmpdir(), `slipway-scenario-${Date.now()}.log`);
    await writeFile(path, this.logs.map((entry) => JSON.stringify(entry)).join("\n"));
    console.error(`${story}: what the host said is in ${path}`);
  }

  /** A new source repository `demo/<name>`; nothing is pushed yet. */
  async story(name: string): Promise<Story> {
    return new Story(this, name, await this.twin.github.createRepository(`demo/${name}`));
  }

  /** Posts to the webhook the way GitHub does, signed with the present secret unless told otherwise. */
  async deliver(body: string | Uint8Array, options: DeliverOptions = {}): Promise<Response> {
    const { secret = this.twin.endpoints.webhookSecret, event = "push", guid = randomUUID(), headers = {} } = options;
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    const all: Record<string, string | undefined> = {
      "content-type": "application/json",
      "x-github-event": event,
      "x-github-delivery": guid,
      "x-hub-signature-256": `sha256=${signature}`,
      ...headers,
    };
    const kept = Object.entries(all).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as [string, string]],
    );
    return fetch(this.twin.endpoints.webhook, { method: "POST", headers: kept, body: Buffer.from(body) });
  }

  /** Asks the read API. */
  async ask(path: string, key = this.twin.endpoints.readKey): Promise<Response> {
    return fetch(`${this.twin.endpoints.api}/${path}`, { headers: key === "" ? {} : { "x-functions-key": key } });
  }

  async read<T>(path: string): Promise<T> {
    const answer = await this.ask(path);
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Like `read`; undefined while there is no such thing. */
  async readIfAny<T>(path: string): Promise<T | undefined> {
    const answer = await this.ask(path);
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Asks the write API. */
  async tell(path: string, options: TellOptions = {}): Promise<Response> {
    return fetch(`${this.twin.endpoints.api}/${path}`, {
      method: "POST",
      headers: {
        "x-functions-key": options.key ?? this.twin.endpoints.writeKey,
        "content-type": "application/json",
        ...(options.idempotencyKey ? { "idempotency-key": options.idempotencyKey } : {}),
      },
      body: options.body === undefined ? null : JSON.stringify(options.body),
    });
  }

  /** Waits until nothing is under way: no open row, no event waiting to be resolved, no status owed. */
  async rest(patienceMs?: number): Promise<void> {
    let left: readonly string[] = [];
    const options = patienceMs === undefined ? {} : { patienceMs };
    await until(
      "everything is at rest",
      async () => {
        await this.twin.github.settled();
        left = await this.#unfinished();
        return left.length === 0;
      },
      { ...options, orElse: () => `; left: ${left.join(" ")}` },
    );
  }

  async #unfinished(): Promise<string[]> {
    const { storage } = this.twin.endpoints;
    const events = QueueServiceClient.fromConnectionString(storage).getQueueClient("events");
    const { approximateMessagesCount = 0 } = await events.getProperties();
    const table = TableClient.fromConnectionString(storage, "slipway", { allowInsecureConnection: true });
    const rows: string[] = [];
    for await (const { rowKey } of table.listEntities({ queryOptions: { select: ["RowKey"] } }))
      if (rowKey && unfinished.includes(rowKey.split("|")[0]!)) rows.push(rowKey);
    return approximateMessagesCount > 0 ? [...rows, `${approximateMessagesCount} events`] : rows;
  }

  /** Files of `<repository>:<tag>` in the registry. */
  async files(repository: string, tag = "main"): Promise<Record<string, string> | undefined> {
    return filesOfImage(this.twin.registry.loginServer, repository, tag);
  }

  async digest(repository: string, tag = "main"): Promise<string | undefined> {
    return digestOfTag(this.twin.registry.loginServer, repository, tag);
  }

  tags(repository: string): string[] {
    return this.twin.registry.store.listTags(repository) ?? [];
  }

  /** ACR runs accepted for a run of Slipway's, by the marker each carries, oldest first. */
  acrRunsOf(runId: string) {
    return this.twin.acr.runs().filter((run) => run.network?.startsWith(`slipway-${runId}-`));
  }
}

export interface DeliverOptions {
  readonly secret?: string;
  readonly event?: string;
  readonly guid?: string;
  /** Over the ones GitHub sends; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export interface TellOptions {
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly key?: string;
}
