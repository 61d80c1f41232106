/** What is still to go wrong, whoever arranged it, each under an id by which it can be taken away alone. */
import { noDeliveryFaults } from "../delivery/faults.ts";
import { type Faults, noFaults } from "../github/faults.ts";
import type { HttpFault } from "../http-faults.ts";
import { type FaultWish, type Misbehaving, type Part, parts, wishBehind } from "./fault-table.ts";

interface PendingFault {
  readonly id: number;
  readonly part: Part;
  /** As it was asked for, with what is left of it; in the part's own words where code arranged it. */
  readonly told: object;
  lift(): void;
}

/** Everything that is still to go wrong. */
export function listFaults(the: Misbehaving): object[] {
  return pendingFaults(the).map(({ id, part, told }) => ({ id, part, ...told }));
}

/** Takes one away; what only it held back is sent. */
export function liftFault(the: Misbehaving, id: number): void {
  const fault = pendingFaults(the).find((each) => each.id === id);
  if (!fault) throw new Error(`no fault has the id ${id}: it was used up, or never there`);
  fault.lift();
}

/** All parts behave again, or the one that is named; what is held back is sent. */
export function clearFaults({ acr, registry, github, clock }: Misbehaving, only?: Part): void {
  const clear: Record<Part, () => void> = {
    acr: () => acr.faults.clear(),
    registry: () => registry.faults.splice(0),
    github: () => github.clearFaults(),
    webhooks: () => {
      for (const { name } of acr.registries()) acr.webhooks(name).clearFaults();
    },
    "event-grid": () => acr.eventGrid.clearFaults(),
    clock: () => clock.setRight(),
  };
  for (const part of only === undefined ? parts : [only]) clear[part]();
}

function pendingFaults({ acr, registry, github, clock }: Misbehaving): PendingFault[] {
  return [
    ...acr.faults.pending.map((fault): PendingFault => {
      const { match, action, struck } = fault;
      const left = action.kind === "hold" ? undefined : (match.times ?? 1) - struck;
      const told = asWished(wishBehind(fault), left) ?? { ...match, struck, action };
      return { id: numberOf(fault), part: "acr", told, lift: () => fault.lift() };
    }),
    ...ofRequests("registry", registry.faults),
    ...ofRequests("github", github.faults.api),
    ...ofSender("github", github.faults, () => github.clearFaults()),
    ...acr.registries().flatMap(({ name }) => {
      const webhooks = acr.webhooks(name);
      return ofSender("webhooks", webhooks.faults, () => webhooks.clearFaults());
    }),
    ...ofSender("event-grid", acr.eventGrid.faults, () => acr.eventGrid.clearFaults()),
    ...(clock.aheadMs === 0 ? [] : [jumpOf(clock)]),
  ];
}

function ofRequests(part: Part, faults: HttpFault[]): PendingFault[] {
  return faults.map((fault) => ({
    id: numberOf(fault),
    part,
    told: asWished(wishBehind(fault), fault.times) ?? fault,
    lift: () => faults.splice(faults.indexOf(fault), 1),
  }));
}

type Setting = Exclude<keyof Faults, "api">;

/** What a sender's own settings are called in the table. Wishes for them add up, so that their values say all. */
const settings: Readonly<Record<Setting, (value: number) => Omit<FaultWish, "part">>> = {
  lose: (times) => ({ fault: "lose", times }),
  duplicate: (times) => ({ fault: "duplicate", times }),
  reverse: (times) => ({ fault: "reorder", times }),
  replay: (times) => ({ fault: "replay", times }),
  delayMs: (ms) => ({ fault: "late", seconds: ms / 1000 }),
  refuse: (times) => ({ fault: "refuse", times }),
  repeat: (times) => ({ fault: "repeat", times }),
  unsigned: (times) => ({ fault: "unsigned", times }),
  refLagMs: (ms) => ({ fault: "stale-refs", seconds: ms / 1000 }),
  enforceRateLimits: () => ({ fault: "rate-limits" }),
};

function ofSender(part: Part, faults: Partial<Faults>, clear: () => void): PendingFault[] {
  const none: Partial<Faults> = part === "github" ? noFaults() : noDeliveryFaults();
  const set = (Object.keys(settings) as Setting[]).filter((name) => faults[name] !== none[name]);
  return set.map((name) => ({
    id: numberOf(faults, name),
    part,
    told: settings[name](Number(faults[name])),
    lift: () => {
      const rest = { ...faults, [name]: none[name] };
      // What is held back must be sent, and only clearing does that.
      if (name === "reverse") clear();
      Object.assign(faults, rest);
    },
  }));
}

function jumpOf(clock: Misbehaving["clock"]): PendingFault {
  const told = { fault: "jump", seconds: clock.aheadMs / 1000 };
  return { id: numberOf(clock), part: "clock", told, lift: () => clock.setRight() };
}

function asWished(wish: FaultWish | undefined, left: number | undefined): object | undefined {
  if (!wish) return undefined;
  const { part: _, ...words } = wish;
  return { ...words, ...(left !== undefined && { times: left }) };
}

let last = 0;
/** Kept beside the faults, which are plain data of rooms that know no ids. */
const numbers = new WeakMap<object, Map<string, number>>();

/** The same for the same thing, for as long as this process lives. */
function numberOf(thing: object, name = ""): number {
  const known = numbers.get(thing) ?? new Map<string, number>();
  numbers.set(thing, known);
  const number = known.get(name) ?? ++last;
  known.set(name, number);
  return number;
}
