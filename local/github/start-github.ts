import { join } from "node:path";
import { Hono } from "hono";
import { AppendLog } from "../append-log.ts";
import { Misdelivery } from "../delivery/misdelivery.ts";
import { type Bindings, listen } from "../http.ts";
import { reachOf } from "./access.ts";
import { accountByLogin } from "./account-body.ts";
import { createAccount, type NewAccount } from "./accounts.ts";
import { announceRefs } from "./announce.ts";
import { errorAnswer, gitHubApi, pathWithName } from "./api.ts";
import { defaultEvents, defaultPermissions } from "./app-body.ts";
import { appKeyPath, loadAppKey } from "./app-key.ts";
import type { CheckRun } from "./check-run.ts";
import type { CommitStatus } from "./commit-status.ts";
import { attempt, deliver, prepareRedelivery } from "./deliver.ts";
import { type Delivery, DeliveryLog } from "./delivery-log.ts";
import { type Faults, noFaults } from "./faults.ts";
import { install } from "./install.ts";
import type { LedgerEntry } from "./ledger.ts";
import { gitHubLimits, type Limits } from "./limits.ts";
import { createRepository, type NewRepository } from "./make-repository.ts";
import { writePullRefs } from "./pulls.ts";
import { RateLimits } from "./rate-limits.ts";
import { Records } from "./records.ts";
import { RefLag } from "./ref-lag.ts";
import type { RefUpdate } from "./refs.ts";
import { getRepository, gitDirOf, installationOf, networkIdOf } from "./repositories.ts";
import { repositoryHtmlUrl } from "./repository-body.ts";
import { adminRoutes } from "./routes/admin-routes.ts";
import { codeloadRoutes } from "./routes/archive-routes.ts";
import { requestAction } from "./routes/check-routes.ts";
import { gitRoutes } from "./routes/git-routes.ts";
import { rawRoutes } from "./routes/raw-routes.ts";
import { statusesOf } from "./routes/status-routes.ts";
import { Serial } from "./serial.ts";
import { setDraft } from "./set-draft.ts";
import { setWebhook } from "./set-webhook.ts";
import { type Account, anonymousPusher, type GitHubState, openState } from "./state.ts";
import type { World } from "./world.ts";

export interface GitHubOptions {
  /** Everything is kept here; the same folder again is the same GitHub. */
  dir: string;
  /** 0 or absent: any free port. */
  port?: number;
  app: {
    id: number;
    slug?: string;
    publicKeyPem?: string;
    /** Default: what Slipway asks for, see `app-body.ts`. */
    permissions?: Record<string, "read" | "write">;
    /** What it subscribes to; `installation` and `installation_repositories` come unasked. */
    events?: string[];
  };
  webhook?: { url: string; secret: string };
  /** Personal access tokens (`ghp_…`) → login. Such a caller may do everything everywhere. */
  personalTokens?: Record<string, string>;
  /** Epoch milliseconds. */
  clock?: () => number;
  /** Whether a push needs a token that may write. Default: no. */
  pushNeedsToken?: boolean;
  /** Asked of everybody under `/_twin`, as `Authorization: Bearer …`. Absent: nobody is asked. */
  adminToken?: string;
  /** GitHub's own limits, unless a test wants to reach them sooner. */
  limits?: Partial<Limits>;
}

export interface LocalRepository {
  id: number;
  fullName: string;
  cloneUrl: string;
  /** The bare repository on disk. */
  gitDir: string;
  /** 0 where the App is not installed. */
  installationId: number;
}

export interface LocalAccount {
  id: number;
  login: string;
  token: string;
}

export interface LocalGitHub {
  /** `http://127.0.0.1:PORT`; clone from `<url>/<owner>/<name>.git`. */
  readonly url: string;
  /** `<url>/api/v3`; the same API answers under `<url>` too. */
  readonly apiUrl: string;
  readonly app: {
    id: number;
    slug: string;
    clientId: string;
    privateKeyPem: string;
    /** The file with the same. */
    privateKeyPath: string;
  };
  readonly faults: Faults;
  /** No fault strikes any more; what was held back is sent. */
  clearFaults(): void;
  /** What is on disk, live; look, do not touch. */
  readonly state: Readonly<GitHubState>;
  /** Returns the existing one if there is one. */
  createRepository(fullName: string, wanted?: NewRepository): Promise<LocalRepository>;
  /** A person or an organization, with a new token for it. */
  createAccount(login: string, wanted?: NewAccount): LocalAccount;
  /** Installs the App on an account, or changes for which repositories it is. */
  install(login: string, repositories?: "all" | string[]): { id: number };
  /** A person presses a button the App has put on its check run. */
  requestAction(checkRunId: number, identifier: string, login: string): void;
  /** Draft or ready for review; GitHub has no REST for it. */
  setDraft(fullName: string, number: number, draft: boolean, login: string): void;
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
  /** Resolves when no delivery is under way; those held back to be reordered are not. */
  settled(): Promise<void>;
  /** Stops at once. Deliveries under way are sent again at the next start. */
  close(): Promise<void>;
}

export async function startGitHub(options: GitHubOptions): Promise<LocalGitHub> {
  const world = openWorld(options);
  const app = new Hono<Bindings>({ getPath: (request) => pathWithName(world, request) });
  app.onError(errorAnswer);
  adminRoutes(app, world, options.adminToken);
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
  const privateKeyPath = appKeyPath(options.dir);
  return {
    url: world.url,
    apiUrl: world.apiUrl,
    app: { id, slug, clientId, privateKeyPem, privateKeyPath },
    faults: world.faults,
    clearFaults: () => {
      Object.assign(world.faults, noFaults());
      world.outgoing.release();
    },
    state: world.state.value,
    createRepository: (fullName, wanted = {}) => makeRepository(world, fullName, wanted),
    createAccount: (login, wanted = {}) => makeAccount(world, login, wanted),
    install: (login, repositories = "all") => ({ id: install(world, login, repositories).id }),
    requestAction: (id, identifier, login) =>
      requestAction(world, getCheckRun(world, id), identifier, person(world, login)),
    setDraft: (fullName, number, draft, login) => setDraft(world, fullName, number, draft, person(world, login)),
    setWebhook: (url, secret) => setWebhook(world, url, secret),
    announce: (fullName) => {
      const repository = getRepository(world, fullName);
      return world.pushes.run(networkIdOf(repository), () => announceRefs(world, repository));
    },
    deliveries: () => world.deliveries.list(),
    redeliver: (deliveryId) => redeliver(world, deliveryId),
    statuses: (fullName, sha) => statusesOf(world, getRepository(world, fullName), sha),
    ledger: () => world.ledger.entries,
    settled: () => world.outgoing.settled(),
    close: async () => {
      world.stopping.abort();
      await server.close();
      await world.outgoing.settled();
    },
  };
}

function openWorld(options: GitHubOptions): World {
  const { dir, app } = options;
  const now = options.clock ?? Date.now;
  const key = loadAppKey(dir);
  const state = openState(dir);
  const personalTokens = new Map(Object.entries(options.personalTokens ?? {}));
  for (const login of [anonymousPusher, ...personalTokens.values()]) addPerson(state.value, login, now());
  state.save();
  const limits = { ...gitHubLimits, ...options.limits };
  const faults = noFaults();
  const stopping = new AbortController();
  const records = <T extends { id: number }>(name: string) =>
    new Records<T>(join(dir, `${name}.jsonl`), state.value.nextId, () => state.value.nextId++);
  const world: World = {
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
      permissions: { ...(app.permissions ?? defaultPermissions), metadata: "read" },
      events: app.events ?? defaultEvents,
    },
    personalTokens,
    limits,
    faults,
    state,
    statuses: new AppendLog(join(dir, "statuses.jsonl")),
    pulls: records("pulls"),
    comments: records("comments"),
    checkSuites: records("check-suites"),
    checkRuns: records("check-runs"),
    deliveries: new DeliveryLog(join(dir, "deliveries"), now),
    ledger: new AppendLog(join(dir, "ledger.jsonl")),
    lag: new RefLag(now),
    rates: new RateLimits(now, limits, (caller) => reachOf(world, caller).length),
    pushNeedsToken: options.pushNeedsToken ?? false,
    pushes: new Serial(),
    stopping,
    outgoing: new Misdelivery((delivery) => attempt(world, delivery), stopping.signal, faults),
  };
  return world;
}

function addPerson(state: GitHubState, login: string, now: number): void {
  if (state.accounts.some((account) => account.login.toLowerCase() === login.toLowerCase())) return;
  const person: Account = { id: state.nextId++, login, type: "User" };
  state.accounts.push(person);
  state.installations.push({ id: state.nextId++, accountId: person.id, createdAt: now });
}

/** After a crash: tells what moved and was never told, and sends what was written down and has no outcome. */
async function catchUp(world: World): Promise<void> {
  world.deliveries.dropFrom(world.state.value.nextId);
  const unsent = world.deliveries.list().filter((delivery) => !delivery.outcome);
  for (const repository of world.state.value.repositories) {
    await world.pushes.run(networkIdOf(repository), () => announceRefs(world, repository));
  }
  for (const repository of world.state.value.repositories) await writePullRefs(world, repository);
  for (const delivery of unsent.reverse()) deliver(world, delivery);
}

async function makeRepository(world: World, fullName: string, wanted: NewRepository): Promise<LocalRepository> {
  const repository = await createRepository(world, fullName, wanted);
  return {
    id: repository.id,
    fullName,
    cloneUrl: `${repositoryHtmlUrl(world, repository)}.git`,
    gitDir: gitDirOf(world, repository),
    installationId: installationOf(world, repository)?.id ?? 0,
  };
}

function makeAccount(world: World, login: string, wanted: NewAccount): LocalAccount {
  const { account, token } = createAccount(world, login, wanted);
  return { id: account.id, login: account.login, token };
}

function person(world: World, login: string): Account {
  const account = accountByLogin(world, login);
  if (!account) throw new Error(`the local GitHub has no account ${login}`);
  return account;
}

function getCheckRun(world: World, id: number): CheckRun {
  const run = world.checkRuns.get(id);
  if (!run) throw new Error(`the local GitHub has no check run ${id}`);
  return run;
}

function redeliver(world: World, id: number): Delivery {
  const delivery = world.deliveries.get(id);
  if (!delivery) throw new Error(`the local GitHub has no delivery ${id}, or none so young that it can be sent again`);
  const again = prepareRedelivery(world, delivery);
  deliver(world, again);
  return again;
}
