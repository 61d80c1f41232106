import { describe, expect, test } from "vitest";
import { renderFrame } from "../../../local/screen/frame.ts";
import { redraw } from "../../../local/screen/screen.ts";
import type { View } from "../../../local/screen/view.ts";
import { at, digest, push, registry, runOf, seenOf, succeeded, viewOf } from "./view-of.ts";

const roomy = { width: 100, rows: 60, colour: false };
const waiting = runOf("app", 2, {
  why: ["first build of this image from this ref", `base ${registry}/platform/base:main is being rebuilt`],
  hold: { kind: "base", runs: ["local-1"] },
});
const next = [{ title: "Ask the API", lines: ["curl here"] }];

const frames: readonly [string, View, string][] = [
  [
    "while the parts start",
    viewOf({ starting: "storage" }),
    `
Slipway on this machine  8 s  Ctrl-C stops it, nothing is lost
Starting storage …`,
  ],
  [
    "one run at ACR, another waiting for it",
    viewOf({
      engine: { name: "built-in", why: "No Docker here." },
      seen: seenOf(
        [
          runOf("base", 1, {
            status: "Running",
            times: { Planned: at(0), Preparing: at(1), Queued: at(2), Running: at(2.5) },
            bases: { [`${registry}/local/shell:1`]: digest("b") },
          }),
          waiting,
        ],
        { statuses: [{ context: "slipway/base", state: "pending", description: "Building" }] },
      ),
      next,
    }),
    `
Slipway on this machine  8 s  Ctrl-C stops it, nothing is lost
Engine built-in. No Docker here.

Received  push to demo/platform main at 1a2b3c4 by ada
Decided   2 runs planned: base, app

base       Running        3.0 s  local-1
           why        first build of this image from this ref
           stands on  local/shell:1 sha256:bbbbbbbbbbbb
app        Planned        5.0 s  local-2
           why        first build of this image from this ref
                      base platform/base:main is being rebuilt
           waits for  base (local-1)

On GitHub pending slipway/base`,
  ],
  [
    "all built: the digests, and what to try next",
    viewOf({
      once: true,
      seen: seenOf([succeeded("base", 1)], {
        statuses: [{ context: "slipway/base", state: "success", description: "Built" }],
      }),
      next,
    }),
    `
Slipway on this machine  8 s

Received  push to demo/platform main at 1a2b3c4 by ada
Decided   2 runs planned: base, app

base       Succeeded      2.5 s  local-1    sha256:aaaaaaaaaaaa
           why        first build of this image from this ref
           stands on  local/shell:1 sha256:bbbbbbbbbbbb

On GitHub success slipway/base

Try next
Ask the API
  curl here`,
  ],
  [
    "a failure with its reason, a skip with the failure's name, what happened to the twin",
    viewOf({
      notices: ["1", "2", "resumed: 1 run was open", "the Functions host is up again"],
      errorLog: ".local/host.log",
      seen: seenOf([
        succeeded("base", 1, {
          status: "Failed",
          times: { Planned: at(0), Queued: at(1), Failed: at(63) },
          ended: { code: "failed", message: "RUN false ended with 1" },
          digest: undefined,
          bases: {},
        }),
        runOf("app", 2, { status: "Skipped", ended: { code: "base-failed", message: "base failed: base (local-1)" } }),
      ]),
    }),
    `
Slipway on this machine  8 s  Ctrl-C stops it, nothing is lost
• 2
• resumed: 1 run was open
• the Functions host is up again
Errors are in .local/host.log

Received  push to demo/platform main at 1a2b3c4 by ada
Decided   2 runs planned: base, app

base       Failed     1 min 2 s  local-1
           why        first build of this image from this ref
           ended      RUN false ended with 1
app        Skipped               local-2
           why        first build of this image from this ref
           ended      base failed: base (local-1)
`,
  ],
  [
    "a decision to build nothing says why",
    viewOf({
      seen: seenOf([], {
        decisions: [
          { ...push, id: "t", cause: { kind: "sweep", id: "t" }, planned: [], plannedCount: 0 },
          {
            ...push,
            planned: [],
            plannedCount: 0,
            skipped: [{ reason: "invalid-config", count: 1, images: [], message: "unknown key `tag`" }],
            problems: [{ message: "unknown key `tag`", line: 4 }],
          },
        ],
      }),
    }),
    `
Slipway on this machine  8 s  Ctrl-C stops it, nothing is lost

Received  push to demo/platform main at 1a2b3c4 by ada
Decided   nothing built, invalid-config
          slipway.yaml line 4: unknown key \`tag\`

`,
  ],
];

describe("the screen", () => {
  test.each(frames)("%s", (_name, view, expected) => {
    expect(`\n${renderFrame(view, roomy).join("\n")}`.trimEnd()).toBe(expected.trimEnd());
  });

  test.each([40, 20, 14, 9, 3])("never has more than %i rows when the terminal has no more", (rows) => {
    const runs = ["base", "runtime", "tools", "assets", "app"].map((image, i) => succeeded(image, i + 1));
    const lines = renderFrame(viewOf({ seen: seenOf(runs), next }), { ...roomy, rows });
    expect(lines.length).toBeLessThanOrEqual(rows);
    if (rows >= 9) expect(lines.filter((line) => line.includes("Succeeded"))).toHaveLength(5);
  });

  test.each([30, 60, 200])("is never wider than %i columns, coloured or not", (width) => {
    const view = viewOf({
      engine: { name: "docker", why: "w".repeat(50) },
      seen: seenOf([waiting, succeeded("base", 1)]),
    });
    const lines = renderFrame(view, { width, rows: 60, colour: false });
    expect(lines.filter((line) => line.length > width)).toEqual([]);
    const coloured = renderFrame(view, { width, rows: 60, colour: true });
    expect(coloured.map((line) => line.replace(/\u001b\[\d+m/g, "").trimEnd())).toEqual(lines);
    expect(coloured.join("")).toContain("\u001b[32m");
  });
});

describe("redrawing", () => {
  test("writes nothing when nothing has changed", () => {
    expect(redraw(["a", "b"], ["a", "b"])).toBe("");
  });

  test("writes only the rows that differ", () => {
    expect(redraw(["same", "old", "same"], ["same", "new", "same"])).toBe("\u001b[3A\r\n\u001b[2Knew\n\n");
  });

  test("clears what a shorter frame leaves below", () => {
    expect(redraw(["a", "b", "c"], ["a"])).toBe("\u001b[3A\r\n\u001b[J");
  });
});
