import { expect, test } from "vitest";
import { narrate } from "../../../local/screen/narrate.ts";
import { at, push, registry, runOf, seenOf, succeeded, viewOf } from "./view-of.ts";

const held = runOf("app", 2, { hold: { kind: "base", runs: ["local-1"] } });
const preparing = runOf("base", 1, { status: "Preparing", times: { Planned: at(0), Preparing: at(1) } });

test("the first look tells the last decision and every run", () => {
  const older = { ...push, id: "d0" };
  expect(narrate(viewOf(), viewOf({ seen: seenOf([preparing, held], { decisions: [push, older] }) }))).toEqual([
    "received push to demo/platform main at 1a2b3c4 by ada",
    "decided: 2 runs planned: base, app",
    "base      local-1   Preparing  first build of this image from this ref",
    "app       local-2   Planned    first build of this image from this ref; waits for base (local-1)",
  ]);
});

test("later only what has changed, and nothing when nothing has", () => {
  const before = viewOf({ seen: seenOf([preparing, held]) });
  const released = { ...held, hold: undefined };
  const after = viewOf({ seen: seenOf([succeeded("base", 1), released]) });
  expect(narrate(before, before)).toEqual([]);
  expect(narrate(before, after)).toEqual([
    "base      local-1   Succeeded  sha256:aaaaaaaaaaaa; in 2.5 s; stands on local/shell:1 sha256:bbbbbbbbbbbb",
    "app       local-2   Planned    waits for its turn",
  ]);
});

test("a second event and the state of a commit on GitHub", () => {
  const before = viewOf({ seen: seenOf([]) });
  const skipped = [{ reason: "nothing-changed", count: 1, images: ["base"] }];
  const again = { ...push, id: "d2", planned: [], plannedCount: 0, skipped };
  const statuses = [
    { context: "slipway/base", state: "success", description: "Built" },
    { context: "slipway/app", state: "pending", description: "Building" },
  ];
  expect(narrate(before, viewOf({ seen: seenOf([], { decisions: [again, push], statuses }) }))).toEqual([
    "received push to demo/platform main at 1a2b3c4 by ada",
    "decided: not built, nothing-changed: base",
    "on GitHub: slipway/base success, Built",
  ]);
});

test("what is started, which engine, what happened, where errors are: each once", () => {
  const engine = { name: "built-in", why: "No Docker here.", warning: "RUN cannot work." };
  const full = viewOf({ starting: "storage", engine, notices: ["one", "two"], errorLog: "host.log" });
  expect(narrate(viewOf({ notices: ["one"] }), full)).toEqual([
    "starting storage",
    "engine built-in: No Docker here.",
    "RUN cannot work.",
    "two",
    "errors are in host.log",
  ]);
  expect(narrate(full, full)).toEqual([]);
});

test("a base that moved is told; that the registry tells of our own pushes is not", () => {
  const cause = { kind: "registry-event", id: "e1", reference: `${registry}/local/shell:1` };
  const moved = { ...push, id: "tag-1", cause, source: undefined };
  const skipped = [{ reason: "own-push", count: 1, images: [] }];
  const own = { ...moved, id: "e2", planned: [], plannedCount: 0, skipped };
  expect(narrate(viewOf({ seen: seenOf([]) }), viewOf({ seen: seenOf([], { decisions: [own, moved] }) }))).toEqual([
    "received news of local/shell:1",
    "decided: 2 runs planned: base, app",
  ]);
});

test("what a run waits for besides its bases", () => {
  const holds = [
    { kind: "canary", run: "local-1", image: "base" },
    { kind: "paused", scope: "image", why: "ada looks into it" },
    { kind: "base-unknown", reference: "debian:12", why: "429" },
  ];
  const runs = holds.map((hold, i) => runOf("app", i + 2, { hold, why: [] }));
  expect(narrate(viewOf({ seen: seenOf([]) }), viewOf({ seen: seenOf(runs) }))).toEqual([
    "app       local-2   Planned    waits for base (local-1), which is tried first",
    "app       local-3   Planned    waits for a word, it is paused: ada looks into it",
    "app       local-4   Planned    waits for base debian:12: 429",
  ]);
});
