import { describe, expect, test } from "vitest";
import { parseImageReference } from "../../../../local/acr/task/reference.ts";
import {
  buildtimeReferences,
  requireReference,
  scanDependencies,
} from "../../../../local/acr/task/scan-dependencies.ts";

const scan = (dockerfile: string, buildArgs: string[] = [], target = "") =>
  scanDependencies(dockerfile, buildArgs, target);

describe("ACR's dependency scanner", () => {
  test.each([
    ["one stage", "FROM node:20\n", "node:20", []],
    ["a stage built on another", "FROM a AS x\nFROM b as y\nFROM x\n", "a", ["b"]],
    ["byte order mark, comments, quotes", '\uFEFF# hi\n  from "a:1"\n', "a:1", []],
    ["the first default of an ARG", "ARG V=1\nARG V=2\nFROM a:${V}\n", "a:1", []],
    ["an unknown variable", "FROM a$NONE\n", "a", []],
    ["alias lookup minds case", "FROM a AS X\nFROM x\n", "x", ["a"]],
    ["COPY --from and RUN --mount are not seen", "FROM a\nCOPY --from=b /x /x\nRUN --mount=from=c true\n", "a", []],
    ["a heredoc line is misread", "FROM a\nRUN <<E\nFROM b\nE\n", "b", ["a"]],
    ["words after the alias are ignored", "FROM a AS x # why\n", "a", []],
  ])("%s", (_, dockerfile, runtime, buildtime) => {
    expect(scan(dockerfile)).toEqual({ runtime, buildtime });
  });

  test("a build argument counts before a default", () => {
    expect(scan("ARG V=1\nFROM a:$V\n", ["V=3"]).runtime).toBe("a:3");
  });

  test("a target ends the scan", () => {
    expect(scan("FROM a AS x\nFROM b AS y\n", [], "x")).toEqual({ runtime: "a", buildtime: [] });
  });

  test.each([
    ["FROM --platform=linux/amd64 a\n", "unable to understand line FROM --platform=linux/amd64 a"],
    ["FROM --platform=linux/amd64 a AS b\n", "unable to understand line FROM --platform=linux/amd64 a AS b"],
    ["FROM a AS\n", "unable to understand line FROM a AS"],
    ["RUN true\n", "unexpected dockerfile format"],
  ])("%s fails the run", (dockerfile, problem) => {
    expect(() => scan(dockerfile)).toThrow(problem);
  });

  test("a build argument without a value is an error", () => {
    expect(() => scan("FROM a\n", ["V"])).toThrow("V cannot be split into 2 tokens with '='");
  });
});

describe("references in the dependency list", () => {
  test.each([
    ["node", { registry: "registry.hub.docker.com", repository: "library/node", tag: "latest" }],
    ["team/node:1", { registry: "registry.hub.docker.com", repository: "team/node", tag: "1" }],
    ["mcr.microsoft.com/dotnet/sdk:8.0", { registry: "mcr.microsoft.com", repository: "dotnet/sdk", tag: "8.0" }],
    ["127.0.0.1:5000/a/b", { registry: "127.0.0.1:5000", repository: "a/b", tag: "latest" }],
    ["localhost:5000/x:1", { registry: "registry.hub.docker.com", repository: "localhost:5000/x", tag: "1" }],
  ])("%s", (text, expected) => {
    expect(requireReference(text)).toMatchObject(expected);
  });

  test("a digest stays and takes no tag", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    expect(requireReference(`acme.azurecr.io/x@${digest}`)).not.toHaveProperty("tag");
    expect(requireReference(`acme.azurecr.io/x@${digest}`)).toMatchObject({ digest });
  });

  test.each(['"quoted:1"', "Upper/Case", "a:", "a b", ""])("%j is no reference", (text) => {
    expect(parseImageReference(text)).toBeUndefined();
  });

  test("doubles are folded after :latest and without library/", () => {
    const names = buildtimeReferences(["golang", "golang:latest", "library/golang", "b"]).map(
      ({ reference }) => reference,
    );
    expect(names).toEqual(["golang:latest", "b:latest"]);
  });
});
