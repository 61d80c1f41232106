import { describe, expect, it } from "vitest";
import { lastWords, stripControl } from "../../src/handlers/last-words.ts";

const closing = [
  "2026/11/23 12:00:09 Container failed during run: build. No retries remaining.",
  "failed to run step ID: build: exit status 1",
  "",
  "Run ID: cf1 failed after 9s. Error: failed during run, err: exit status 1",
];

describe("the last words of a failed log", () => {
  it("are the build's own, before ACR's closing lines", () => {
    const log = [
      "2026/11/23 12:00:01 Downloading source code...",
      "Step 2/2 : RUN make",
      "make: *** no rule",
      ...closing,
    ];
    expect(lastWords(log.join("\r\n"))).toBe("make: *** no rule");
  });

  it("are none where the build said nothing", () => {
    expect(lastWords(closing.join("\n"))).toBeUndefined();
    expect(lastWords("")).toBeUndefined();
  });

  it("forge nothing: colours, cursor moves and direction marks are gone", () => {
    expect(lastWords("\u001b[31merror:\u001b[0m \u202egnp.exe\u0007 missing\u001b[2K")).toBe("error: gnp.exe missing");
    expect(stripControl("a\u001b[1;31mb\u2066c\u0000\td\ne")).toBe("abc\td\ne");
  });

  it("hold no secret and are short", () => {
    expect(lastWords(`fatal: https://u:${"p".repeat(20)}@host/x refused`)).not.toContain("ppp");
    expect(lastWords("x ".repeat(1000))?.length).toBe(300);
  });
});
