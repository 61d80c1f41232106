import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scanAsAcr } from "../../../src/core/image/acr-scanner.ts";
import { type DockerfileOptions, readDockerfile } from "../../../src/core/image/dockerfile.ts";
import { type Digests, pinDockerfile } from "../../../src/core/image/pin-dockerfile.ts";
import { formatReference } from "../../../src/core/image/reference.ts";
import { sha256Hex } from "../../../src/core/image/sha256.ts";
import { corpus } from "./corpus/corpus.ts";
import { dockerfileCases } from "./dockerfile-cases.ts";

const digest = (key: string) => `sha256:${sha256Hex(new TextEncoder().encode(key))}`;
const d = digest("docker.io/library/a:1");
const none: DockerfileOptions = { buildArgs: {} };
const pin = (text: string, digests: Digests, options = none) => pinDockerfile(text, options, digests);

function pinned(text: string, digests: Digests, options = none): string {
  const result = pin(text, digests, options);
  if (!result.ok) throw new Error(`line ${result.line}: ${result.message}`);
  return result.text;
}

describe("pinDockerfile", () => {
  it("puts the digest into FROM, COPY --from, RUN --mount and the syntax directive, and leaves the rest alone", () => {
    const text = [
      "# syntax = docker/dockerfile:1  # and more\r",
      "# FROM a:1\r",
      "ARG V=1",
      "FROM --platform=$BUILDPLATFORM a:${V:-2} as Build",
      "RUN echo 'FROM a:1'",
      "FROM build",
      'COPY --chown=1 --from="a:1" ["x", "y"]',
      "RUN --mount=type=bind,from=a:1,target=/x --mount=type=cache,target=/c true",
      "COPY --from=0 x y",
    ].join("\n");
    const frontend = digest("f");
    expect(pinned(text, { "docker.io/library/a:1": d, "docker.io/docker/dockerfile:1": frontend })).toBe(
      [
        `# syntax = docker.io/docker/dockerfile@${frontend}  # and more\r`,
        "# FROM a:1\r",
        "ARG V=1",
        `FROM docker.io/library/a@${d} AS build`,
        "RUN echo 'FROM a:1'",
        "FROM build",
        `COPY --chown=1 --from=docker.io/library/a@${d} ["x", "y"]`,
        `RUN --mount=type=bind,from=docker.io/library/a@${d},target=/x --mount=type=cache,target=/c true`,
        "COPY --from=0 x y",
      ].join("\n"),
    );
  });

  it("keeps the numbers of the lines, the comments and the escape character of continued instructions", () => {
    const text =
      "# escape=`\nFROM `\n  # why\n\n  a:1 `\r\n  AS x\nCOPY --fr`\nom=a:`\n# here\n1 a b\nONBUILD COPY --from=a:1 c d\nFROM x\n";
    const reference = `docker.io/library/a@${d}`;
    expect(pinned(text, { "docker.io/library/a:1": d })).toBe(
      `# escape=\`\nFROM ${reference} AS x\n  # why\n\n\r\n\nCOPY --from=${reference}\`\n\`\n# here\n a b\nONBUILD COPY --from=${reference} c d\nFROM x\n`,
    );
  });

  it("leaves what ONBUILD keeps for other images, and what has no digest, at its tag", () => {
    const text = "FROM b\nONBUILD COPY --from=a:1 c d\nCOPY --from=c:1 x y\n";
    expect(pinned(text, { "docker.io/library/a:1": d, "docker.io/library/c:1": null })).toBe(
      "FROM docker.io/library/b:latest\nONBUILD COPY --from=a:1 c d\nCOPY --from=c:1 x y\n",
    );
  });

  it("quotes what a mount says besides", () => {
    const text = `FROM scratch\nRUN --mount='from=a:1,"target=/a b,c"' true\n`;
    const result = pinned(text, { "docker.io/library/a:1": d });
    expect(result).toContain(`--mount=from=docker.io/library/a@${d},\\"target=/a\\ b,c\\" true`);
  });

  it("writes nothing that is not a digest", () => {
    expect(pinned("FROM a:1\n", { "docker.io/library/a:1": "sha256:x\nRUN evil" })).toBe(
      "FROM docker.io/library/a:1\n",
    );
  });

  it.each([
    ["FROM --platform=linux/arm64 a:1", none, "take away --platform"],
    ["FROM --x=y a:1", none, "does not know"],
    ["# syntax=a\nFROM b", { buildArgs: { BUILDKIT_SYNTAX: "c" } }, "BUILDKIT_SYNTAX"],
    ["// syntax=a:1\npackage main", none, "language of its frontend"],
    [`FROM b\nCOPY --from=a:1 ${"x".repeat(65_500)} y`, none, "longer than"],
    ["FROM a AS 1", none, "cannot name a stage"],
  ])("refuses %s", (text, options, message) => {
    expect(pin(text, { "docker.io/library/a:1": d }, options)).toMatchObject({
      ok: false,
      message: expect.stringContaining(message),
    });
  });

  it("may take away the platform that is built for anyway, and that of a stage", () => {
    const text = "FROM --platform=$TARGETPLATFORM a:1 AS x\nFROM --platform=linux/s390x x\n";
    expect(pinned(text, {}, { ...none, platform: "linux/arm64" })).toBe("FROM docker.io/library/a:1 AS x\nFROM x\n");
  });
});

const files = [...corpus, ...dockerfileCases].map(({ text, options }) => ({ text, options: { ...none, ...options } }));

describe("pinDockerfile, on every file of the corpus and on files made of them", () => {
  const lines = files.flatMap(({ text }) => text.split(/(?<=\n)/));
  const made = fc.record({
    text: fc.array(fc.constantFrom(...lines), { maxLength: 12 }).map((some) => `FROM a:1 AS b\n${some.join("")}`),
    options: fc.constant(none),
  });

  it("reads the same images as before, each movable one by its digest, and twice is once", () => {
    let count = 0;
    const check = ({ text, options }: { text: string; options: DockerfileOptions }) => {
      const before = readDockerfile(text, options);
      if (!before.ok) {
        expect(pin(text, {}, options).ok).toBe(false);
        return;
      }
      const movable = before.facts.dependencies
        .filter((each) => !each.pinned)
        .map((each) => formatReference(each.reference));
      const digests = Object.fromEntries(movable.map((key) => [key, digest(key)]));
      const result = pin(text, digests, options);
      if (!result.ok) return;
      count++;
      const after = readDockerfile(result.text, options);
      if (!after.ok) throw new Error(after.message);
      const expected = before.facts.dependencies.map(({ reference, line, class: kind }) => {
        const to = digests[formatReference(reference)];
        const { registry, repository } = reference;
        return `${line} ${kind} ${to ? formatReference({ registry, repository, digest: to }) : formatReference(reference)}`;
      });
      expect(
        after.facts.dependencies.map((each) => `${each.line} ${each.class} ${formatReference(each.reference)}`),
      ).toEqual(expected);
      expect(after.facts.dependencies.every((each) => each.pinned)).toBe(true);
      expect(result.text.split("\n")).toHaveLength(text.split("\n").length);
      expect(pinned(result.text, digests, options)).toBe(result.text);
    };
    for (const file of files) check(file);
    expect(count).toBeGreaterThan(80);
    fc.assert(fc.property(made, check), { numRuns: 1000 });
  });

  it("is read by ACR's scanner, unless a line that is no FROM looks like one", () => {
    for (const { text, options } of files) {
      const result = pin(text, {}, options);
      if (!result.ok) continue;
      const scan = scanAsAcr(result.text, options.buildArgs, options.target ?? "");
      if (!scan.ok) expect(result.text).toMatch(/^\s*(FROM|ARG)\b(?! \S+( AS \S+)?$)/m);
    }
  });
});
