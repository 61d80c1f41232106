import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../src/core/image/sha256.ts";
import { utf8Bytes } from "../../../src/core/image/utf8.ts";
import { codePoint } from "./code-point.ts";

describe("sha256Hex", () => {
  it("gives the empty text its well-known digest", () => {
    expect(sha256Hex(new Uint8Array())).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  it("agrees with node:crypto at every length around the block borders", () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff);
      expect(sha256Hex(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
    }
  });

  it("agrees with node:crypto on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(sha256Hex(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
      }),
    );
  });
});

describe("utf8Bytes", () => {
  it("agrees with Buffer on well-formed text", () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint }), (text) => {
        expect(Buffer.from(utf8Bytes(text))).toEqual(Buffer.from(text, "utf8"));
      }),
    );
  });

  it("keeps lone surrogates apart", () => {
    expect(utf8Bytes("\ud800")).not.toEqual(utf8Bytes("\ud801"));
  });
});
