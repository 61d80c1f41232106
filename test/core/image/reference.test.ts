import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatReference, isPinned, parseReference, type Reference } from "../../../src/core/image/reference.ts";
import { repositoryProblem } from "../../../src/core/image/repository.ts";

const hex = "0123456789abcdef".repeat(4);

describe("parseReference", () => {
  it.each([
    ["node", "docker.io/library/node:latest"],
    ["node:20", "docker.io/library/node:20"],
    ["bitnami/redis", "docker.io/bitnami/redis:latest"],
    ["library/node", "docker.io/library/node:latest"],
    ["docker.io/node", "docker.io/library/node:latest"],
    ["index.docker.io/node", "docker.io/library/node:latest"],
    ["registry-1.docker.io/library/node", "docker.io/library/node:latest"],
    ["registry.hub.docker.com/library/node:1", "docker.io/library/node:1"],
    ["Docker.IO/node", "docker.io/library/node:latest"],
    ["a.b/c", "a.b/c:latest"],
    ["ACME.azurecr.io/web/api:v1", "acme.azurecr.io/web/api:v1"],
    ["localhost/x", "localhost/x:latest"],
    ["host:5000/x", "host:5000/x:latest"],
    ["foo:5000", "docker.io/library/foo:5000"],
    ["foo:5000/x", "foo:5000/x:latest"],
    ["localhost:5000", "docker.io/library/localhost:5000"],
    ["[::1]:5000/x", "[::1]:5000/x:latest"],
    ["[2001:DB8::1]/x", "[2001:db8::1]/x:latest"],
    ["127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest"],
    [`x:tag@sha256:${hex}`, `docker.io/library/x@sha256:${hex}`],
    [`a.b/x@sha256:${hex}`, `a.b/x@sha256:${hex}`],
    [`x@sha512:${hex}${hex}`, `docker.io/library/x@sha512:${hex}${hex}`],
    ["a__b", "docker.io/library/a__b:latest"],
    ["a---b", "docker.io/library/a---b:latest"],
    ["a.b_c-d", "docker.io/library/a.b_c-d:latest"],
    [`x:${"t".repeat(128)}`, `docker.io/library/x:${"t".repeat(128)}`],
    ["x:_a", "docker.io/library/x:_a"],
    ["x:Tag", "docker.io/library/x:Tag"],
    [`a.b/${"p".repeat(255)}`, `a.b/${"p".repeat(255)}:latest`],
  ])("%s is %s", (text, canonical) => {
    const result = parseReference(text);
    expect(result.ok ? formatReference(result.reference) : result.message).toBe(canonical);
  });

  it.each([
    ["", "empty"],
    ["Foo/x", "lower case"],
    ["LOCALHOST/x", "lower case"],
    ["a.b/Foo", "lower case"],
    ["a___b", "valid part"],
    ["a..b", "valid part"],
    ["-a", "valid part"],
    ["a_", "valid part"],
    ["a//b", "empty part"],
    ["/a", "empty part"],
    ["a.b/", "names no repository"],
    [":5000", "names no repository"],
    [`x:${"t".repeat(129)}`, "not a tag"],
    ["x:", "not a tag"],
    ["x:.a", "not a tag"],
    ["x:a:b", "not a tag"],
    ["x:-a", "not a tag"],
    ["x@sha256:abc", "not a digest"],
    [`x@sha256:${hex.toUpperCase()}`, "not a digest"],
    [`x@md5:${hex}`, "not a digest"],
    [`x@${hex}`, "not a digest"],
    [`x@sha256:${hex}@sha256:${hex}`, "not a digest"],
    ["x@constructor:", "not a digest"],
    [hex, "image id"],
    ["${X}/y", "variable"],
    ["https://a.b/x", "scheme"],
    ["user:pass@reg/x", "credentials"],
    ["a_b.c/x", "registry host"],
    ["-a.b/x", "registry host"],
    ["a..b/x", "registry host"],
    ["host:99999/x", "registry host"],
    ["[::1/x", "registry host"],
    ["a b", "valid part"],
    ["a\n", "valid part"],
    ["a.b/c\n", "valid part"],
    ["ä", "valid part"],
    [`a.b/${"p".repeat(256)}`, "255"],
    [`library/${"p".repeat(250)}`, "255"],
    ["a".repeat(100_000), "longer than"],
    [`${"a".repeat(260)}.b/x`, "registry host"],
  ])("%j is refused: %s", (text, part) => {
    expect(parseReference(text)).toMatchObject({ ok: false, message: expect.stringContaining(part) });
  });

  it("reads its own canonical text back", () => {
    fc.assert(
      fc.property(references, (reference) => {
        expect(parseReference(formatReference(reference))).toEqual({ ok: true, reference });
      }),
    );
  });

  it("gives different references different texts", () => {
    fc.assert(
      fc.property(references, references, (a, b) => {
        expect(formatReference(a) === formatReference(b)).toBe(sameReference(a, b));
      }),
    );
  });

  it("accepts nothing that its canonical form does not say", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."aB0.:/@-_[$ ", "localhost", "docker.io") }), (text) => {
        const first = parseReference(text);
        if (!first.ok) return;
        expect(parseReference(formatReference(first.reference))).toEqual(first);
        expect(first.reference.tag === undefined).toBe(isPinned(first.reference));
      }),
      { numRuns: 2000 },
    );
  });

  it("takes linear time where backtracking grammars do not", () => {
    const inputs = [`${"a".repeat(500)}!`, `${"a-".repeat(400)}!`, `${"a_".repeat(400)}@bad`, `${"a.".repeat(100)}!/x`];
    for (const input of inputs) expect(parseReference(input).ok).toBe(false);
  });
});

describe("repositoryProblem", () => {
  it.each(["a", "platform/node-base", "a/b/c__d", "x".repeat(255)])("accepts %s", (text) => {
    expect(repositoryProblem(text)).toBeUndefined();
  });

  it.each(["", "A", "a:1", "a/", "/a", "a.b:5000/c", "a@b", "a b", "a\n", "x".repeat(256)])("refuses %j", (text) => {
    expect(repositoryProblem(text)).toBeTypeOf("string");
  });
});

const component = fc.stringMatching(/^[a-z0-9]{1,6}([._-][a-z0-9]{1,4}){0,2}$/);
const host = fc.oneof(
  fc.constantFrom("docker.io", "localhost", "[::1]:5000", "acme.azurecr.io"),
  fc.stringMatching(/^[a-z][a-z0-9]{0,5}(\.[a-z]{2,4}){1,2}(:[1-9][0-9]{1,3})?$/),
);
const version = fc.oneof(
  fc.record({ tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,10}$/) }),
  fc.record({ digest: fc.stringMatching(/^sha256:[0-9a-f]{64}$/) }),
);
const references: fc.Arbitrary<Reference> = fc
  .tuple(host, fc.array(component, { minLength: 1, maxLength: 3 }), version)
  .map(([registry, path, rest]) => ({
    registry,
    repository: registry === "docker.io" && path.length === 1 ? `library/${path[0]}` : path.join("/"),
    ...rest,
  }));

function sameReference(a: Reference, b: Reference): boolean {
  return a.registry === b.registry && a.repository === b.repository && a.tag === b.tag && a.digest === b.digest;
}
