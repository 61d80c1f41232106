import { describe, expect, it } from "vitest";
import type { DigestLookup } from "../../../src/core/image/digest-lookup.ts";
import type { AcrRun } from "../../../src/core/run/acr-run.ts";
import { observe } from "../../../src/core/run/observe.ts";
import { keys } from "../../../src/core/state/keys.ts";
import type { Run } from "../../../src/core/state/rows.ts";
import { decide } from "../state/decide.ts";
import { attemptOf, runOf, stored, trackOf } from "../state/rows-of.ts";

const digest = `sha256:${"d".repeat(64)}`;
const run = runOf({ status: "Running", attempt: 1, acrRunId: "cf1" });
const attempt = attemptOf({ stage: "linked", acrRunId: "cf1", uniqueTags: ["main-1"] });
const track = trackOf("web", [], { active: { id: run.id, order: run.order, waves: run.waves } });

/** ACR says that the run succeeded at noon and names no image. */
function seenAt(now: string, lookup: DigestLookup): Run | undefined {
  const rows = { ...stored([track]), [keys.run(12)]: run, [keys.live(12)]: {}, [keys.attempt(run.id, 1)]: attempt };
  const seen: AcrRun = {
    acrRunId: "cf1",
    status: "Succeeded",
    finishTime: "2026-11-23T12:00:00.000Z",
    outputImages: [],
  };
  const digests = { "acme.azurecr.io/web:main-1": lookup };
  const { writes } = decide({ rows, digests, now }, (desk) => observe(desk, run, attempt, seen));
  return writes.get(keys.run(12)) as Run | undefined;
}

describe("a build that succeeded, of which ACR does not say what came of it", () => {
  it("is what the registry has under its unique tag", () => {
    const ended = seenAt("2026-11-23T12:00:05.000Z", { kind: "found", digest });
    expect(ended).toMatchObject({ status: "Succeeded", digest });
  });

  it("has failed when there is nothing", () => {
    expect(seenAt("2026-11-23T12:00:05.000Z", { kind: "absent" })).toMatchObject({ ended: { code: "no-output" } });
  });

  it("is waited for while the registry does not answer, for an hour, and then planned again later", () => {
    const silent = { kind: "unknown", why: "503" } as const;
    expect(seenAt("2026-11-23T12:59:00.000Z", silent)).toBeUndefined();
    const ended = seenAt("2026-11-23T13:00:01.000Z", silent);
    expect(ended).toMatchObject({ status: "Error", ended: { code: "acr-error" } });
    expect(ended?.notes?.join()).toContain("planned again at");
  });
});
