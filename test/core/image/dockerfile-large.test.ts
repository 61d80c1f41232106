import { describe, expect, it } from "vitest";
import { readDockerfile } from "../../../src/core/image/dockerfile.ts";
import { preflight } from "../../../src/core/image/preflight.ts";
import { files, fill, oneLogicalLine } from "./dockerfile-files.ts";

describe("1 MiB is read in time, though what built-ins do inside is counted nowhere", () => {
  // With quadratic work (10^12 steps) these would not end.
  it.each(files.filter(([name]) => oneLogicalLine.has(name)))("when it is %s", (_, make) => {
    const text = make(1_000_000);
    expect(text.length).toBeGreaterThan(900_000);
    const result = preflight(text, { buildArgs: {} }, true);
    if (!result.ok) expect(result.message.length).toBeLessThan(500);
  });
});

describe("what costs far more than it is long", () => {
  it("variables that double each other are refused, not computed", () => {
    const text = `ARG A0=xxxxxxxxxxxxxxxx\n${fill(2000, (i) => `ARG A${i + 1}=$A${i}$A${i}\n`)}FROM $A50`;
    expect(readDockerfile(text, { buildArgs: {} })).toMatchObject({
      ok: false,
      message: expect.stringContaining("far more"),
    });
  });

  it("patterns on long values are refused, not computed", () => {
    const buildArgs = { A: "a".repeat(100_000) };
    const text = `ARG A\nFROM \${A//${"a*".repeat(1000)}b/x}`;
    expect(readDockerfile(text, { buildArgs })).toMatchObject({
      ok: false,
      message: expect.stringContaining("far more"),
    });
  });
});
