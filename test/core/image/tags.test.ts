import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTag } from "../../../src/core/image/reference.ts";
import {
  isAllowedValue,
  refNameToTag,
  renderTag,
  renderValue,
  type TagVariables,
  templateVariables,
} from "../../../src/core/image/tags.ts";
import { codePoint } from "./code-point.ts";

const onMain: TagVariables = {
  branch: "main",
  ref_name: "main",
  sha: "1a2b3c4".padEnd(40, "0"),
  short_sha: "1a2b3c4",
  image: "node-base",
  run: "r000042",
  registry: "acme.azurecr.io",
};
const { branch: _, ...withoutBranch } = onMain;
const onGitTag: TagVariables = { ...withoutBranch, git_tag: "v1.2.3", ref_name: "v1.2.3" };

describe("refNameToTag", () => {
  it.each(["main", "v1.2.3", "Feature-A", "feature-a", "release-20261123", "_x", "a".repeat(128), "x-0123456789"])(
    "leaves %s alone",
    (name) => expect(refNameToTag(name)).toBe(name),
  );

  it.each([
    ["feature/login", /^feature-login-[0-9a-f]{16}$/],
    ["release/1.0", /^release-1\.0-[0-9a-f]{16}$/],
    ["-x", /^x-[0-9a-f]{16}$/],
    [".x.", /^x-[0-9a-f]{16}$/],
    ["", /^ref-[0-9a-f]{16}$/],
    ["/", /^ref-[0-9a-f]{16}$/],
    ["Grüße", /^Gr-e-[0-9a-f]{16}$/],
    ["🚀", /^ref-[0-9a-f]{16}$/],
    ["$(id)`x`", /^id-x-[0-9a-f]{16}$/],
    ["a".repeat(129), /^a{111}-[0-9a-f]{16}$/],
    ["a\n", /^a-[0-9a-f]{16}$/],
  ])("turns %j into %s", (name, shape) => {
    expect(refNameToTag(name)).toMatch(shape);
  });

  it("hashes names that look like a hashed name or like a name with a commit", () => {
    expect(refNameToTag(refNameToTag("feature/a"))).not.toBe(refNameToTag("feature/a"));
    expect(refNameToTag("main-1a2b3c4")).toMatch(/^main-1a2b3c4-[0-9a-f]{16}$/);
    expect(refNameToTag(`main.${"a".repeat(40)}.x`)).toMatch(/-[0-9a-f]{16}$/);
  });

  it("keeps apart what naive cleaning would unite", () => {
    const names = [
      "feature/a",
      "feature-a",
      "Feature-A",
      "feature//a",
      "feature_a",
      "feature a",
      "feature/a/",
      "-feature/a",
    ];
    expect(new Set(names.map(refNameToTag)).size).toBe(names.length);
  });

  it("is total, valid, and injective", () => {
    fc.assert(
      fc.property(nearNames, nearNames, (a, b) => {
        expect(isTag(refNameToTag(a))).toBe(true);
        expect(refNameToTag(a) === refNameToTag(b)).toBe(a === b);
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps lone surrogates apart", () => {
    expect(refNameToTag("a\ud800")).not.toBe(refNameToTag("a\ud801"));
  });
});

describe("renderTag", () => {
  it.each([
    ["{{branch}}", "main"],
    ["{{ branch }}-{{short_sha}}-{{run}}", "main-1a2b3c4-r000042"],
    ["{{image}}.{{sha}}", `node-base.${onMain.sha}`],
    ["latest", "latest"],
    ["{{short_sha}}{{run}}", "1a2b3c4r000042"],
  ])("%s gives %s", (template, value) => {
    expect(renderTag(template, onMain)).toEqual({ ok: true, value });
  });

  it("yields nothing where the ref does not have the variable", () => {
    expect(renderTag("{{branch}}", onGitTag)).toEqual({ ok: true, value: undefined, missing: "branch" });
    expect(renderTag("{{git_tag}}-x", onMain)).toEqual({ ok: true, value: undefined, missing: "git_tag" });
    expect(renderTag("{{git_tag}}", onGitTag)).toEqual({ ok: true, value: "v1.2.3" });
  });

  it.each([
    ["{{brunch}}", "not a variable"],
    ["{{branch}}-{{nope}}", "not a variable"],
    ["{{}}", "not a variable"],
    ["{{branch", 'without "}}"'],
    ["branch}}", 'without "{{"'],
    ["-{{branch}}", "not a valid tag"],
    ["{{branch}}:x", "not a valid tag"],
    ["", "not a valid tag"],
    ["{{branch}}{{run}}", "separator"],
    ["{{sha}}{{branch}}", "separator"],
    [`{{branch}}-${"x".repeat(120)}`, "no room"],
    ["x".repeat(129), "not a valid tag"],
  ])("refuses %s: %s", (template, part) => {
    expect(renderTag(template, onMain)).toMatchObject({ ok: false, message: expect.stringContaining(part) });
  });

  it("shortens a long branch instead of failing, and keeps its hash", () => {
    const rendered = renderTag("{{branch}}-{{short_sha}}-{{run}}", { ...onMain, branch: "b".repeat(300) });
    expect(rendered.ok && rendered.value).toMatch(/^b{95}-[0-9a-f]{16}-1a2b3c4-r000042$/);
  });

  it.each([
    "{{branch}}",
    "{{branch}}-{{short_sha}}",
    "{{short_sha}}-{{branch}}",
    "v_{{branch}}.{{short_sha}}-{{run}}",
    "{{ref_name}}-{{branch}}",
  ])("%s never gives two branches the same tag, whatever their commits", (template) => {
    fc.assert(
      fc.property(builds, builds, (a, b) => {
        const [first, second] = [renderTag(template, a), renderTag(template, b)];
        if (!first.ok || !second.ok) throw new Error("every branch has a tag");
        expect(first.value !== undefined && isTag(first.value)).toBe(true);
        if (a.branch !== b.branch) expect(first.value).not.toBe(second.value);
      }),
      { numRuns: 500 },
    );
  });

  it("never gives a branch's own tag to another branch at some commit", () => {
    fc.assert(
      fc.property(builds, (build) => {
        const unique = renderTag("{{branch}}-{{short_sha}}", build);
        if (!unique.ok || unique.value === undefined) throw new Error("every branch has a tag");
        expect(refNameToTag(unique.value)).not.toBe(unique.value);
      }),
    );
  });
});

describe("renderValue", () => {
  it("leaves what Slipway knows as it is and sanitises what others chose", () => {
    expect(renderValue("{{registry}}/base:{{sha}}", onMain)).toEqual({
      ok: true,
      value: `acme.azurecr.io/base:${onMain.sha}`,
    });
    const rendered = renderValue("{{branch}}", { ...onMain, branch: "$(id)" });
    expect(rendered.ok && rendered.value).toMatch(/^id-[0-9a-f]{16}$/);
  });

  it("allows variables side by side and an empty value", () => {
    expect(renderValue("{{branch}}{{run}}", onMain)).toEqual({ ok: true, value: "mainr000042" });
    expect(renderValue("", onMain)).toEqual({ ok: true, value: "" });
  });

  it.each(["a b", "$(id)", "`id`", "a;b", "'", '"', "a\nb", "a\n", "ä", "{x}", "a|b", "a&b", "\\", "*", "%"])(
    "refuses %j and names it",
    (value) => {
      const rendered = renderValue(value, onMain);
      expect(rendered).toMatchObject({ ok: false, message: expect.stringContaining(JSON.stringify(value)) });
    },
  );

  it("never lets anything through that the allow-list does not", () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint }), fc.string({ unit: codePoint }), (branch, registry) => {
        const rendered = renderValue("{{branch}}/{{registry}}", { ...onMain, branch, registry });
        if (rendered.ok) expect(rendered.value).toMatch(/^[A-Za-z0-9_./:@=+,-]*$/);
        else expect(isAllowedValue(registry)).toBe(false);
      }),
    );
  });
});

describe("templateVariables", () => {
  it("lists each variable once, known or not", () => {
    expect(templateVariables("{{branch}}-{{ nope }}.{{branch}}")).toEqual(["branch", "nope"]);
    expect(templateVariables("plain")).toEqual([]);
    expect(templateVariables("{{branch")).toEqual([]);
  });
});

/** Names close to each other and to what the sanitiser makes of them, where collisions would hide. */
const nearNames = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."aA/-._ 1", "é", "main", "1a2b3c4"), maxLength: 8 }),
  fc.string({ unit: fc.constantFrom("a/", "-a"), maxLength: 80 }),
  fc.string({ unit: codePoint, maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(..."a/-"), maxLength: 4 }).map(refNameToTag),
);

const builds: fc.Arbitrary<TagVariables> = fc
  .tuple(nearNames, fc.stringMatching(/^[0-9a-f]{40}$/), fc.stringMatching(/^r[0-9]{6}$/))
  .map(([branch, sha, run]) => ({ ...onMain, branch, ref_name: branch, sha, short_sha: sha.slice(0, 7), run }));
