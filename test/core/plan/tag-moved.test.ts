import { describe, expect, it } from "vitest";
import type { Reason } from "../../../src/core/plan/reason.ts";
import { planTagMoved } from "../../../src/core/plan/tag-moved.ts";
import { keys } from "../../../src/core/state/keys.ts";
import type { Built } from "../../../src/core/state/rows.ts";
import { decide, noon } from "../state/decide.ts";
import { commitA, commitB, runOf, stored, trackOf } from "../state/rows-of.ts";

const debian = "docker.io/library/debian:12";
const digest = (c: string) => `sha256:${c.repeat(64)}`;
const built: Built = {
  commit: commitA,
  inputs: "web files",
  definition: "web definition",
  bases: { [debian]: digest("a") },
  proved: true,
  digest: digest("f"),
  run: "acme-1",
  at: noon,
};

/** The tag is back at what the image was built on, while a run of the image is planned for these reasons. */
function backWith(reasons: readonly Reason[]) {
  const run = runOf({ reasons });
  const track = trackOf("web", [debian], { built, planned: { id: run.id, order: run.order, waves: run.waves } });
  const word = {
    kind: "tag-moved",
    id: "tag-1",
    cause: { kind: "sweep", id: "s", at: noon },
    reference: debian,
    digest: digest("a"),
    from: digest("b"),
  } as const;
  return decide({ rows: { ...stored([track]), [keys.run(run.seq)]: run } }, (desk) => planTagMoved(desk, word)).value;
}

describe("a tag that is back at what an image stands on", () => {
  it("is news to a run that was planned because it had moved away", () => {
    const { plan } = backWith([{ kind: "base", reference: debian, from: digest("a"), to: digest("b") }]);
    expect(plan).toMatchObject([{ kind: "moved", image: "web" }]);
  });

  it("is none to a run that was planned for anything else", () => {
    const commit: Reason = { kind: "commit", from: commitA, to: commitB, paths: [] };
    const other: Reason = { kind: "base", reference: "docker.io/library/alpine:3", to: digest("c") };
    expect(backWith([commit, other])).toMatchObject({
      plan: [],
      progress: { skipped: [{ reason: "nothing-changed" }] },
    });
  });
});
