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

test("what a status says of a commit is told again when only its words have changed", () => {
  const told = (description: string) => viewOf({ seen: seenOf([], { statuses: [{ ...built, description }] }) });
  const built = { context: "slipway/base", state: "success" };
  expect(narrate(told("Built"), told("Built, and main points to it"))).toEqual([
    "on GitHub: slipway/base success, Built, and main points to it",
  ]);
  expect(narrate(told("Built"), told("Built"))).toEqual([]);
});

test.each([
  ["pause", "paused base: incident 7"],
  ["resume", "resumed base"],
  ["stop", "stopped wave d1: 2 of its 5 runs are open"],
])("a request that is about no build is told by what came of it: %s", (action, done) => {
  const asked = { ...push, id: "r1", cause: { kind: "request", id: "r1", action }, planned: [], plannedCount: 0, done };
  const before = viewOf({ seen: seenOf([]) });
  expect(narrate(before, viewOf({ seen: seenOf([], { decisions: [asked, push] }) }))).toEqual([
    `received request to ${action}`,
    `decided: ${done}`,
  ]);
});

test("a slipway.yaml with mistakes: that nothing is built, and each mistake once, with line, key and fix", () => {
  const problem = { line: 4, key: "images.base.tag", message: "unknown key", fix: "did you mean `tags`?" };
  const message = "slipway.yaml line 4, images.base.tag: unknown key; did you mean `tags`? (and 1 more)";
  const skipped = [{ reason: "invalid-config", count: 1, images: [], message }];
  const problems = [problem, { line: 9, message: "registry is missing" }];
  const refused = { ...push, id: "d2", planned: [], plannedCount: 0, skipped, problems };
  expect(narrate(viewOf({ seen: seenOf([]) }), viewOf({ seen: seenOf([], { decisions: [refused] }) }))).toEqual([
    "received push to demo/platform main at 1a2b3c4 by ada",
    "decided: nothing built, invalid-config",
    "decided: slipway.yaml line 4, images.base.tag: unknown key; did you mean `tags`?",
    "decided: slipway.yaml line 9: registry is missing",
  ]);
});

test("a word that concerns no image by name, and more images than are named", () => {
  const skipped = [
    { reason: "wave-not-found", count: 1, images: [], message: "there is no wave w9" },
    { reason: "base-failed", count: 60, images: ["app", "web"] },
  ];
  const decided = { ...push, id: "d2", planned: [], plannedCount: 0, skipped };
  expect(narrate(viewOf({ seen: seenOf([]) }), viewOf({ seen: seenOf([], { decisions: [decided] }) }))).toEqual([
    "received push to demo/platform main at 1a2b3c4 by ada",
    "decided: nothing built, wave-not-found (there is no wave w9)",
    "decided: not built, base-failed: app, web and 58 more",
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
