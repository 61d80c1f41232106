import {
  authorizationFailed,
  brokenConnection,
  endsAs,
  lostReply,
  serverError,
  serverErrorAfterEffect,
  stuckInQueue,
  tasksNotAllowed,
  throttled,
} from "../acr/fault-actions.ts";
import { type FaultAction, type Operation, operations } from "../acr/faults.ts";
import type { LocalAcr } from "../acr/start-acr.ts";
import type { Clock } from "../clock.ts";
import type { DeliveryFaults } from "../delivery/faults.ts";
import { setFaults } from "../github/faults.ts";
import type { LocalGitHub } from "../github/start-github.ts";
import type { HttpFault } from "../http-faults.ts";
import type { LocalRegistry } from "../registry/registry.ts";

/** What can misbehave. `webhooks` are ACR's, GitHub's own belong to `github`; `registry` and `webhooks` are the first registry's. */
export const parts = ["acr", "registry", "github", "webhooks", "event-grid", "clock"] as const;
export type Part = (typeof parts)[number];

export interface Misbehaving {
  readonly acr: LocalAcr;
  readonly registry: LocalRegistry;
  readonly github: LocalGitHub;
  readonly clock: Clock;
}

/** What somebody wants to go wrong, in words that are the same for all parts. Which options it takes, the table says. */
export interface FaultWish {
  readonly part: Part;
  readonly fault: string;
  /** How many requests, runs or events it happens to; 1 unless told. Wishes for events add up. */
  readonly times?: number;
  /** 1 unless told. */
  readonly seconds?: number;
  readonly status?: number;
  /** Seconds; no Retry-After is sent unless told. */
  readonly retryAfter?: number;
  /** Of acr: an operation's name. Of registry and github: text in the path. */
  readonly on?: string;
  readonly method?: string;
  /** Only this run of acr. */
  readonly run?: string;
}

type Option = Exclude<keyof FaultWish, "part" | "fault">;

/** How one part does it. */
interface Misbehaviour {
  /** Any other option is refused: it would be ignored. */
  readonly takes: readonly Option[];
  /** Returns what was made for this wish alone; nothing when the part only counts. */
  readonly place: (the: Misbehaving, wish: FaultWish) => object | undefined;
}

interface Row {
  readonly fault: string;
  readonly says: string;
  readonly parts: Partial<Record<Part, Misbehaviour>>;
}

/** The one table of all that can be asked for: each row is one name, with what it means to the parts that know it. */
export const faultTable: readonly Row[] = [
  {
    fault: "latency",
    says: "wait --seconds before each answer",
    parts: {
      acr: ofAcr(["seconds"], (wish) => ({ kind: "delay", ms: delayOf(wish) })),
      ...ofServers(["seconds"], (wish) => ({ delayMs: delayOf(wish) })),
    },
  },
  {
    fault: "throttle",
    says: "429, with Retry-After when --retry-after is given; github: --status 403 for its other form",
    parts: {
      acr: ofAcr(["retryAfter"], ({ retryAfter }) => throttled(retryAfter)),
      registry: ofRegistry(["retryAfter"], () => ({ status: 429 })),
      github: ofGitHub(["retryAfter", "status"], ({ status = 429 }) => ({ status: among([403, 429], status) })),
    },
  },
  {
    fault: "error",
    says: "a 5xx instead of doing it (--status, 500 unless told)",
    parts: {
      acr: ofAcr(["status"], (wish) => serverError(serverStatus(wish))),
      ...ofServers(["status", "retryAfter"], (wish) => ({ status: serverStatus(wish) })),
    },
  },
  {
    fault: "error-after",
    says: "do it, then answer a 5xx",
    parts: {
      acr: ofAcr(["status"], (wish) => serverErrorAfterEffect(serverStatus(wish))),
      ...ofServers(["status", "retryAfter"], (wish) => ({ status: serverStatus(wish), after: true })),
    },
  },
  {
    fault: "reset",
    says: "cut the connection instead of doing it",
    parts: { acr: ofAcr([], () => brokenConnection), ...ofServers([], () => ({ cut: true })) },
  },
  {
    fault: "reset-after",
    says: "accept it and do it, then cut the connection",
    parts: { acr: ofAcr([], () => lostReply), ...ofServers([], () => ({ cut: true, after: true })) },
  },
  {
    fault: "forbidden",
    says: "403 AuthorizationFailed, as to an identity without the role; scheduleRun unless told --on",
    parts: {
      acr: ofAcr([], ({ on }, { resourceId }) => authorizationFailed(actionOf(on), resourceId), "scheduleRun"),
    },
  },
  {
    fault: "tasks-not-allowed",
    says: "403 TasksOperationsNotAllowed, as to a subscription on free credit; scheduleRun unless told --on",
    parts: {
      acr: ofAcr(
        [],
        (_, { registryName, subscriptionId }) => tasksNotAllowed(registryName, subscriptionId),
        "scheduleRun",
      ),
    },
  },
  {
    fault: "stuck",
    says: "runs stay Queued until the fault is cleared",
    parts: { acr: ofRuns(["run"], stuckInQueue) },
  },
  {
    fault: "end-error",
    says: "a run ends as Error, with no step run",
    parts: { acr: ofRuns(["times", "run"], endsAs("Error")) },
  },
  { fault: "end-timeout", says: "a run ends as Timeout", parts: { acr: ofRuns(["times", "run"], endsAs("Timeout")) } },
  { fault: "end-failed", says: "a run ends as Failed", parts: { acr: ofRuns(["times", "run"], endsAs("Failed")) } },
  { fault: "lose", says: "an event is never sent, and in no log", parts: ofSenders("lose") },
  { fault: "duplicate", says: "an event is sent twice", parts: ofSenders("duplicate") },
  {
    fault: "reorder",
    says: "--times events are held back (2 unless told), then sent newest first",
    parts: ofSenders("reverse", 2),
  },
  { fault: "replay", says: "the event before it is sent once more after it", parts: ofSenders("replay") },
  {
    fault: "late",
    says: "every event leaves --seconds later, until cleared",
    parts: eachSender(["seconds"], (faults, wish) => (faults.delayMs = delayOf(wish))),
  },
  {
    fault: "refuse",
    says: "a webhook is in the delivery log as failed and never sent",
    parts: { github: ofGitHubHooks("refuse") },
  },
  {
    fault: "repeat",
    says: "a webhook is sent twice, the second time under a GUID of its own",
    parts: { github: ofGitHubHooks("repeat") },
  },
  {
    fault: "unsigned",
    says: "a redelivery comes without signature headers",
    parts: { github: ofGitHubHooks("unsigned") },
  },
  {
    fault: "stale-refs",
    says: "the API shows a push --seconds late, until cleared",
    parts: {
      github: counting(["seconds"], ({ github }, wish) => (github.faults.refLagMs = delayOf(wish))),
    },
  },
  {
    fault: "rate-limits",
    says: "GitHub's rate limits are enforced, until cleared",
    parts: { github: counting([], ({ github }) => (github.faults.enforceRateLimits = true)) },
  },
  {
    fault: "jump",
    says: "the date of all parts but storage is --seconds further ahead, until cleared",
    parts: { clock: counting(["seconds"], ({ clock }, wish) => clock.jump(msOf(wish))) },
  },
];

/** Arranges it; throws, with nothing arranged, when that part cannot misbehave so. */
export function placeFault(the: Misbehaving, wish: FaultWish): void {
  const { part, fault, ...given } = wish;
  const row = faultTable.find((each) => each.fault === fault);
  const misbehaviour = row?.parts[part];
  if (!misbehaviour) {
    const known = row ? `it is for ${partsOf(row).join(", ")}` : `it has ${faultsOf(part).join(", ")}`;
    throw new Error(`${part} has no fault ${fault}; ${known}`);
  }
  const { takes, place } = misbehaviour;
  const alien = (Object.keys(given) as Option[]).find((option) => !takes.includes(option));
  if (alien) {
    const taken = takes.length === 0 ? "none" : takes.map(asWritten).join(", ");
    throw new Error(`${part} ${fault} does not listen to ${asWritten(alien)}; of options it takes ${taken}`);
  }
  const made = place(the, wish);
  if (made) wishes.set(made, wish);
}

const wishes = new WeakMap<object, FaultWish>();

/** What was asked for when this was made; nothing where code made it. */
export function wishBehind(made: object): FaultWish | undefined {
  return wishes.get(made);
}

function partsOf(row: Row): Part[] {
  return parts.filter((part) => row.parts[part]);
}

function faultsOf(part: Part): string[] {
  return faultTable.filter((row) => row.parts[part]).map(({ fault }) => fault);
}

function ofAcr(
  more: readonly Option[],
  action: (wish: FaultWish, acr: LocalAcr) => FaultAction,
  usual?: Operation,
): Misbehaviour {
  return {
    takes: ["times", "on", "run", ...more],
    place: ({ acr }, wish) => {
      const { on = usual, run: runId, times = 1 } = wish;
      if (on !== undefined && !(operations as readonly string[]).includes(on))
        throw new Error(`acr has no operation ${on}; there are ${operations.join(", ")}`);
      const operation = (on as Operation | undefined) ?? "any request";
      return acr.faults.add({ operation, times, ...(runId !== undefined && { runId }) }, action(wish, acr));
    },
  };
}

/** What a role would have to allow, below the registry. */
function actionOf(operation = "scheduleRun"): string {
  if (operation.startsWith("get")) return "read";
  if (operation.startsWith("delete")) return "delete";
  return /^(create|update)/.test(operation) ? "write" : `${operation}/action`;
}

function ofRuns(takes: readonly Option[], action: FaultAction): Misbehaviour {
  return {
    takes,
    place: ({ acr }, { times = 1, run: runId }) =>
      acr.faults.add({ operation: "execute", times, ...(runId !== undefined && { runId }) }, action),
  };
}

type Doing = (wish: FaultWish) => Omit<HttpFault, "times">;

function ofServers(more: readonly Option[], does: Doing): Partial<Record<Part, Misbehaviour>> {
  return { registry: ofRegistry(more, does), github: ofGitHub(more, does) };
}

function ofRegistry(more: readonly Option[], does: Doing): Misbehaviour {
  return {
    takes: ["times", "on", "method", ...more],
    place: ({ registry }, wish) => {
      const fault = httpFault(wish, does);
      registry.faults.push(fault);
      return fault;
    },
  };
}

/** GitHub judges by itself which statuses it can answer. */
function ofGitHub(more: readonly Option[], does: Doing): Misbehaviour {
  return {
    takes: ["times", "on", "method", ...more],
    place: ({ github: { faults } }, wish) => {
      const fault = httpFault(wish, does);
      setFaults(faults, { api: [...faults.api, fault] });
      return fault;
    },
  };
}

function httpFault(wish: FaultWish, does: Doing): HttpFault {
  const { times = 1, on: path, method, retryAfter } = wish;
  return {
    times,
    ...(path !== undefined && { path }),
    ...(method !== undefined && { method }),
    ...(retryAfter !== undefined && { retryAfter }),
    ...does(wish),
  };
}

/** Changes a number of the part's that has no other sign of who wished what. */
function counting(takes: readonly Option[], set: (the: Misbehaving, wish: FaultWish) => void): Misbehaviour {
  return {
    takes,
    place: (the, wish) => {
      set(the, wish);
      return undefined;
    },
  };
}

function ofGitHubHooks(counter: "refuse" | "repeat" | "unsigned"): Misbehaviour {
  return counting(["times"], ({ github }, { times = 1 }) => (github.faults[counter] += times));
}

/** The senders of events have the same faults. */
function eachSender(
  takes: readonly Option[],
  set: (faults: DeliveryFaults, wish: FaultWish) => void,
): Partial<Record<Part, Misbehaviour>> {
  return {
    webhooks: counting(takes, ({ acr }, wish) => set(acr.webhooks().faults, wish)),
    "event-grid": counting(takes, ({ acr }, wish) => set(acr.eventGrid.faults, wish)),
    github: counting(takes, ({ github }, wish) => set(github.faults, wish)),
  };
}

function ofSenders(counter: Exclude<keyof DeliveryFaults, "delayMs">, least = 1): Partial<Record<Part, Misbehaviour>> {
  return eachSender(["times"], (faults, { fault, times = least }) => {
    if (times < least) throw new Error(`${fault} needs --times ${least} or more`);
    faults[counter] += times;
  });
}

function asWritten(option: Option): string {
  return option === "retryAfter" ? "--retry-after" : `--${option}`;
}

function msOf({ seconds = 1 }: FaultWish): number {
  return seconds * 1000;
}

/** Node's timers wait no longer: told to, they do not wait at all. */
const mostDelaySeconds = 2_147_483;

function delayOf(wish: FaultWish): number {
  const ms = msOf(wish);
  if (ms > mostDelaySeconds * 1000) throw new Error(`--seconds is at most ${mostDelaySeconds}, which is 24 days`);
  return ms;
}

function among(statuses: readonly number[], status: number): number {
  if (!statuses.includes(status)) throw new Error(`${status} is none of ${statuses.join(", ")}`);
  return status;
}

function serverStatus({ status = 500 }: FaultWish): number {
  if (!Number.isInteger(status) || status < 500 || status > 599) throw new Error(`${status} is no 5xx status`);
  return status;
}
