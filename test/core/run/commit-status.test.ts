import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut } from "../../../src/core/image/quote.ts";
import { commitStatusOf } from "../../../src/core/run/commit-status.ts";
import type { Run, RunStatus } from "../../../src/core/state/rows.ts";
import { runOf } from "../state/rows-of.ts";

const digest = `sha256:${"d".repeat(64)}`;

describe("the commit status of a run", () => {
  const why = "first build of this image from this ref";
  it.each<[string, Partial<Run>, string, string]>([
    ["planned", {}, "pending", `Planned: ${why}`],
    [
      "waiting for bases",
      { hold: { kind: "base", runs: ["acme-3", "acme-4"] } },
      "pending",
      `Waiting for acme-3, acme-4 (${why})`,
    ],
    [
      "waiting for its track",
      { hold: { kind: "track-busy", run: "acme-2" } },
      "pending",
      `Waiting for acme-2 (${why})`,
    ],
    [
      "waiting for a digest",
      { hold: { kind: "base-unknown", reference: "r:1", why: "503" } },
      "pending",
      `Waiting to learn the digest of r:1 (${why})`,
    ],
    [
      "waiting for a canary",
      { hold: { kind: "canary", wave: "w", run: "acme-3", image: "node" } },
      "pending",
      `Waiting for node, which is built first (acme-3) (${why})`,
    ],
    [
      "of a stopped wave",
      { hold: { kind: "wave-stopped", wave: "w", why: "3 of its 30 runs have failed" } },
      "pending",
      `Waiting because wave w is stopped: 3 of its 30 runs have failed (${why})`,
    ],
    [
      "paused",
      { hold: { kind: "paused", scope: "image", why: "incident" } },
      "pending",
      `Waiting because the image is paused: incident (${why})`,
    ],
    [
      "frozen",
      { hold: { kind: "frozen", until: "2026-11-30T06:00:00.000Z", why: "weekend" } },
      "pending",
      `Waiting until 2026-11-30T06:00:00.000Z: weekend (${why})`,
    ],
    ["preparing", { status: "Preparing" }, "pending", `Preparing: ${why}`],
    ["scheduling", { status: "Scheduling" }, "pending", `Preparing: ${why}`],
    ["queued", { status: "Queued", acrRunId: "cf1" }, "pending", `Queued at ACR as cf1: ${why}`],
    ["started", { status: "Started", acrRunId: "cf1" }, "pending", `Building as cf1: ${why}`],
    ["running", { status: "Running", acrRunId: "cf1" }, "pending", `Building as cf1: ${why}`],
    [
      "succeeded",
      { status: "Succeeded", digest, tags: ["acme.azurecr.io:443/web:main-1", "acme.azurecr.io:443/web:main"] },
      "success",
      `Built ${digest.slice(0, 19)} as main`,
    ],
    [
      "skipped, because it is current",
      { status: "Skipped", ended: { code: "nothing-changed", message: "m" } },
      "success",
      "Nothing changed: the image is current",
    ],
    [
      "skipped for another reason",
      { status: "Skipped", ended: { code: "base-failed", message: "its base failed" } },
      "error",
      "Not built: its base failed",
    ],
    [
      "superseded",
      { status: "Superseded", ended: { code: "superseded", message: "superseded by acme-13" } },
      "error",
      "Not built: superseded by acme-13",
    ],
    ["canceled", { status: "Canceled", ended: { code: "canceled", message: "by me" } }, "error", "Canceled: by me"],
    [
      "failed",
      { status: "Failed", ended: { code: "build-failed", message: "exit status 1" } },
      "failure",
      "exit status 1",
    ],
    ["timed out", { status: "Timeout", ended: { code: "timed-out", message: "too long" } }, "error", "too long"],
    ["in error", { status: "Error", ended: { code: "acr-error", message: "ACR fell" } }, "error", "ACR fell"],
  ])("%s", (_name, change, state, description) => {
    expect(commitStatusOf(runOf(change), undefined)).toEqual({ state, context: "slipway/web", description });
  });

  it("links to the run where there is somewhere to link to", () => {
    expect(commitStatusOf(runOf(), "https://s/runs/acme-12").targetUrl).toBe("https://s/runs/acme-12");
  });

  it("is never longer than GitHub takes, whatever status, hold and texts", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 300, size: "max" });
    const statuses: readonly RunStatus[] = [
      "Planned",
      "Preparing",
      "Queued",
      "Running",
      "Succeeded",
      "Skipped",
      "Superseded",
      "Canceled",
      "Failed",
      "Timeout",
      "Error",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...statuses), text, fc.array(text, { maxLength: 5 }), (status, message, many) => {
        const run = runOf({
          status,
          ended: { code: "build-failed", message },
          hold: { kind: "base", runs: many },
          reasons: [{ kind: "base", reference: message }],
          tags: many,
          acrRunId: message,
        });
        expect([...commitStatusOf(run, undefined).description].length).toBeLessThanOrEqual(140);
      }),
    );
  });

  it("is cut between characters, never inside one", () => {
    expect(cut("🐳🐳🐳", 3)).toBe("🐳🐳🐳");
    expect(cut("🐳🐳🐳🐳", 3)).toBe("🐳🐳…");
  });
});
