import { describe, expect, it } from "vitest";
import type { ImageDefinition } from "../../../src/core/config/definition.ts";
import { renderRun } from "../../../src/core/run/render-run.ts";
import type { Run } from "../../../src/core/state/rows.ts";
import { definition } from "../config/definitions.ts";
import { runOf } from "../state/rows-of.ts";

const render = (change: Partial<ImageDefinition>, run: Partial<Run> = {}, attempt = 1) =>
  renderRun(definition(change), runOf(run), attempt);

describe("the tags of an attempt", () => {
  it("come from the templates of slipway.yaml", () => {
    expect(render({ tags: { stable: ["{{branch}}"], unique: ["{{branch}}-{{short_sha}}-{{run}}"] } })).toMatchObject({
      ok: true,
      stableTags: ["main"],
      uniqueTags: ["main-aaaaaaa-12"],
    });
  });

  it("are other unique ones in a second attempt, and the same stable ones", () => {
    expect(render({}, {}, 2)).toMatchObject({ stableTags: ["main"], uniqueTags: ["main-aaaaaaa-12.2"] });
    expect(render({}, {}, 3)).toMatchObject({ uniqueTags: ["main-aaaaaaa-12.3"] });
  });

  it("leave out those that ask for what the ref does not have", () => {
    const tags = { stable: ["{{branch}}", "{{git_tag}}"], unique: [] };
    expect(render({ tags })).toMatchObject({ stableTags: ["main"] });
    expect(render({ tags }, { ref: "refs/tags/v1.2" })).toMatchObject({ stableTags: ["v1.2"] });
  });

  it("must not be none: the run says which ref nothing applies to", () => {
    const tags = { stable: ["{{git_tag}}"], unique: [] };
    expect(render({ tags })).toEqual({ ok: false, message: "none of its tags applies to refs/heads/main" });
  });

  it("must not be more than twenty", () => {
    const tags = (n: number) => ({ stable: Array.from({ length: n }, (_, i) => `t${i}`), unique: ["{{run}}"] });
    expect(render({ tags: tags(19) }).ok).toBe(true);
    expect(render({ tags: tags(20) })).toMatchObject({ ok: false, message: expect.stringContaining("20") });
  });
});

describe("build arguments", () => {
  it("are rendered for the run, ref names as tags", () => {
    const buildArgs = { BASE: "{{registry}}/base:{{branch}}", SHA: "{{sha}}", PLAIN: "a=b" };
    expect(render({ buildArgs }, { ref: "refs/heads/a b" })).toMatchObject({
      buildArgs: {
        BASE: expect.stringMatching(/^acme\.azurecr\.io\/base:a-b-[0-9a-f]{16}$/),
        SHA: "a".repeat(40),
        PLAIN: "a=b",
      },
    });
  });

  it("that the ref has no value for are left to the Dockerfile's default", () => {
    expect(render({ buildArgs: { V: "{{git_tag}}" } })).toMatchObject({ ok: true, buildArgs: {} });
  });

  it.each(["a b", "$(id)", "`id`", "'", '"', "a;b", "a\nb", "{x}"])("may not hold %j", (value) => {
    expect(render({ buildArgs: { EVIL: value } })).toMatchObject({
      ok: false,
      message: expect.stringContaining("build argument EVIL"),
    });
  });
});

describe("the program of a test", () => {
  it.each([[["node"]], [["/usr/bin/env", "any $(thing)"]], ["any $(line) is the image's shell's"]])(
    "may be %j",
    (test) => {
      expect(render({ test: [test] }).ok).toBe(true);
    },
  );

  it.each([[["$(id)"]], [["a b"]], [[""]], [[]], [["sh;id"]]])("may not be %j: ACR gives it to a shell", (test) => {
    expect(render({ test: ["true", test] })).toMatchObject({
      ok: false,
      message: expect.stringContaining("a test may not start"),
    });
  });
});
