import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseChallenges } from "../../src/oci/challenge.ts";

const read = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => ({ scheme, ...Object.fromEntries(parameters) }));

describe("parseChallenges", () => {
  test.each<[string, object[]]>([
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/node:pull"',
      [
        {
          scheme: "bearer",
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:library/node:pull",
        },
      ],
    ],
    [
      'BEARER Realm="https://a/t" , Scope="repository:x:pull,push"',
      [{ scheme: "bearer", realm: "https://a/t", scope: "repository:x:pull,push" }],
    ],
    ["bearer realm=https://a/t,service=a", [{ scheme: "bearer", realm: "https://a/t", service: "a" }]],
    ['Basic realm="a \\"b\\", c"', [{ scheme: "basic", realm: 'a "b", c' }]],
    [
      'Basic realm="x", Bearer realm="https://a/t",service="s"',
      [
        { scheme: "basic", realm: "x" },
        { scheme: "bearer", realm: "https://a/t", service: "s" },
      ],
    ],
    ["Negotiate, Basic realm=x", [{ scheme: "negotiate" }, { scheme: "basic", realm: "x" }]],
    ["NTLM TlRMTVNTUAAC==, Basic realm=x", [{ scheme: "ntlm" }, { scheme: "basic", realm: "x" }]],
    ['Bearer realm="first",realm="second"', [{ scheme: "bearer", realm: "first" }]],
    ['Bearer realm="unterminated', [{ scheme: "bearer" }]],
    ['realm="no scheme"', []],
    ["", []],
  ])("%s", (header, expected) => {
    expect(read(header)).toEqual(expected);
  });

  test("any quoted values come back, whatever they hold", () => {
    const value = fc.string({ unit: "grapheme-ascii", maxLength: 30 });
    fc.assert(
      fc.property(value, value, (realm, scope) => {
        const quote = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
        const header = `Bearer realm=${quote(realm)}, scope=${quote(scope)}`;
        expect(read(header)).toEqual([{ scheme: "bearer", realm, scope }]);
      }),
    );
  });

  test("ends on any text, in time", () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => parseChallenges(text).length <= text.length));
    const started = performance.now();
    parseChallenges("a ".repeat(20_000));
    parseChallenges("=".repeat(40_000));
    parseChallenges('a="\\'.repeat(10_000));
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
