import { describe, expect, it } from "vitest";
import { type DockerfileResult, readDockerfile } from "../../../src/core/image/dockerfile.ts";
import { formatReference } from "../../../src/core/image/reference.ts";
import { dockerfileCases } from "./dockerfile-cases.ts";

describe("readDockerfile", () => {
  it.each(dockerfileCases)("$name", ({ text, options, dependencies, warnings, refused }) => {
    const result = readDockerfile(text, { buildArgs: {}, ...options });
    if (refused !== undefined) {
      expect(result).toMatchObject({
        ok: false,
        line: refused.line,
        message: expect.stringContaining(refused.message),
      });
      return;
    }
    const facts = factsOf(result);
    expect(
      facts.dependencies.map(
        (each) => `${each.class} ${formatReference(each.reference)} ${each.instruction}:${each.line}`,
      ),
    ).toEqual(dependencies);
    if (warnings === undefined) return;
    expect(facts.warnings.map((each) => each.line)).toEqual(warnings.map((each) => Number(each.split(":", 1)[0])));
    for (const [index, each] of warnings.entries())
      expect(facts.warnings[index]?.message).toContain(each.slice(each.indexOf(": ") + 2));
  });

  it("keeps the text of a dependency as written, with its variables replaced", () => {
    const facts = factsOf(readDockerfile("ARG V=20\nFROM Docker.io/node:$V", { buildArgs: {} }));
    expect(facts.dependencies[0]).toMatchObject({ text: "Docker.io/node:20", pinned: false });
  });

  it("says that a digest pins", () => {
    const facts = factsOf(readDockerfile(`FROM a@sha256:${"0".repeat(64)}`, { buildArgs: {} }));
    expect(facts.dependencies[0]?.pinned).toBe(true);
  });

  it.each([
    ["FROM a\nRUN true", false],
    ["FROM a\nCOPY --chown=1 --from=b a b", false],
    ["FROM a\nRUN --mount=type=cache,target=/x true", true],
    ["FROM a\nADD --checksum=x a b", true],
    ["FROM a\nRUN <<E\nE", true],
    ["# syntax=docker/dockerfile:1\nFROM a", true],
  ])("%j needs BuildKit: %s", (text, expected) => {
    const { warnings } = factsOf(readDockerfile(text, { buildArgs: {} }));
    expect(warnings.some((warning) => warning.classicOnly)).toBe(expected);
  });

  it("refuses a file over 1 MiB", () => {
    const text = `FROM alpine\n${"#\n".repeat(1024 * 512)}`;
    expect(readDockerfile(text, { buildArgs: {} })).toMatchObject({
      ok: false,
      message: expect.stringContaining("1048576"),
    });
  });

  it("keeps the first 100 warnings", () => {
    const facts = factsOf(readDockerfile("FROM --x=y a\n".repeat(150), { buildArgs: {} }));
    expect(facts.warnings.map((each) => each.line)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  it("builds the last stage when the target is empty", () => {
    const facts = factsOf(readDockerfile("FROM a AS x\nFROM b:$TARGETSTAGE AS Y", { buildArgs: {}, target: "" }));
    expect(facts.dependencies.map((each) => each.text)).toEqual(["b:y"]);
  });

  it("takes names from build args only when they are their own", () => {
    const result = readDockerfile("ARG constructor\nARG toString=1\nFROM a:$toString", { buildArgs: {} });
    expect(factsOf(result).dependencies[0]?.text).toBe("a:1");
  });
});

function factsOf(result: DockerfileResult) {
  if (!result.ok) throw new Error(`refused on line ${result.line}: ${result.message}`);
  return result.facts;
}
