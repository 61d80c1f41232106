import { join } from "node:path";
import { Hono } from "hono";
import { type Bindings, listen } from "../http.ts";
import { announceRefs } from "./announce.ts";
import { errorAnswer, gitHubApi } from "./api.ts";
import { loadAppKey } from "./app-key.ts";
import { AppendLog } from "./append-log.ts";
import type { CommitStatus } from "./commit-status.ts";
import { deliver, prepareDelivery, prepareRedelivery } from "./deliver.ts";
import { type Delivery, DeliveryLog } from "./delivery-log.ts";
import { type Faults, noFaults } from "./faults.ts";
import type { LedgerEntry } from "./ledger.ts";
import { gitHubLimits, type Limits } from "./limits.ts";
import { pingPayload } from "./ping-payload.ts";
import { RefLag } from "./ref-lag.ts";
import type { RefUpdate } from "./refs.ts";
import { createRepository, getRepository, gitDirOf, installationOf, type NewRepository } from "./repositories.ts";
import { repositoryHtmlUrl } from "./repository-body.ts";
import { codeloadRoutes } from "./routes/archive-routes.ts";
import { gitRoutes } from "./routes/git-routes.ts";
import { rawRoutes } from "./routes/raw-routes.ts";
import { statusesOf } from "./routes/status-routes.ts";
import { Serial } from "./serial.ts";
import { type Account, anonymousPusher, type GitHubState, openState } from "./state.ts";
import { takeId, type World } from "./world.ts";

export interface GitHubOptions {
  /** Everything is kept here; the same folder again is the same GitHub. */
  dir: string;
  /** 0 or absent: any free port. */
  port?: number;
  app: { id: number; slug?: string; publicKeyPem?: string };
  webhook?: { url: string; secret: string };
  /** Personal access tokens (`ghp_…`) → login. Such a caller may do everything everywhere. */
  personalTokens?: Record<string, string>;
  /** Epoch milliseconds. */
  clock?: () => number;
  /** GitHub's own limits, unless a test wants to reach them sooner. */
  limits?: Partial<Limits>;
}

export interface LocalRepository {
  id: number;
  fullName: string;
  cloneUrl: string;
  /** The bare repository on disk. */
  gitDir: string;
  installationId: number;
}

export interface LocalGitHub {
  /** `http://127.0.0.1:PORT`; clone from `<url>/<owner>/<name>.git`. */
  readonly url: string;
  /** `<url>/api/v3`; the same API answers under `<url>` too. */
  readonly apiUrl: string;
  readonly app: { id: number; slug: string; clientId: string; privateKeyPem: string };
  readonly faults: Faults;
  /** What is on disk, live; look, do not touch. */
  readonly state: Readonly<GitHubState>;
  /** Returns the existing one if there is one. */
  createRepository(fullName: string, wanted?: NewRepository): Promise<LocalRepository>;
  /** Sets the App's webhook and sends a ping. The same URL and secret again change nothing. */
  setWebhook(url: string, secret: string): void;
  /** Notices refs that were moved in the bare repository directly, and tells the webhook. */
  announce(fullName: string): Promise<RefUpdate[]>;
  /** Newest first, those under way (without `outcome`) included. */
  deliveries(): Delivery[];
  /** A new attempt with the same GUID. */
  redeliver(id: number): Delivery;
  /** Newest first. */
  statuses(fullName: string, sha: string): CommitStatus[];
  ledger(): readonly LedgerEntry[];
  /** Resolves when no delivery is under way. */
  settled(): Promise<void>;
  /** Stops at once. Deliveries under way are sent again at the next start. */
  close(): Promise<void>;
}

export async function startGitHub(options: GitHubOptions): Promise<LocalGitHub> {
  const world = openWorld(options);
  const app = new Hono<Bindings>();
  app.onError(errorAnswer);
  gitRoutes(app, world);
  rawRoutes(app, world);
  codeloadRoutes(app, world);
  const api = gitHubApi(world);
  app.route("/api/v3", api);
  app.route("/", api);
  const server = await listen(app, options.port ?? 0);
  world.url = server.url;
  world.apiUrl = `${server.url}/api/v3`;

  await catchUp(world);
  if (options.webhook) setWebhook(world, options.webhook.url, options.webhook.secret);
  const { id, slug, clientId, privateKeyPem } = world.app;
  return {
    url: world.url,
    apiUrl: world.apiUrl,
    app: { id, slug, clientId, privateKeyPem },
    faults: world.faults,
    state: world.state.value,
    createRepository: (fullName, wanted = {}) => makeRepository(world, fullName, wanted),
    setWebhook: (url, secret) => setWebhook(world, url, secret),
    announce: (fullName) => {
      const repository = getRepository(world, fullName);
      return world.pushes.run(repository.id, () => announceRefs(world, repository));
    },
    deliveries: () => world.deliveries.list(),
    redeliver: (deliveryId) => redeliver(world, deliveryId),
    statuses: (fullName, sha) => statusesOf(world, getRepository(world, fullName), sha),
    ledger: () => world.ledger.entries,
    settled: async () => {
      while (world.sending.size > 0) await Promise.all(world.sending);
    },
    close: async () => {
      world.stopping.abort();
      await server.close();
      await Promise.all(world.sending);
    },
  };
}

function openWorld(options: GitHubOptions): World {
  const { dir, app } = options;
  const now = options.clock ?? Date.now;
  const key = loadAppKey(dir);
  const state = openState(dir);
  const personalTokens = new Map(Object.entries(options.personalTokens ?? {}));
  for (const login of [anonymousPusher, ...personalTokens.values()]) addPerson(state.value, login);
  state.save();
  return {
    dir,
    url: "",
    apiUrl: "",
    now,
    app: {
      id: app.id,
      slug: app.slug ?? "slipway-local",
      clientId: `Iv23local${app.id}`,
      privateKeyPem: key.privateKeyPem,
      publicKeyPems: [key.publicKeyPem, ...(app.publicKeyPem ? [app.publicKeyPem] : [])],
    },
    personalTokens,
    limits: { ...gitHubLimits, ...options.limits },
    faults: noFaults(),
    state,
    statuses: new AppendLog(join(dir, "statuses.jsonl")),
    deliveries: new DeliveryLog(join(dir, "deliveries"), now),
    ledger: new AppendLog(join(dir, "ledger.jsonl")),
    lag: new RefLag(now),
    pushes: new Serial(),
    stopping: new AbortController(),
    sending: new Set(),
  };
}

function addPerson(state: GitHubState, login: string): void {
  if (state.accounts.some((account) => account.login.toLowerCase() === login.toLowerCase())) return;
  const person: Account = { id: state.nextId++, login, type: "User" };
  state.accounts.push(person);
  state.installations.push({ id: state.nextId++, accountId: person.id, createdAt: Date.now() });
}

/** After a crash: tells what moved and was never told, and sends what was written down and has no outcome. */
async function catchUp(world: World): Promise<void> {
  world.deliveries.dropFrom(world.state.value.nextId);
  const unsent = world.deliveries.list().filter((delivery) => !delivery.outcome);
  for (const repository of world.state.value.repositories) {
    await world.pushes.run(repository.id, () => announceRefs(world, repository));
  }
  for (const delivery of unsent.reverse()) deliver(world, delivery);
}

async function makeRepository(world: World, fullName: string, wanted: NewRepository): Promise<LocalRepository> {
  const repository = await createRepository(world, fullName, wanted);
  return {
    id: repository.id,
    fullName,
    cloneUrl: `${repositoryHtmlUrl(world, repository)}.git`,
    gitDir: gitDirOf(world, repository),
    installationId: installationOf(world, repository)!.id,
  };
}

function setWebhook(world: World, url: string, secret: string): void {
  const { hostname, protocol } = new URL(url);
  if (!/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname) || !/^https?:$/.test(protocol)) {
    throw new Error(`the local GitHub sends webhooks to this machine only, not to ${url}`);
  }
  const { hook } = world.state.value;
  if (hook?.url === url && hook.secret === secret) return;
  const now = world.now();
  const next = hook
    ? { ...hook, url, secret, updatedAt: now }
    : { id: takeId(world), url, secret, createdAt: now, updatedAt: now };
  world.state.value.hook = next;
  const payload = pingPayload(world, next);
  const ping = prepareDelivery(world, {
    event: "ping",
    action: null,
    installationId: null,
    repositoryId: null,
    payload,
  });
  world.state.save();
  if (ping) deliver(world, ping);
}

function redeliver(world: World, id: number): Delivery {
  const delivery = world.deliveries.get(id);
  if (!delivery) throw new Error(`the local GitHub has no delivery ${id}, or none so young that it can be sent again`);
  const again = prepareRedelivery(world, delivery);
  deliver(world, again);
  return again;
}
