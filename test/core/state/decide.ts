import { defaultWaves } from "../../../src/core/config/platform.ts";
import type { DigestLookup } from "../../../src/core/image/digest-lookup.ts";
import { type Desk, defaultTiming } from "../../../src/core/run/desk.ts";
import { NotRead, World } from "../../../src/core/state/world.ts";

/** What is stored and what registries answer, for one decision. */
export interface Stored {
  readonly rows?: Readonly<Record<string, unknown>>;
  readonly digests?: Readonly<Record<string, DigestLookup>>;
  /** ISO 8601. */
  readonly now?: string;
  readonly mayPublish?: boolean;
}

export const noon = "2026-11-23T12:00:00.000Z";

/** Runs a decision as a pass does, reading what it asks for, and returns its answer and its writes. */
export function decide<T>(
  stored: Stored,
  decision: (desk: Desk) => T,
): { readonly value: T; readonly writes: ReadonlyMap<string, unknown>; readonly rounds: number } {
  const world = new World();
  const desk: Desk = {
    world,
    now: Date.parse(stored.now ?? noon),
    registry: {
      alias: "acme",
      resourceId: "/subscriptions/s/registries/acme",
      maxRuns: 2,
      loginServer: "acme.azurecr.io",
      firstSequence: 1,
    },
    timing: defaultTiming,
    policy: { waves: defaultWaves, freeze: [] },
    mayPublish: () => stored.mayPublish ?? true,
  };
  const rows = Object.entries(stored.rows ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const start = world.mark();
  for (let rounds = 1; rounds < 100; rounds++) {
    try {
      const value = decision(desk);
      return { value, writes: new Map(world.writes().map((w) => [w.key, w.value])), rounds };
    } catch (error) {
      if (!(error instanceof NotRead)) throw error;
      world.rewind(start);
      for (const fetch of error.fetches) {
        if (fetch.kind === "row") world.addRow(fetch.key, stored.rows?.[fetch.key]);
        else if (fetch.kind === "digest")
          world.addDigest(fetch.reference, stored.digests?.[fetch.reference] ?? { kind: "absent" });
        else {
          const { from, to } = fetch.range;
          const found = rows.filter(([k]) => k >= from && k < to).slice(0, fetch.limit);
          world.addRange(
            fetch.range,
            fetch.limit,
            found.map(([key, value]) => ({ key, value })),
          );
        }
      }
    }
  }
  throw new Error("the decision never stops asking");
}
