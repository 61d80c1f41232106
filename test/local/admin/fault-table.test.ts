/** Every row of the fault table in every part that has it: it is asked for as people ask, it strikes, and it is used up. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { faultTable, type Misbehaving, type Part, placeFault } from "../../../local/admin/fault-table.ts";
import { clearFaults, liftFault, listFaults } from "../../../local/admin/pending-faults.ts";
import { readWish } from "../../../local/admin/read-wish.ts";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { Clock } from "../../../local/clock.ts";
import { commitFiles } from "../../../local/github/commit-files.ts";
import { type LocalGitHub, startGitHub } from "../../../local/github/start-github.ts";
import { type LocalRegistry, startRegistry } from "../../../local/registry/registry.ts";
import type { RegistryEvent } from "../../../local/registry/registry-event.ts";
import { type AcrWorld, runEnded, scheduleTask, startAcrWorld } from "../../support/acr-world.ts";
import { consenting, type Receiver, startReceiver } from "../event-grid/receiver.ts";
import { git } from "../github/github-fixture.ts";
import { pushImage, putManifest } from "../registry/support.ts";

const token = "ghp_person";
const task = "version: v1.1.0\nsteps:\n  - cmd: acb:1\n";
const repo = "/repos/octo/hello";

const clock = new Clock(1000);
let azurite: RunningAzurite;
let world: AcrWorld;
let registry: LocalRegistry;
let github: LocalGitHub;
let the: Misbehaving;
let dir: string;
let gitDir: string;
let sha: string;
let manifest: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-faults-"));
  azurite = await startAzurite();
  [world, registry, github] = await Promise.all([
    startAcrWorld(azurite.connectionString, { clock }),
    startRegistry({ dir: join(dir, "registry"), clock }),
    startGitHub({
      dir: join(dir, "github"),
      app: { id: 1 },
      clock: () => clock.now(),
      personalTokens: { [token]: "octo" },
      limits: { anonymousRequestsPerHour: 2 },
    }),
  ]);
  the = { acr: world.acr, registry, github, clock };
  manifest = (await pushImage(registry.url, "a", "v1")).text;
  gitDir = (await github.createRepository("octo/hello")).gitDir;
  sha = await commitFiles(gitDir, { branch: "main", files: { a: "1" }, message: "one" });
  await github.announce("octo/hello");
});
afterEach(() => clearFaults(the));
afterAll(async () => {
  await Promise.all([world?.close(), registry?.close(), github?.close()]);
  await azurite?.stop();
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
});

const add = (part: Part, fault: string, options: object = {}) => placeFault(the, readWish({ part, fault, ...options }));

interface Seen {
  readonly status: number | "cut";
  readonly retryAfter?: string | null;
}

/** A request that changes something, and how often it has. */
interface Server {
  ask(): Promise<Seen>;
  done(): number;
}

const seen = ({ status, headers }: Response): Seen => ({ status, retryAfter: headers.get("retry-after") });
const cut = (): Seen => ({ status: "cut" });

let count = 0;
const servers: Partial<Record<Part, Server>> = {
  acr: {
    ask: () =>
      scheduleTask(world, task).then(
        () => ({ status: 200 }),
        ({ statusCode, response }) =>
          statusCode ? { status: statusCode, retryAfter: response.headers.get("retry-after") ?? null } : cut(),
      ),
    done: () => world.acr.runs().length,
  },
  registry: {
    ask: () => putManifest(registry.url, "a", `t${++count}`, manifest).then(seen, cut),
    done: () => registry.store.listTags("a")!.length,
  },
  github: {
    ask: () => {
      const headers = { authorization: `Bearer ${token}` };
      const body = JSON.stringify({ state: "success", context: `c${++count}` });
      return fetch(`${github.apiUrl}${repo}/statuses/${sha}`, { method: "POST", headers, body }).then(seen, cut);
    },
    done: () => github.ledger().filter(({ kind }) => kind === "status-posted").length,
  },
};

/** Events one to nine, and those that came. */
interface Sender {
  tell(event: number): void | Promise<void>;
  came(): number[];
  settled(): Promise<void>;
}

let hook: Receiver;
const numbers = (pattern: RegExp) => hook.received.flatMap(({ text }) => pattern.exec(text)?.[1] ?? []).map(Number);
const pushed = (event: number): RegistryEvent => ({
  id: `event-${event}`,
  timestamp: "2026-11-23T10:00:00.0000000Z",
  action: "push",
  target: { mediaType: "m", size: 1, digest: "sha256:0", length: 1, repository: "team/base", tag: "1" },
  request: { id: "r", host: "127.0.0.1:5000", method: "PUT", useragent: "test" },
});

const senders: Partial<Record<Part, Sender>> = {
  webhooks: {
    tell: (event) => world.acr.webhooks().tell(pushed(event)),
    came: () => numbers(/"id":"event-(\d)"/),
    settled: () => world.acr.webhooks().settled(),
  },
  "event-grid": {
    tell: (event) => world.acr.eventGrid.publish(world.acr.resourceId, "westeurope", pushed(event)),
    came: () => numbers(/"id":"event-(\d)","timestamp"/),
    settled: () => world.acr.eventGrid.settled(),
  },
  github: {
    tell: async (event) => {
      await git(gitDir, "update-ref", `refs/heads/${++count}-${event}`, sha);
      await github.announce("octo/hello");
    },
    came: () => numbers(/"ref":"refs\/heads\/\d+-(\d)"/),
    settled: () => github.settled(),
  },
};

async function listening(): Promise<void> {
  hook = await startReceiver(consenting);
  const at = "2026-11-23T10:00:00.000Z";
  const made = { location: "westeurope", tags: {}, createdAt: at, lastModifiedAt: at };
  const to = { serviceUri: hook.url, customHeaders: {}, status: "enabled", scope: "", actions: ["push"] } as const;
  world.acr.webhooks().put({ name: "hook", ...made, ...to, actions: [...to.actions] });
  world.acr.eventGrid.put(world.acr.resourceId, "grid", {
    destination: {
      endpointType: "WebHook",
      endpointUrl: hook.url,
      maxEventsPerBatch: 1,
      preferredBatchSizeInKilobytes: 64,
      headers: [],
    },
    filter: {
      subjectBeginsWith: "",
      subjectEndsWith: "",
      isSubjectCaseSensitive: false,
      includedEventTypes: ["Microsoft.ContainerRegistry.ImagePushed"],
    },
    labels: null,
    eventDeliverySchema: "EventGridSchema",
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 },
  });
  github.setWebhook(hook.url, "s");
  await Promise.all(Object.values(senders).map((sender) => sender.settled()));
}

/** Tells of events one after the other, and what has come of them when nothing is under way. */
async function told(part: Part, ...events: number[]): Promise<number[]> {
  const { tell, came, settled } = senders[part]!;
  for (const event of events) {
    await tell(event);
    await settled();
  }
  return came();
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Once as the fault wants it, then as ever. `done`: whether it took effect. */
async function strikes(part: Part, fault: string, options: object, wanted: Seen, done: boolean): Promise<void> {
  const server = servers[part]!;
  const before = server.done();
  add(part, fault, options);
  expect(await server.ask()).toMatchObject(wanted);
  expect(server.done() - before).toBe(done ? 1 : 0);
  expect(listFaults(the)).toEqual([]);
  expect((await server.ask()).status).toBeLessThan(300);
}

/** With a code and a message; what is asked for before a run is not concerned. */
async function refusesRuns(part: Part, fault: string, code: string, message: string): Promise<void> {
  add(part, fault);
  await world.client.registries.get(world.acr.resourceGroup, world.acr.registryName);
  await expect(scheduleTask(world, task)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  await strikes(part, fault, {}, { status: 403 }, false);
}

const ends = (status: string) => async (part: Part, fault: string) => {
  add(part, fault);
  expect((await runEnded(world, (await scheduleTask(world, task)).runId!)).status).toBe(status);
  expect((await runEnded(world, (await scheduleTask(world, task)).runId!)).status).toBe("Succeeded");
};

const proofs: Record<string, (part: Part, fault: string) => Promise<void>> = {
  latency: async (part, fault) => {
    const server = servers[part]!;
    const before = server.done();
    add(part, fault, { seconds: 0.2 });
    expect(await took(() => server.ask())).toBeGreaterThan(199);
    expect(server.done()).toBe(before + 1);
    expect(listFaults(the)).toEqual([]);
  },
  throttle: async (part, fault) => {
    await strikes(part, fault, { retryAfter: 3 }, { status: 429, retryAfter: "3" }, false);
    await strikes(part, fault, {}, { status: 429, retryAfter: null }, false);
    if (part === "github") await strikes(part, fault, { status: 403 }, { status: 403, retryAfter: null }, false);
  },
  error: async (part, fault) => {
    await strikes(part, fault, {}, { status: 500 }, false);
    await strikes(part, fault, { status: 503 }, { status: 503 }, false);
  },
  "error-after": (part, fault) => strikes(part, fault, { status: 502 }, { status: 502 }, true),
  reset: (part, fault) => strikes(part, fault, {}, { status: "cut" }, false),
  "reset-after": (part, fault) => strikes(part, fault, {}, { status: "cut" }, true),
  forbidden: (part, fault) => refusesRuns(part, fault, "AuthorizationFailed", "registries/scheduleRun/action'"),
  "tasks-not-allowed": (part, fault) => refusesRuns(part, fault, "TasksOperationsNotAllowed", "are not permitted"),
  stuck: async (part, fault) => {
    add(part, fault);
    const { runId } = await scheduleTask(world, task);
    const next = await scheduleTask(world, task);
    expect(world.acr.runs().slice(-2)).toMatchObject([{ status: "Queued" }, { status: "Queued" }]);
    clearFaults(the, part);
    expect((await runEnded(world, runId!)).status).toBe("Succeeded");
    expect((await runEnded(world, next.runId!)).status).toBe("Succeeded");
  },
  "end-error": ends("Error"),
  "end-timeout": ends("Timeout"),
  "end-failed": ends("Failed"),
  lose: async (part, fault) => {
    add(part, fault);
    add(part, fault);
    expect(await told(part, 1, 2, 3)).toEqual([3]);
  },
  duplicate: async (part, fault) => {
    add(part, fault);
    expect(await told(part, 1, 2)).toEqual([1, 1, 2]);
  },
  reorder: async (part, fault) => {
    add(part, fault);
    expect(await told(part, 1)).toEqual([]);
    expect(await told(part, 2, 3)).toEqual([2, 1, 3]);
    add(part, fault, { times: 3 });
    expect(await told(part, 4, 5)).toEqual([2, 1, 3]);
    clearFaults(the, part);
    await senders[part]!.settled();
    expect(await told(part, 6)).toEqual([2, 1, 3, 5, 4, 6]);
  },
  replay: async (part, fault) => {
    await told(part, 1);
    add(part, fault);
    expect(await told(part, 2, 3)).toEqual([1, 2, 1, 3]);
  },
  late: async (part, fault) => {
    add(part, fault, { seconds: 0.2 });
    expect(await took(() => told(part, 1))).toBeGreaterThan(199);
    expect(senders[part]!.came()).toEqual([1]);
  },
  refuse: async (part, fault) => {
    add(part, fault);
    expect(await told(part, 1, 2)).toEqual([2]);
    const [second, first] = github.deliveries();
    expect([first!.outcome!.status, second!.outcome!.status]).toEqual(["failed to connect to host", "OK"]);
  },
  repeat: async (part, fault) => {
    add(part, fault);
    expect(await told(part, 1, 2)).toEqual([1, 1, 2]);
    const guids = hook.received.slice(-3).map(({ headers }) => headers["x-github-delivery"]);
    expect(new Set(guids).size).toBe(3);
  },
  unsigned: async (part, fault) => {
    add(part, fault);
    await told(part, 1);
    for (const _ of [1, 2]) {
      github.redeliver(github.deliveries()[0]!.id);
      await github.settled();
    }
    const signed = hook.received.slice(-3).map(({ headers }) => headers["x-hub-signature-256"] !== undefined);
    expect(signed).toEqual([true, false, true]);
  },
  "stale-refs": async (part, fault) => {
    const branch = async () =>
      (await fetch(`${github.apiUrl}${repo}/branches/stale`, { headers: { authorization: `Bearer ${token}` } })).status;
    add(part, fault, { seconds: 3600 });
    await git(gitDir, "update-ref", "refs/heads/stale", sha);
    await github.announce("octo/hello");
    expect(await branch()).toBe(404);
  },
  jump: async (part, fault) => {
    // The SDK keeps its first token: one of the future would be refused when the clock is right again.
    await dates();
    add(part, fault, { seconds: 1800 });
    add(part, fault, { seconds: 1800 });
    for (const date of await dates()) expect(Math.abs(date - Date.now() - HOUR)).toBeLessThan(60_000);
    clearFaults(the, part);
    for (const date of await dates()) expect(Math.abs(date - Date.now())).toBeLessThan(60_000);
  },
  "rate-limits": async (part, fault) => {
    const statuses = async () => {
      const all: number[] = [];
      for (const _ of [1, 2, 3]) all.push((await fetch(`${github.apiUrl}${repo}`)).status);
      return all;
    };
    expect(await statuses()).toEqual([200, 200, 200]);
    add(part, fault);
    expect(await statuses()).toEqual([403, 403, 403]);
    clearFaults(the, part);
    expect(await statuses()).toEqual([200, 200, 200]);
  },
};

const HOUR = 3_600_000;
/** When the parts say it is, each by something it has just done. */
async function dates(): Promise<number[]> {
  const { claims } = world.identity.verify(world.identity.issue("r")) as { claims: { iat: number } };
  await runEnded(world, (await scheduleTask(world, task)).runId!);
  const events: RegistryEvent[] = [];
  const unheard = registry.onEvent((event) => events.push(event));
  await servers.registry!.ask();
  unheard();
  await servers.github!.ask();
  return [
    claims.iat * 1000,
    Date.parse(world.acr.runs().at(-1)!.createTime),
    Date.parse(world.acr.ledger().at(-1)!.time),
    Date.parse(registry.ledger().at(-1)!.at),
    Date.parse(github.ledger().at(-1)!.at),
    Date.parse(events[0]!.timestamp),
  ];
}

const cells = faultTable.flatMap(({ fault, parts }) =>
  (Object.keys(parts) as Part[]).map((part) => [part, fault] as const),
);

describe("a fault strikes as the table says", () => {
  beforeEach(() => listening());
  test.each(cells)("%s %s", async (part, fault) => {
    await proofs[fault]!(part, fault);
  });
});

describe("what is listed", () => {
  test.each(cells)(
    "%s %s: in the words it was asked for with, and no more when it is taken away by its id",
    (part, fault) => {
      add(part, fault);
      const [listed, ...more] = listFaults(the) as { id: number }[];
      expect(listed).toMatchObject({ part, fault });
      expect(more).toEqual([]);
      liftFault(the, listed!.id);
      expect(listFaults(the)).toEqual([]);
      expect(() => liftFault(the, listed!.id)).toThrow(`no fault has the id ${listed!.id}`);
    },
  );

  test("what is left of it", async () => {
    add("acr", "throttle", { times: 3, on: "scheduleRun", retryAfter: 1 });
    add("registry", "error", { times: 2, status: 503 });
    await servers.acr!.ask();
    await servers.registry!.ask();
    expect(listFaults(the)).toMatchObject([
      { part: "acr", fault: "throttle", times: 2, on: "scheduleRun", retryAfter: 1 },
      { part: "registry", fault: "error", times: 1, status: 503 },
    ]);
  });

  test("what code arranged: in the part's own words, with an id like the others", () => {
    world.acr.faults.add({ operation: "getRun" }, { kind: "delay", ms: 5 });
    registry.faults.push({ times: 1, omit: ["docker-content-digest"] });
    const [delay, omission] = listFaults(the) as { id: number }[];
    expect(delay).toMatchObject({ part: "acr", operation: "getRun", action: { kind: "delay", ms: 5 } });
    expect(omission).toMatchObject({ part: "registry", times: 1, omit: ["docker-content-digest"] });
    liftFault(the, delay!.id);
    expect(listFaults(the)).toEqual([omission]);
  });
});

test.each(["webhooks", "event-grid", "github"] as const)(
  "%s: what one fault held back is sent when that is taken away, and the others stay",
  async (part) => {
    await listening();
    add(part, "reorder", { times: 3 });
    expect(await told(part, 1)).toEqual([]);
    add(part, "lose");
    const reorder = listFaults(the).find((each) => "fault" in each && each.fault === "reorder") as { id: number };
    liftFault(the, reorder.id);
    await senders[part]!.settled();
    expect(senders[part]!.came()).toEqual([1]);
    expect(listFaults(the)).toMatchObject([{ part, fault: "lose", times: 1 }]);
  },
);

test("a time that no timer can wait, or no date can show, is refused, and nothing is arranged", () => {
  const delays = cells.filter(([, fault]) => ["latency", "late", "stale-refs"].includes(fault));
  expect(delays).toHaveLength(7);
  for (const [part, fault] of delays)
    expect(() => add(part, fault, { seconds: 2_147_484 })).toThrow("--seconds is at most 2147483");
  add("clock", "jump", { seconds: 1e11 });
  for (const seconds of [2e11, 1e13, 1e300])
    expect(() => add("clock", "jump", { seconds })).toThrow("the date would be later than the year 9998");
  expect(listFaults(the)).toMatchObject([{ part: "clock", seconds: 1e11 }]);
});

test("a fault can be added when an earlier one has struck", async () => {
  add("github", "throttle");
  expect((await servers.github!.ask()).status).toBe(429);
  add("github", "error");
  expect((await servers.github!.ask()).status).toBe(500);
});

test("a fault of one run comes before one of all runs, whichever was added first", async () => {
  add("acr", "stuck");
  const { runId } = await scheduleTask(world, task);
  const other = await scheduleTask(world, task);
  add("acr", "end-error", { run: runId });
  // Any run that ends, or a fault lifted, makes the queue look again.
  world.acr.faults.add({ operation: "execute", runId: "none" }, { kind: "hold" }).lift();
  expect((await runEnded(world, runId!)).status).toBe("Error");
  expect(world.acr.runs().find((run) => run.runId === other.runId)?.status).toBe("Queued");
});

test.each<[Part, string, object, string]>([
  [
    "acr",
    "throttle",
    { method: "POST" },
    "acr throttle does not listen to --method; of options it takes --times, --on, --run, --retry-after",
  ],
  ["webhooks", "lose", { on: "push" }, "webhooks lose does not listen to --on; of options it takes --times"],
  ["registry", "latency", { run: "cf1" }, "registry latency does not listen to --run"],
  ["acr", "stuck", { times: 2 }, "acr stuck does not listen to --times; of options it takes --run"],
  [
    "github",
    "rate-limits",
    { seconds: 2 },
    "github rate-limits does not listen to --seconds; of options it takes none",
  ],
  ["webhooks", "reorder", { times: 1 }, "reorder needs --times 2 or more"],
  ["github", "throttle", { status: 500 }, "500 is none of 403, 429"],
])("an option that would be ignored is refused: %s %s %j", (part, fault, options, message) => {
  expect(() => add(part, fault, options)).toThrow(message);
  expect(listFaults(the)).toEqual([]);
});
