import { describe, expect, it } from "vitest";
import { preflight } from "../../../src/core/image/preflight.ts";

const run = (text: string, compat = false, platform = "linux/amd64") =>
  preflight(text, { buildArgs: {}, platform }, compat);

describe("preflight", () => {
  it.each([
    ["FROM --platform=linux/amd64 a:1", 1],
    ["ARG V\nFROM a:${V:-1}", 2],
    ["FROM \\\n a:1", 1],
    ["FROM a:$TARGETARCH AS b", 0],
    ["ARG R=x T=1\nFROM a:$T", 2],
  ])("refuses what ACR's scanner cannot read, and compat mends it: %s", (text, line) => {
    if (line > 0) expect(run(text)).toMatchObject({ ok: false, line, fix: expect.stringContaining("compat: true") });
    expect(run(text, true)).toMatchObject({ ok: true });
  });

  it("says within what a commit shows what was found and what mends it", () => {
    const refused = run(
      `# syntax=docker/dockerfile:1\nFROM --platform=linux/amd64 mcr.microsoft.com/dotnet/sdk:8.0 AS build`,
    );
    const { line, message, fix } = refused as Extract<typeof refused, { ok: false }>;
    const shown = `images/tools/Dockerfile line ${line}: ${message}; ${fix}`.slice(0, 140);
    expect(shown).toContain('ACR cannot read "FROM --platform=linux/amd64 mcr');
    expect(shown).toContain("set compat: true for the image");
  });

  it("refuses a line of SQL that the scanner cannot read, which compat leaves alone", () => {
    const text = "FROM a:1\nRUN psql -c 'SELECT x \\\n FROM users WHERE y'\n";
    for (const compat of [false, true])
      expect(run(text, compat)).toMatchObject({ ok: false, line: 3, fix: expect.stringContaining("ends the run") });
    expect(run(text, true)).toMatchObject({ fix: expect.stringContaining("FROM instructions only") });
  });

  it("only notes what the scanner misreads and survives", () => {
    expect(run("FROM a:1\nRUN <<E\nFROM b:1\nE\n")).toMatchObject({ ok: true, notes: [{ line: 3 }] });
  });

  it("refuses an instruction that nobody knows, unless the file brings its frontend", () => {
    expect(run("FROM a\nINCLUDE b")).toMatchObject({ ok: false, line: 2 });
    expect(run("# syntax=acme/include\nFROM a\nINCLUDE b")).toMatchObject({ ok: true, notes: [{ line: 3 }] });
  });

  it("says nothing of BuildKit, which Slipway turns on, but on Windows, which has none", () => {
    const text = "FROM a\nRUN --mount=type=cache,target=/c true";
    expect(run(text)).toMatchObject({ ok: true, notes: [] });
    expect(run(text, false, "windows/amd64")).toMatchObject({ ok: true, notes: [{ line: 2 }] });
  });

  it("refuses with compat what compat cannot keep", () => {
    expect(run("FROM --platform=linux/arm64 a", true)).toMatchObject({ ok: false, line: 1 });
  });
});
