/**
 * The product's real handlers around a registry, a GitHub and a clock that the test owns. Every effect on the outside (a
 * write, a message, a call) has a number, and the process can be made to die before or after any one of them: whatever it
 * would have done next does not happen, and its message comes back as the Functions host would bring it back.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { stringify } from "yaml";
import type { ImageDefinition } from "../../src/core/config/definition.ts";
import { definitionKey } from "../../src/core/config/definition-hash.ts";
import {
  defaultWaves,
  type FreezeWindow,
  type PublishPolicy,
  type WavePolicy,
} from "../../src/core/config/platform.ts";
import type { DigestLookup } from "../../src/core/image/digest-lookup.ts";
import type { Cause, RegistryEventSender } from "../../src/core/plan/reason.ts";
import type { AcrRun, AcrStatus, StartOutcome, StartRequest } from "../../src/core/run/acr-run.ts";
import { isAcrTerminal } from "../../src/core/run/acr-run.ts";
import { defaultTiming } from "../../src/core/run/desk.ts";
import type { CommitStatus, SourceRepository } from "../../src/core/source.ts";
import { keys, rangeOf } from "../../src/core/state/keys.ts";
import type { Attempt, Base, Decision, Inbox, Refusal, Run, SnapshotImage, Track } from "../../src/core/state/rows.ts";
import type { RowWrite } from "../../src/core/state/store.ts";
import { TransientError } from "../../src/errors.ts";
import { leaveWord } from "../../src/handlers/inbox.ts";
import type { EventMessage, Nudge, Report, RunWork } from "../../src/handlers/messages.ts";
import type { ReconcilePorts } from "../../src/handlers/pass/pass.ts";
import { reconcileRegistry } from "../../src/handlers/reconcile-registry.ts";
import { createRegistries, type Registry } from "../../src/handlers/registries.ts";
import { reportRun } from "../../src/handlers/report-run.ts";
import { giveUpTag, type ResolveTagPorts, resolveTag } from "../../src/handlers/resolve-tag.ts";
import { withRetries } from "../../src/handlers/retry.ts";
import { giveUpRunWork, type RunWorkPorts, runWork } from "../../src/handlers/run-work.ts";
import { sweep } from "../../src/handlers/sweep.ts";
import type { QueueName } from "../../src/ports.ts";
import { Secret } from "../../src/secret.ts";
import { definition, push } from "../core/config/definitions.ts";
import { MemoryRows, Stopped } from "./memory-rows.ts";

export const loginServer = "acme.azurecr.io";
export const source: SourceRepository = { provider: "github", id: 7, fullName: "acme/platform" };
export const main = "refs/heads/main";

/** An image of the simulated slipway.yaml: what it is made of, and what it stands on. */
export interface SimImage {
  readonly name: string;
  /** Content of its files; another text is another build. */
  readonly files: string;
  /** Names of images of the same file, or whole references. */
  readonly on?: readonly string[];
  readonly compat?: true;
  /** Its own name unless told. */
  readonly repository?: string;
  readonly owner?: string;
  readonly baseUpdate?: ImageDefinition["on"]["baseUpdate"];
}

interface Message {
  readonly queue: QueueName;
  readonly body: unknown;
  readonly at: number;
}

interface SimRun extends AcrRun {
  readonly taskYaml: string;
  readonly sourceLocation: string;
  readonly acceptedAt: number;
  readonly repository: string;
  readonly tags: readonly string[];
  readonly marker: string;
  readonly digest: string;
  readonly stoodOn: readonly (readonly [reference: string, digest: string])[];
}

export type Death = { readonly at: number; readonly when: "before" | "after" };

export class Simulation {
  now = Date.parse("2026-11-23T12:00:00Z");
  readonly rows = new MemoryRows(() => this.now);
  readonly statuses: { readonly sha: string; readonly status: CommitStatus }[] = [];
  readonly logs: string[] = [];
  readonly acrRuns: SimRun[] = [];
  /** What is behind each reference in the registry. */
  readonly tags = new Map<string, string>();
  /** How a build of a repository ends; succeeds unless told. Called once per accepted ACR run. */
  outcome: (repository: string, nth: number) => AcrStatus = () => "Succeeded";
  /** What happens to the nth call of scheduleRun, counted from 1. */
  onStart: (nth: number) => "accept" | "lose-reply" | "lose-request" | "throttle" | "refuse" = () => "accept";
  /** Sees every message the product sends. */
  onSend: (body: unknown) => void = () => {};
  /** A digest that ACR's logs name for a base, whatever a build stood on. */
  saysStoodOn: (reference: string) => string | undefined = () => undefined;
  buildSeconds = 20;
  mayPublish = true;
  waves: WavePolicy = defaultWaves;
  freeze: readonly FreezeWindow[] = [];
  settleSeconds = 30;
  /** What became of each look at a tag. */
  readonly outcomes: string[] = [];
  /** Every look at a tag, in order. */
  readonly looks: string[] = [];
  /** References whose registry does not answer. */
  readonly silent = new Set<string>();
  /** A run waits this long for an agent; until then it has no log. */
  queueSeconds = 2;
  /** A run accepted this recently is not in ACR's lists yet. */
  listLagSeconds = 0;
  /** ACR's lists of runs answer 503. */
  acrDown = false;
  /** GitHub answers 503. */
  gitHubDown = false;
  /** Logs of runs that are not ours cannot be read. */
  foreignLogFails = false;
  maxRuns = 2;
  /** Registries of the platform file, each at `<alias>.azurecr.io`. With several, each tells of what is pushed to it. */
  aliases = ["acme"];
  effects = 0;
  death: Death | undefined;
  deaths = 0;
  readonly #messages: Message[] = [];
  readonly #known = new Map<string, Registry>();
  #starts = 0;
  #dead = false;
  #ids = 0;
  #generations = new Map<string, number>();

  async registry(alias = "acme"): Promise<Registry> {
    const known = this.#known.get(alias) ?? (await this.#registries().find(alias));
    this.#known.set(alias, known);
    return known;
  }

  // What happens in the world

  /** A ref is read as it is now and the fact left in the inbox, as resolve-event does it. */
  async push(
    images: readonly SimImage[],
    commit: string,
    options: {
      ref?: string;
      id?: string;
      deleted?: boolean;
      source?: SourceRepository;
      generation?: number;
      unwatched?: string[];
      refused?: Refusal[];
      alias?: string;
    } = {},
  ): Promise<void> {
    const registry = await this.registry(options.alias);
    const ref = options.ref ?? main;
    const from = options.source ?? source;
    const refKey = keys.refGeneration(from.id, ref);
    this.now += 1;
    const generation = options.generation ?? (this.#generations.get(refKey) ?? 0) + 1;
    this.#generations.set(refKey, Math.max(generation, this.#generations.get(refKey) ?? 0));
    const id = options.id ?? `delivery-${generation}-${commit.slice(0, 4)}-${from.id}-${ref.split("/").at(-1)}`;
    const cause: Cause = { kind: "delivery", id, event: "push", at: new Date(this.now).toISOString() };
    const snapshot = {
      source: from,
      ref,
      generation,
      ...(options.deleted ? {} : { commit }),
      images: options.deleted ? [] : images.map((i) => this.#snapshotImage(i, ref, commit, registry)),
      refused: options.refused ?? [],
      unwatched: options.unwatched ?? [],
      changedPaths: [],
    };
    const guard: RowWrite = { kind: "put", key: refKey, value: { generation } };
    await this.#outside(() => leaveWord(this.#inbox(), registry, { kind: "ref-moved", id, cause, snapshot }, [guard]));
  }

  /** Messages that have not been delivered yet. */
  queued(queue: QueueName): number {
    return this.#messages.filter((m) => m.queue === queue).length;
  }

  async word(word: Inbox): Promise<void> {
    const registry = await this.registry();
    await this.#outside(() => leaveWord(this.#inbox(), registry, word));
  }

  /** The world's own doings have no number: only the product's process dies. */
  async #outside<T>(work: () => Promise<T>): Promise<T> {
    const { death } = this;
    const { effects } = this;
    this.death = undefined;
    try {
      return await work();
    } finally {
      this.death = death;
      this.effects = effects;
    }
  }

  /** Somebody pushes a digest under a tag at its registry; nobody is told. */
  moveTag(reference: string, digest: string): void {
    this.tags.set(this.referenceOf(reference), digest);
  }

  /** What a sender says of a tag arrives in the `events` queue. */
  tellTag(reference: string, sender: RegistryEventSender = "acr-webhook", eventId = `event-${++this.#ids}`): void {
    const receivedAt = new Date(this.now).toISOString();
    const event: EventMessage = {
      kind: "tag-moved",
      eventId,
      sender,
      receivedAt,
      reference: this.referenceOf(reference),
    };
    this.#messages.push({ queue: "events", body: event, at: this.now });
  }

  // Running the product

  /** Delivers messages in time order, sweeping every minute, until nothing is due any more or `until` says so. */
  async settle(options: { readonly hours?: number; readonly until?: () => boolean } = {}): Promise<void> {
    const end = this.now + (options.hours ?? 6) * 3_600_000;
    let nextSweep = this.now + 60_000;
    let quietSweeps = 0;
    for (let step = 0; step < 20_000 && this.now < end; step++) {
      if (options.until?.()) return;
      this.#messages.sort((a, b) => a.at - b.at);
      const next = this.#messages[0];
      if (next && next.at <= nextSweep) {
        quietSweeps = 0;
        this.#messages.shift();
        this.now = Math.max(this.now, next.at) + 10;
        await this.#invoke(next);
      } else {
        this.now = Math.max(this.now, nextSweep);
        nextSweep = this.now + 60_000;
        const before = this.#messages.length;
        await this.#process(async () => sweep(this.#sweepPorts()));
        quietSweeps = this.#messages.length === before && this.#messages.length === 0 ? quietSweeps + 1 : 0;
        if (quietSweeps > 3) return;
      }
    }
  }

  /** Lives on for so long, although nothing is due for a while. */
  async live(hours: number): Promise<void> {
    const end = this.now + hours * 3_600_000;
    while (this.now < end) await this.settle({ hours: (end - this.now) / 3_600_000 });
  }

  async #invoke(message: Message): Promise<void> {
    const died = await this.#process(async () => {
      const retry = { queues: this.#queues(), now: () => this.now, log: this.#log };
      if (message.queue === "registries") {
        const nudge = message.body as Nudge;
        await withRetries(
          "registries",
          nudge,
          retry,
          async () => reconcileRegistry(nudge, await this.#reconcilePorts(nudge.registry)),
          async () => {},
        );
      } else if (message.queue === "run-work") {
        const work = message.body as RunWork;
        const ports = await this.#runWorkPorts(work.registry);
        await withRetries(
          "run-work",
          work,
          retry,
          (w) => runWork(w, ports),
          (w, error) => giveUpRunWork(w, error, ports),
        );
      } else if (message.queue === "events") {
        const event = message.body as EventMessage;
        if (event.kind !== "tag-moved") throw new Error("only tags are heard of through the queue here");
        const ports = this.#resolvePorts();
        await withRetries(
          "events",
          event,
          retry,
          async (e) => {
            this.outcomes.push(await resolveTag(e, ports));
          },
          (e, error) => giveUpTag(e, error, ports),
        );
      } else if (message.queue === "reports") {
        await withRetries(
          "reports",
          message.body as Report,
          retry,
          (r) => reportRun(r, this.#reportPorts()),
          async () => {},
        );
      }
    });
    // A message whose process died becomes visible again ten minutes later.
    if (died) this.#messages.push({ ...message, at: this.now + 600_000 });
  }

  /** Returns whether the process died on the way. */
  async #process(work: () => Promise<void>): Promise<boolean> {
    this.#dead = false;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Died) && !this.#dead) throw error;
    }
    const died = this.#dead;
    this.#dead = false;
    return died;
  }

  /** Every effect on the outside passes here. */
  async #effect<T>(act: () => Promise<T>): Promise<T> {
    if (this.#dead) throw new Died();
    const n = ++this.effects;
    if (this.death?.at === n && this.death.when === "before") return this.#die();
    const result = await act();
    if (this.death?.at === n && this.death.when === "after") return this.#die();
    return result;
  }

  #die(): never {
    this.#dead = true;
    this.deaths++;
    throw new Died();
  }

  async #look<T>(act: () => Promise<T>): Promise<T> {
    if (this.#dead) throw new Died();
    return act();
  }

  // Ports

  #rowsPort(): MemoryRows {
    const { rows } = this;
    return new Proxy(rows, {
      get: (_target, name) => {
        if (name === "transact")
          return (...args: Parameters<MemoryRows["transact"]>) => this.#effect(() => rows.transact(...args));
        if (name === "removeUnchanged")
          return (...args: Parameters<MemoryRows["removeUnchanged"]>) =>
            this.#effect(() => rows.removeUnchanged(...args));
        if (name === "read") return (...args: Parameters<MemoryRows["read"]>) => this.#look(() => rows.read(...args));
        return (...args: Parameters<MemoryRows["list"]>) => this.#look(() => rows.list(...args));
      },
    });
  }

  #queues() {
    return {
      drainPoison: async () => {},
      send: (queue: QueueName, body: unknown, options?: { readonly delaySeconds?: number }) =>
        this.#effect(async () => {
          this.onSend(body);
          this.#messages.push({
            queue,
            body: JSON.parse(JSON.stringify(body)),
            at: this.now + (options?.delaySeconds ?? 0) * 1000 + 50,
          });
        }),
    };
  }

  readonly #log = (message: string, fields: Record<string, unknown>) => {
    this.logs.push(`${new Date(this.now).toISOString()} ${message} ${JSON.stringify(fields)}`);
  };

  #inbox() {
    return { rows: this.#rowsPort(), queues: this.#queues(), now: () => this.now, newId: () => `id-${++this.#ids}` };
  }

  #registries() {
    const platform: PublishPolicy = {
      registries: Object.fromEntries(
        this.aliases.map((alias) => [alias, { alias, resourceId: resourceOf(alias), maxRuns: this.maxRuns }]),
      ),
      publish: [{ from: "acme/*", to: "**" }],
    };
    return createRegistries({
      platform,
      rows: this.rows,
      factsOf: async (alias) => ({
        loginServer: `${alias}.azurecr.io`,
        createdAt: "2026-01-01T00:00:00Z",
      }),
      now: () => this.now,
    });
  }

  async #reconcilePorts(alias: string): Promise<ReconcilePorts> {
    // Somebody else's runs push nothing here; every registry lists them.
    const mine = (run: SimRun) => run.tags[0]?.startsWith(`${alias}.azurecr.io/`) ?? true;
    return {
      ...this.#inbox(),
      registry: { ...(await this.registry(alias)), maxRuns: this.maxRuns },
      acr: {
        openRuns: () => this.#look(async () => this.#listed().filter((r) => mine(r) && !isAcrTerminal(r.status))),
        runsCreatedSince: (iso) =>
          this.#look(async () => this.#listed().filter((r) => mine(r) && (r.createTime ?? "") >= iso)),
        run: (id) => this.#look(async () => this.#seen().find((r) => r.acrRunId === id)),
        startRun: (request) => this.#effect(() => this.#start(request)),
        cancelRun: (id) => this.#effect(async () => this.#cancel(id)),
        logHead: (id) => this.#look(async () => this.#logHead(id)),
      },
      resolveDigest: (reference) => this.#look(async () => this.#digestOf(reference)),
      timing: defaultTiming,
      policy: { waves: this.waves, freeze: this.freeze },
      mayPublish: () => this.mayPublish,
      log: this.#log,
    };
  }

  #resolvePorts(): ResolveTagPorts {
    return {
      ...this.#inbox(),
      registries: this.#registries(),
      resolveDigest: (reference) => this.#look(async () => this.#digestOf(reference)),
      settleSeconds: this.settleSeconds,
      log: this.#log,
    };
  }

  async #runWorkPorts(alias: string): Promise<RunWorkPorts> {
    return {
      ...this.#inbox(),
      registry: await this.registry(alias),
      github: {
        tarball: async (_source, sha) => {
          if (this.gitHubDown) throw new TransientError("GitHub answers 503");
          return Readable.from([sha]);
        },
      },
      acr: {
        uploadTarget: () =>
          this.#look(async () => {
            const relativePath = `source/${++this.#ids}.tar.gz`;
            return { uploadUrl: new Secret(relativePath), relativePath };
          }),
        logReader: async (id) => ({
          read: async (offset) => {
            const bytes = new TextEncoder().encode(this.#logOf(id));
            return { bytes: bytes.subarray(offset), nextOffset: bytes.byteLength, complete: true };
          },
        }),
      },
      streamContext: (tarball) => ({ stream: tarball, done: Promise.resolve() }),
      upload: async (stream, uploadUrl) => {
        for await (const sha of stream) this.#uploads.set(uploadUrl.expose(), String(sha));
      },
      logs: {
        save: async (_name, text) => {
          let bytes = 0;
          for await (const chunk of text) bytes += chunk.byteLength;
          return bytes;
        },
      },
      resolveDigest: (reference) => this.#look(async () => this.#digestOf(reference)),
      moveTag: (reference, digest) =>
        this.#effect(async () => {
          this.tags.set(reference, digest);
        }),
      log: this.#log,
    };
  }

  #reportPorts() {
    return {
      rows: this.#rowsPort(),
      registries: this.#registries(),
      github: {
        postStatus: (_source: SourceRepository, sha: string, status: CommitStatus) =>
          this.#effect(async () => {
            if (this.gitHubDown) throw new TransientError("GitHub answers 503");
            this.statuses.push({ sha, status });
          }),
      },
      publicUrl: undefined,
      log: this.#log,
    };
  }

  #sweepPorts() {
    return {
      ...this.#inbox(),
      registries: this.#registries(),
      github: { refs: async () => [], failedDeliveries: async () => [], redeliver: async () => {} },
      log: this.#log,
    };
  }

  /** Somebody else's quick build: its log names no network, and fills more than anybody reads of it. */
  foreignRun(): void {
    const acrRunId = `cz${this.acrRuns.length + 1}`;
    const nothing = {
      taskYaml: "",
      sourceLocation: "",
      repository: "elsewhere",
      tags: [],
      marker: "",
      digest: "",
      stoodOn: [],
    };
    this.acrRuns.push({
      acrRunId,
      status: "Queued",
      createTime: new Date(this.now).toISOString(),
      outputImages: [],
      acceptedAt: this.now,
      ...nothing,
    });
  }

  // The simulated ACR

  async #start(request: StartRequest): Promise<StartOutcome> {
    const what = this.onStart(++this.#starts);
    if (what === "throttle") return { kind: "throttled", retryAfterSeconds: 30 };
    if (what === "refuse") return { kind: "refused", code: "TasksOperationsNotAllowed", message: "not permitted" };
    if (what === "lose-request") return { kind: "unknown", message: "connection reset" };
    const run = this.#accept(request);
    return what === "lose-reply" ? { kind: "unknown", message: "connection reset" } : { kind: "accepted", run };
  }

  #accept(request: StartRequest): SimRun {
    const task = JSON.parse(request.taskYaml) as { networks: { name: string }[]; steps: { push?: string[] }[] };
    const references = task.steps.flatMap((s) => s.push ?? []);
    const repository = references[0]!.slice(references[0]!.indexOf("/") + 1, references[0]!.lastIndexOf(":"));
    const run: SimRun = {
      acrRunId: `cf${this.acrRuns.length + 1}`,
      status: "Queued",
      createTime: new Date(this.now).toISOString(),
      outputImages: [],
      taskYaml: request.taskYaml,
      sourceLocation: request.sourceLocation,
      acceptedAt: this.now,
      repository,
      tags: references,
      marker: task.networks[0]!.name,
      // What is inside is decided when the build starts: the files and the bases as they are now.
      digest: this.#digestFor(repository, this.#uploads.get(request.sourceLocation) ?? ""),
      stoodOn: this.#basesOf(repository, this.#uploads.get(request.sourceLocation) ?? ""),
    };
    this.acrRuns.push(run);
    return run;
  }

  /** Called for every look at ACR: time has passed, so runs have moved on and pushed. */
  #seen(): readonly SimRun[] {
    this.acrRuns.forEach((run, i) => {
      if (isAcrTerminal(run.status)) return;
      const age = (this.now - run.acceptedAt) / 1000;
      const nth = this.acrRuns.slice(0, i + 1).filter((r) => r.repository === run.repository).length;
      const status: AcrStatus =
        age < this.queueSeconds
          ? "Queued"
          : age < this.queueSeconds + this.buildSeconds
            ? "Running"
            : this.outcome(run.repository, nth);
      const ended = isAcrTerminal(status);
      if (status === "Succeeded")
        for (const tag of run.tags) {
          this.tags.set(tag, run.digest);
          if (this.aliases.length > 1) this.tellTag(tag);
        }
      this.acrRuns[i] = {
        ...run,
        status,
        ...(ended ? { finishTime: new Date(this.now).toISOString() } : {}),
        ...(status === "Succeeded"
          ? {
              outputImages: run.tags.map((t) => ({
                registry: run.tags[0]!.slice(0, run.tags[0]!.indexOf("/")),
                repository: run.repository,
                tag: t.slice(t.lastIndexOf(":") + 1),
                digest: run.digest,
              })),
            }
          : {}),
        ...(status === "Failed" ? { errorMessage: "failed during run, err: exit status 1" } : {}),
      };
    });
    return this.acrRuns;
  }

  #listed(): readonly SimRun[] {
    if (this.acrDown) throw new TransientError("ARM answers 503");
    return this.#seen().filter((r) => this.now - r.acceptedAt >= this.listLagSeconds * 1000);
  }

  #cancel(id: string): void {
    const i = this.acrRuns.findIndex((r) => r.acrRunId === id);
    const run = this.acrRuns[i];
    if (run && !isAcrTerminal(run.status))
      this.acrRuns[i] = { ...run, status: "Canceled", finishTime: new Date(this.now).toISOString() };
  }

  #logHead(id: string) {
    const run = this.#seen().find((r) => r.acrRunId === id);
    if (this.foreignLogFails && run?.marker === "") throw new TransientError("storage answers 403");
    const started = run && run.status !== "Queued";
    return {
      kind: "text" as const,
      text: !started
        ? ""
        : run.marker === ""
          ? "Downloading source code...\r\n"
          : `Creating Docker network: ${run.marker}, driver: 'bridge'\r\n`,
    };
  }

  #digestOf(reference: string): DigestLookup {
    this.#seen();
    this.looks.push(reference);
    if (this.silent.has(reference)) return { kind: "unknown", why: "503" };
    const digest = this.tags.get(reference);
    return digest ? { kind: "found", digest } : { kind: "absent" };
  }

  #digestFor(repository: string, commit: string): string {
    const image = this.#images.get(`${repository}@${commit}`);
    const bases = this.#basesOf(repository, commit).map(([, digest]) => digest);
    return `sha256:${createHash("sha256")
      .update(JSON.stringify([repository, image?.files, bases]))
      .digest("hex")}`;
  }

  #basesOf(repository: string, commit: string): readonly (readonly [reference: string, digest: string])[] {
    const references = (this.#images.get(`${repository}@${commit}`)?.on ?? []).map((b) => this.referenceOf(b));
    return references.map((reference) => [reference, this.tags.get(reference) ?? "absent"]);
  }

  /** As ACR ends it, with the bases that were there when the build started. */
  #logOf(id: string): string {
    const { stoodOn = [], status } = this.acrRuns.find((r) => r.acrRunId === id) ?? {};
    if (status !== "Succeeded") return "the log\n";
    const shown = stoodOn.map(([reference, digest]) => {
      const [, registry, repository, tag] = /^([^/]+)\/(.+):([^:]+)$/.exec(reference)!;
      return { "runtime-dependency": { registry, repository, tag, digest: this.saysStoodOn(reference) ?? digest } };
    });
    return `the log\n2026/11/23 12:00:09 The following dependencies were found:\r\n\r\n${stringify(shown)}\r\nRun ID: ${id} was successful after 9s\r\n`;
  }

  /** By repository and commit: what a context holds does not change after it was uploaded. */
  readonly #images = new Map<string, SimImage>();
  readonly #uploads = new Map<string, string>();

  referenceOf(name: string, tag = "main"): string {
    return name.includes("/") ? name : `${loginServer}/${name}:${tag}`;
  }

  #snapshotImage(image: SimImage, ref: string, commit: string, registry: Registry): SnapshotImage {
    const tag = ref.split("/").at(-1)!;
    const repository = image.repository ?? image.name;
    this.#images.set(`${repository}@${commit}`, image);
    const { on } = definitionOf(image.name);
    const definition = definitionOf(image.name, {
      registry: registry.alias,
      repository,
      ...(image.baseUpdate ? { on: { ...on, baseUpdate: image.baseUpdate } } : {}),
      ...(image.compat ? { compat: true } : {}),
      ...(image.owner === undefined ? {} : { owner: image.owner }),
    });
    return {
      name: image.name,
      definition,
      definitionKey: definitionKey(definition),
      // The Dockerfile is one of the files.
      inputs: createHash("sha256")
        .update(JSON.stringify([image.files, image.on]))
        .digest("hex"),
      dockerfileSha: createHash("sha1")
        .update(JSON.stringify(image.on ?? []))
        .digest("hex"),
      bases: (image.on ?? []).map((b): Base => ({ reference: this.referenceOf(b), class: "runtime", pinned: false })),
      makes: [`${registry.loginServer}/${repository}:${tag}`],
    };
  }

  // Looking at the end

  async runs(alias = "acme"): Promise<readonly Run[]> {
    const { partition } = await this.registry(alias);
    return (await this.rows.list(partition, rangeOf("run"), 10_000))
      .map((r) => r.value as Run)
      .sort((a, b) => a.seq - b.seq);
  }

  async tracks(): Promise<readonly Track[]> {
    const { partition } = await this.registry();
    return (await this.rows.list(partition, rangeOf("track"), 10_000)).map((r) => r.value as Track);
  }

  async attempts(): Promise<readonly Attempt[]> {
    const { partition } = await this.registry();
    return (await this.rows.list(partition, rangeOf("attempt"), 10_000)).map((r) => r.value as Attempt);
  }

  async decisions(): Promise<readonly Decision[]> {
    const { partition } = await this.registry();
    return (await this.rows.list(partition, rangeOf("decision"), 10_000)).map((r) => r.value as Decision);
  }

  /** Rows that must not be there once everything has come to rest. */
  async leftovers(): Promise<readonly string[]> {
    const { partition } = await this.registry();
    const open = ["in", "expansion", "live", "ready", "wait", "due", "stuck"];
    return (await Promise.all(open.map((prefix) => this.rows.list(partition, rangeOf(prefix), 1000))))
      .flat()
      .map((r) => r.key);
  }

  /** How many ACR runs were accepted for a repository. */
  builds(repository: string): number {
    return this.acrRuns.filter((r) => r.repository === repository).length;
  }

  lastStatus(sha: string, context: string): CommitStatus | undefined {
    return this.statuses.filter((s) => s.sha === sha && s.status.context === context).at(-1)?.status;
  }
}

function resourceOf(alias: string): string {
  return `/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/${alias}00`;
}

class Died extends Stopped {
  constructor() {
    super("the process died");
  }
}

export function commitOf(n: number): string {
  return createHash("sha1").update(String(n)).digest("hex");
}

/** What slipway.yaml says of an image here: built from every branch. */
export function definitionOf(name: string, change: Partial<ImageDefinition> = {}): ImageDefinition {
  return definition({
    name,
    registry: "acme",
    repository: name,
    context: `images/${name}`,
    timeoutSeconds: 600,
    on: { ...definition().on, push: push({ branches: ["**"] }) },
    ...change,
  });
}

/** An image that nobody here builds. */
export const debian = "docker.io/library/debian:12";

export function digestOf(n: number): string {
  return `sha256:${String(n).repeat(64)}`;
}

/** An uneven diamond on it: a → b → z, and a → c → e → z. */
export const uneven: readonly SimImage[] = [
  { name: "a", files: "a", on: [debian] },
  { name: "b", files: "b", on: ["a"] },
  { name: "c", files: "c", on: ["a"] },
  { name: "e", files: "e", on: ["c"] },
  { name: "z", files: "z", on: ["b", "e"] },
];

/** The demo's uneven diamond. */
export function diamond(changes: Readonly<Record<string, string>> = {}): readonly SimImage[] {
  const image = (name: string, ...on: string[]): SimImage => ({ name, files: changes[name] ?? `${name} v1`, on });
  return [
    image("base"),
    image("runtime", "base"),
    image("tools", "base"),
    image("assets", "tools"),
    image("app", "assets", "runtime"),
  ];
}
