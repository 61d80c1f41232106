import { relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { headOf, pushChange, pushDemo } from "../demo/push-demo.ts";
import { readProduct, type Seen } from "../screen/read-product.ts";
import { counted } from "../screen/wording.ts";
import type { Board } from "./board.ts";
import type { Parts } from "./bring-up.ts";
import type { StartFlags } from "./flags.ts";
import { processStart } from "./process-start.ts";
import type { StopRequest } from "./stop-request.ts";
import { suggestions } from "./suggestions.ts";
import { isSettled, isTold, type Verdict, verdict } from "./verdict.ts";

export type Ending =
  | { readonly kind: "settled"; readonly verdict: Verdict }
  | { readonly kind: "stopped"; readonly request: StopRequest }
  | { readonly kind: "stuck"; readonly seconds: number };

/** How often the product is asked and the screen drawn. */
const pollEvery = 500;
/** Reports reach GitHub shortly after a run has ended. */
const untilTold = 5_000;
/** With --once: nothing at all has changed for so long, so nothing will. */
const stuckAfter = 120_000;

/** Pushes the demo where it is missing and shows what the product says of it; with --once until the wave has ended. */
export async function followProduct(
  { twin, known }: Parts,
  to: { readonly flags: StartFlags; readonly board: Board; readonly stop: Promise<StopRequest> },
): Promise<Ending> {
  const { flags, board, stop } = to;
  board.set({ starting: "the demo" });
  const { repository, pushed } = await pushDemo(twin.github);
  board.set({
    starting: undefined,
    next: suggestions({ ...place(flags), ...twin.endpoints, cloneUrl: repository.cloneUrl }),
  });
  if (pushed) board.notice("pushed the demo's first commit with git");
  const sources = {
    api: twin.endpoints.api,
    readKey: twin.endpoints.readKey,
    statuses: (commit: string) => twin.github.statuses(repository.fullName, commit),
    head: () => headOf(repository),
  };
  const stopping = stop.then((request): Ending => ({ kind: "stopped", request }));
  const azuriteStart = processStart(twin.azurite.pid);
  const watch = watchForEnd();
  let seen: Seen | undefined;
  for (;;) {
    if (processStart(twin.azurite.pid) !== azuriteStart)
      throw new Error("Azurite has ended by itself. What it had saved is kept: start again.");
    // While the host restarts there is nobody to ask.
    const latest = await Promise.race([readProduct(sources, seen).catch(() => undefined), stopping]);
    if (latest && "kind" in latest) return latest;
    if (latest) {
      const changed = !seen && known && !pushed && (await takeUp(latest));
      seen = latest;
      // The change is not in this answer yet, which would pass for the end of its wave.
      const ending = flags.once && !changed ? watch(seen) : undefined;
      board.set({ seen });
      if (ending) return ending;
    } else board.set({});
    const ended = await Promise.race([delay(pollEvery), stopping]);
    if (ended) return ended;
  }

  /** What an earlier start left: goes on, or, for --once, is followed by a change so that there is something to see. */
  async function takeUp(found: Seen): Promise<boolean> {
    if (found.open > 0)
      board.notice(`resumed: ${counted(found.open, "run")} ${found.open === 1 ? "was" : "were"} open`);
    if (!flags.once || !isSettled(found)) return false;
    await pushChange(repository);
    board.notice("all was built already: pushed a change to base, on which everything stands");
    return true;
  }
}

/** Says when --once is over: the wave ended and GitHub was told, or nothing moves any more. */
function watchForEnd(): (seen: Seen) => Ending | undefined {
  let before = "";
  let movedAt = 0;
  let settledAt: number | undefined;
  return (seen) => {
    const now = Date.now();
    const state = JSON.stringify(seen);
    if (state !== before) movedAt = now;
    before = state;
    settledAt = isSettled(seen) ? (settledAt ?? now) : undefined;
    if (settledAt !== undefined && (isTold(seen) || now - settledAt > untilTold))
      return { kind: "settled", verdict: verdict(seen) };
    return now - movedAt > stuckAfter ? { kind: "stuck", seconds: stuckAfter / 1000 } : undefined;
  };
}

/** As people would type it from where they are. */
function place({ dir }: StartFlags): { readonly dir: string } {
  const fromHere = relative(process.cwd(), dir);
  return { dir: fromHere.startsWith("..") ? dir : fromHere };
}
