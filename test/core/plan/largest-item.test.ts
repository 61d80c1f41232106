import { expect, it } from "vitest";
import { expand } from "../../../src/core/plan/expand.ts";
import { wavesMost } from "../../../src/core/run/wave.ts";
import { keys } from "../../../src/core/state/keys.ts";
import type { Inbox, Wave } from "../../../src/core/state/rows.ts";
import { decide, noon } from "../state/decide.ts";
import { commitB, imageOf, main, runOf, source, stored, trackOf } from "../state/rows-of.ts";

/** Table storage takes 100 operations a transaction, and every one of a pass rewrites the lease. */
const operationsMost = 99;

it("the largest item of a plan, which replaces every base and tag and supersedes a run of many waves, fits one transaction", () => {
  const on = (name: string) => Array.from({ length: 20 }, (_, i) => `docker.io/library/${name}${i}:1`);
  const makes = (name: string) => Array.from({ length: 8 }, (_, i) => `acme.azurecr.io/web:${name}${i}`);
  const waves = Array.from({ length: wavesMost }, (_, i) => `wave-${i}`);
  const planned = runOf({ waves, place: keys.wait(1, 12) });
  const open = { id: planned.id, order: planned.order, waves };
  const track = trackOf("web", on("old"), { makes: makes("old"), planned: open });
  const waveOf = (id: string): Wave => {
    const cause = { kind: "request", id, action: "rebuild", at: noon } as const;
    return {
      id,
      at: noon,
      cause,
      large: true,
      planned: 1,
      ended: {},
      owners: {},
      lowest: 0,
      highest: 0,
      state: "open",
      canaries: {},
    };
  };
  const rows = {
    ...stored([track]),
    [keys.run(12)]: planned,
    ...Object.fromEntries(waves.map((id) => [keys.wave(id), waveOf(id)])),
  };
  const image = imageOf("web", on("new"), { makes: makes("new"), inputs: "others" });
  const snapshot = {
    source,
    ref: main,
    generation: 1,
    commit: commitB,
    images: [image],
    refused: [],
    changedPaths: [],
  };
  const cause = { kind: "delivery", id: "push", event: "push", at: noon } as const;
  const word: Inbox = { kind: "ref-moved", id: "push", cause, snapshot };
  const inboxKey = keys.inbox(0, "push");
  const { value, writes } = decide({ rows: { ...rows, [inboxKey]: word } }, (desk) => expand(desk, inboxKey, word));
  expect(value).toBe(true);
  expect(
    [...writes.values()].filter((row) => (row as { status?: string })?.status === "Superseded").length,
  ).toBeGreaterThan(0);
  expect(writes.size).toBeLessThanOrEqual(operationsMost);
});
