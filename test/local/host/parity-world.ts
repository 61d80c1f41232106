import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import type { LogEntry } from "../../../local/host/log.ts";
import { type RunningHost, type StartHostOptions, startHost } from "../../../local/host/start-host.ts";
import { type FixtureApp, fixtureApp } from "./fixture-app.ts";
import { ENDING, QUIET, SERVING, TICKING } from "./parity-apps.ts";
import { startRecordingProxy } from "./recording-proxy.ts";

export interface HostUnderTest extends RunningHost {
  readonly log: readonly LogEntry[];
  messages(): string[];
  call(path: string, init?: RequestInit): Promise<Response>;
  /** GET, and what the JSON answer holds. */
  json<T>(path: string): Promise<T>;
}

/** What a function that notes its input was given. */
export interface Seen {
  readonly queue: string;
  readonly message: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export const MASTER = { "x-functions-key": "M" };
/** The id of the app with timers: its place in the host storage. */
const TIMER_HOST = "ticking";

/** The hosts the rows look at, on one storage. */
export class ParityWorld {
  readonly #ends: (() => Promise<unknown>)[] = [];
  queues!: QueueServiceClient;
  blobs!: BlobServiceClient;
  /** What the hosts asked of the queue service. */
  asked!: Awaited<ReturnType<typeof startRecordingProxy>>["calls"];
  serving!: HostUnderTest;
  ending!: HostUnderTest;
  ticking!: HostUnderTest;
  quiet!: HostUnderTest;
  #storage = "";
  #tickingApp!: FixtureApp;

  async start(): Promise<void> {
    const [azurite, serving, ending, ticking, quiet] = await Promise.all([
      startAzurite() as Promise<RunningAzurite>,
      fixtureApp({
        files: { "main.cjs": SERVING },
        hostJson: { extensions: { queues: { batchSize: 4, newBatchThreshold: 2 } } },
      }),
      fixtureApp({
        files: { "main.cjs": ENDING },
        hostJson: {
          functionTimeout: "00:00:03",
          extensions: { queues: { visibilityTimeout: "00:20:00", messageEncoding: "none" } },
        },
      }),
      fixtureApp({ files: { "main.cjs": TICKING } }),
      fixtureApp({
        files: { "main.cjs": QUIET },
        hostJson: { extensions: { http: { routePrefix: "" }, queues: { messageEncoding: "none" } } },
      }),
    ]);
    const proxy = await startRecordingProxy(azurite.connectionString);
    this.#ends.push(
      () => azurite.stop(),
      () => proxy.close(),
      ...[serving, ending, ticking, quiet].map((app) => () => app.remove()),
    );
    this.#storage = proxy.connectionString;
    this.#tickingApp = ticking;
    this.asked = proxy.calls;
    this.queues = QueueServiceClient.fromConnectionString(azurite.connectionString);
    this.blobs = BlobServiceClient.fromConnectionString(azurite.connectionString);
    const present =
      "plain off-queue undecodable failing forwarding many at-stop slow stuck elsewhere woken waiting echoing";
    await Promise.all(present.split(" ").map((name) => this.queues.createQueue(name)));
    await this.#missTheNightlyTimer();
    await Promise.all([
      this.#startHost({
        appDir: serving.dir,
        env: {
          AzureWebJobsMyStorage: this.#storage,
          OUT_QUEUE: "outgoing",
          "AzureWebJobs.off.Disabled": "true",
          "AzureWebJobs.off-queue.Disabled": "true",
          FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: "1000000",
        },
        maxPollingInterval: "00:00:00.100",
      }).then((host) => (this.serving = host)),
      this.#startHost({
        appDir: ending.dir,
        env: { AzureWebJobsStorage: this.#storage },
        maxPollingInterval: "00:00:00.100",
        restartInterval: "00:00:00.100",
      }).then((host) => (this.ending = host)),
      this.startTicking().then((host) => (this.ticking = host)),
      this.#startHost({ appDir: quiet.dir, env: { AzureWebJobsStorage: this.#storage } }).then(
        (host) => (this.quiet = host),
      ),
    ]);
  }

  /** One more host of the app with timers, as another instance of it would be. */
  startTicking(group?: string): Promise<HostUnderTest> {
    return this.#startHost({
      appDir: this.#tickingApp.dir,
      env: {
        AzureWebJobsStorage: this.#storage,
        SCHEDULE: "0 0 3 * * *",
        "AzureWebJobs.off-timer.Disabled": "true",
        AzureFunctionsWebHost__hostid: TIMER_HOST,
        ...(group ? { FUNCTIONS_TARGET_GROUP: group } : {}),
      },
      timerLockPoll: "00:00:00.200",
      receiveVisibility: "00:00:04",
      maxPollingInterval: "00:00:00.100",
    });
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }

  /** When the nightly timer is to run next, by its status blob. */
  async nextNight(): Promise<Date> {
    const { Next } = JSON.parse((await this.#nightlyStatus().downloadToBuffer()).toString()) as { Next: string };
    return new Date(Next);
  }

  async seen(queue: string): Promise<Seen[]> {
    return (await this.serving.json<Seen[]>("/api/seen")).filter((entry) => entry.queue === queue);
  }

  /** As the app's own SDK client would, base64 being its business. */
  async send(queue: string, text: string) {
    return this.queues.getQueueClient(queue).sendMessage(Buffer.from(text).toString("base64"));
  }

  /** Invisible messages count too. */
  async lengthOf(queue: string): Promise<number | undefined> {
    return (await this.queues.getQueueClient(queue).getProperties()).approximateMessagesCount;
  }

  async textsIn(queue: string): Promise<string[]> {
    const { peekedMessageItems } = await this.queues.getQueueClient(queue).peekMessages({ numberOfMessages: 32 });
    return peekedMessageItems.map((item) => Buffer.from(item.messageText, "base64").toString("utf8"));
  }

  /** The visibility each update of a message in this queue asked for, in seconds. */
  visibilitiesSet(queue: string): string[] {
    return this.asked
      .filter((call) => call.method === "PUT" && call.queue === queue && call.query.popreceipt !== undefined)
      .map((call) => call.query.visibilitytimeout ?? "");
  }

  async #startHost(options: StartHostOptions): Promise<HostUnderTest> {
    const log: LogEntry[] = [];
    const host = await startHost({
      keys: { master: "M", host: { default: "H" }, functions: { KEYED: { default: "K" } } },
      onLog: (entry) => log.push(entry),
      ...options,
    });
    this.#ends.push(() => host.stop());
    const call = (path: string, init?: RequestInit) => fetch(host.url + path, init);
    return {
      ...host,
      log,
      messages: () => log.map((entry) => entry.message),
      call,
      json: async <T>(path: string) => (await (await call(path)).json()) as T,
    };
  }

  #nightlyStatus() {
    return this.blobs
      .getContainerClient("azure-webjobs-hosts")
      .getBlockBlobClient(`timers/${TIMER_HOST}/Host.Functions.nightly/status`);
  }

  async #missTheNightlyTimer(): Promise<void> {
    await this.blobs.createContainer("azure-webjobs-hosts");
    const last = "2026-01-01T03:00:00.01Z";
    const status = JSON.stringify({ Last: last, Next: "2026-01-02T03:00:00Z", LastUpdated: last });
    await this.#nightlyStatus().upload(status, status.length);
  }
}
