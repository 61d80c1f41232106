import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { verifySignature } from "../../src/github/verify-signature.ts";
import { Secret } from "../../src/secret.ts";

const sign = (secret: string, body: Uint8Array) => `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
const body = Buffer.from("Hello, World!");
const secret = new Secret("It's a Secret to Everybody");
const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

describe("verifySignature", () => {
  test("GitHub's own example", () => {
    expect(verifySignature([secret], body, signature)).toBe(true);
  });
  test("any of the secrets will do, in any place", () => {
    const other = new Secret("another secret");
    expect(verifySignature([other, secret], body, signature)).toBe(true);
    expect(verifySignature([secret, other], body, signature)).toBe(true);
    expect(verifySignature([other], body, signature)).toBe(false);
  });
  test("no secret, or an empty one, accepts nothing", () => {
    expect(verifySignature([], body, signature)).toBe(false);
    expect(verifySignature([new Secret("")], body, sign("", body))).toBe(false);
  });
  test("bytes that are no UTF-8 count as they are", () => {
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0xff, 0xfe, 0x00]);
    expect(verifySignature([secret], bytes, sign(secret.expose(), bytes))).toBe(true);
    const decoded = Buffer.from(bytes.toString("utf8"));
    expect(verifySignature([secret], decoded, sign(secret.expose(), bytes))).toBe(false);
  });
  test.each([
    ["none", undefined],
    ["empty", ""],
    ["another algorithm", signature.replace("sha256", "sha1")],
    ["upper case", signature.toUpperCase().replace("SHA256", "sha256")],
    ["too short", signature.slice(0, -1)],
    ["too long", `${signature}0`],
    ["a line break behind", `${signature}\n`],
    ["two in one", `${signature},${signature}`],
    ["not hex", `sha256=${"g".repeat(64)}`],
    ["off by one bit", signature.replace(/7$/, "6")],
  ])("refuses a header that is %s", (_what, header) => {
    expect(verifySignature([secret], body, header)).toBe(false);
  });
});
