import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { mask } from "../../src/mask.ts";
import { redact, safeCause } from "../../src/redact.ts";
import { parseRetryAfter } from "../../src/retry-after.ts";
import { Secret } from "../../src/secret.ts";

const jwt = `eyJhbGciOiJSUzI1NiJ9.${"a".repeat(40)}.${"b-_".repeat(20)}`;

const secrets = [
  ["a SAS", "PUT https://x.blob.core.windows.net/s/a.tar.gz?sv=2024&sig=hunter2%3D failed", "hunter2"],
  ["a SAS without its URL", "sv=2024&sig=hunter2", "hunter2"],
  ["a user in a URL", "clone https://x-access-token:hunter2@github.com/o/r.git", "hunter2"],
  ["an old installation token", `ghs_${"a1".repeat(18)} is bad`, "a1a1"],
  ["a new installation token", `token ghs_1234_${jwt}`, "b-_b"],
  ["a fine-grained token", "github_pat_11ABC_hunter2", "hunter2"],
  ["a bearer header", `authorization: Bearer ${"hunter2".repeat(4)}`, "hunter2"],
  ["a JWT alone", `got ${jwt}`, "b-_b"],
  ["a storage key", "AccountName=a;AccountKey=hunter2==;Endpoint=b", "hunter2"],
  ["what follows a JWT in a header", `Bearer ${jwt}~hunter2`, "hunter2"],
] as const;

describe("redact", () => {
  test.each(secrets)("takes out %s", (_what, text, secret) => {
    expect(redact(text)).not.toContain(secret);
    expect(redact(text)).toContain("***");
  });

  test.each(secrets)("and so does mask, at the same length: %s", (_what, text, secret) => {
    expect(mask(text)).not.toContain(secret);
    expect(mask(text)).toHaveLength(text.length);
  });

  test.each([
    "client with IP '1.2.3.4' is not allowed access. Refer https://aka.ms/acr/firewall to get help",
    "failed during run, err: exit status 1",
    "acme.azurecr.io/web@sha256:0123 answered 429",
  ])("leaves alone: %s", (text) => {
    expect(redact(text)).toBe(text);
  });

  test("is linear", () => {
    const started = performance.now();
    redact("https://".repeat(20_000));
    redact("a".repeat(200_000));
    redact(`https://${"a".repeat(200_000)}`);
    redact("eyJaaaaaaaa.".repeat(20_000));
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

test("a safe cause keeps name and code and drops everything else", () => {
  const inner = Object.assign(new Error("connect ECONNREFUSED https://a.example/?sig=hunter2"), {
    code: "ECONNREFUSED",
    request: { headers: { authorization: "hunter2" } },
  });
  const cause = safeCause(new TypeError("fetch failed", { cause: inner }));
  expect(cause.name).toBe("TypeError");
  expect(cause.cause).toMatchObject({ code: "ECONNREFUSED" });
  expect(inspect(cause, { depth: 9, showHidden: true })).not.toContain("hunter2");
});

test("a secret prints as ***", () => {
  const secret = new Secret("hunter2");
  const shown = [`${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true }), String(secret)];
  expect(shown.join()).not.toContain("hunter2");
  expect(Object.values(secret)).toEqual([]);
  expect(secret.expose()).toBe("hunter2");
});

test("Retry-After: seconds, dates, rubbish", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(parseRetryAfter("7", now)).toBe(7);
  expect(parseRetryAfter("0", now)).toBe(1);
  expect(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now)).toBe(30);
  expect(parseRetryAfter("999999", now)).toBe(3600);
  expect([null, undefined, "", "soon"].map((value) => parseRetryAfter(value, now))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
