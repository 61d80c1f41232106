import { describe, expect, it } from "vitest";
import { isBuilt } from "../../../src/core/run/release.ts";
import type { Built, Wanted } from "../../../src/core/state/rows.ts";
import { noon } from "../state/decide.ts";
import { commitA, commitB, trackOf } from "../state/rows-of.ts";

const wanted: Wanted = { commit: commitA, inputs: "files", definition: "definition" };
const bases = { "r:1": "sha256:1", "r:2": "sha256:2" };
const built: Built = { ...wanted, bases, proved: true, digest: "sha256:d", run: "acme-1", at: noon };

describe("what is wanted is what is built (R2)", () => {
  it.each<[string, boolean, Partial<Built> | undefined, Partial<Wanted>, Record<string, string | null>]>([
    ["when files, definition and bases are the same", true, {}, {}, bases],
    ["whatever the commit: only content counts", true, {}, { commit: commitB }, bases],
    ["in whatever order bases come", true, {}, {}, { "r:2": "sha256:2", "r:1": "sha256:1" }],
    ["not when nothing was ever built", false, undefined, {}, bases],
    ["not when files differ", false, {}, { inputs: "others" }, bases],
    ["not when the definition differs", false, {}, { definition: "another" }, bases],
    ["not when a base moved", false, {}, {}, { ...bases, "r:2": "sha256:3" }],
    ["not when a base came", false, {}, {}, { ...bases, "r:3": "sha256:3" }],
    ["not when a base went", false, {}, {}, { "r:1": "sha256:1" }],
    ["not when a base cannot be told now", false, {}, {}, { ...bases, "r:2": null }],
    ["not when a base could not be told then either", false, { bases: { "r:1": null } }, {}, { "r:1": null }],
    ["not when nobody can say what is inside", false, { proved: false }, {}, bases],
    ["not when somebody asked for one more build", false, {}, { occurrence: "request-1" }, bases],
    ["when that very request was built", true, { occurrence: "request-1" }, { occurrence: "request-1" }, bases],
    ["not when another request was built", false, { occurrence: "request-1" }, { occurrence: "request-2" }, bases],
    ["when the last build was a request and nobody asks any more", true, { occurrence: "request-1" }, {}, bases],
  ])("%s: %s", (_name, expected, change, want, now) => {
    const track = trackOf("web", [], change ? { built: { ...built, ...change } } : {});
    expect(isBuilt(track, { ...wanted, ...want }, now)).toBe(expected);
  });
});
