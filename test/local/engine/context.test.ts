import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Dockerignore } from "../../../local/engine/context/dockerignore.ts";
import { pathInRoot } from "../../../local/engine/context/path-in-root.ts";
import { readContext } from "../../../local/engine/context/read-context.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-context-"));
});
afterEach(() => rm(dir, { recursive: true }));

test.each([
  ["*.log", "a.log", true],
  ["*.log", "sub/a.log", false],
  ["**/*.log", "sub/deep/a.log", true],
  ["**/*.log", "a.log", true],
  ["node_modules", "node_modules/x/y", true],
  ["/dist/", "dist/x", true],
  ["a/../b", "b", true],
  ["temp?", "temp1", true],
  ["temp?", "temp/x", false],
  ["[a-c].txt", "b.txt", true],
  ["[^a-c].txt", "b.txt", false],
  ["# comment", "# comment", false],
  ["\\#x", "#x", true],
  ["*\n!keep", "keep", false],
  ["*\n!keep\nkeep", "keep", true],
  ["docs\n!docs/README.md", "docs/README.md", false],
  ["a.b", "aXb", false],
  ["[z-a]*", "zz", false],
  ["", "x", false],
])("%j and the path %s: ignored is %s", (rules, path, expected) => {
  expect(new Dockerignore(rules).ignores(path)).toBe(expected);
});

test.each(["[", "a/[", "[]", "!x\\"])("%j is no pattern, says the builder", (rule) => {
  expect(() => new Dockerignore(`*.log\n${rule}\n`)).toThrow("syntax error in pattern");
});

test("rules that are made to take for ever are given up", () => {
  const slow = new Dockerignore(`${"**a".repeat(1000)}b\n`.repeat(20));
  expect(slow.ignores("a".repeat(200))).toBe(false);
  expect(() => slow.ignores("a/".repeat(2000))).toThrow(/asking \.dockerignore about (a\/)+ takes too long/);
});

async function contextPaths(dockerfile: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of readContext(dir, dockerfile)) paths.push(path);
  return paths;
}

test("folders that hold something kept are listed, ignored ones are not", async () => {
  await mkdir(join(dir, "docs/empty"), { recursive: true });
  await mkdir(join(dir, "out/deep"), { recursive: true });
  for (const name of ["docs/README.md", "docs/x", "out/deep/y", "Dockerfile"]) await writeFile(join(dir, name), "");
  await writeFile(join(dir, ".dockerignore"), "docs\nout\n!docs/README.md\n");
  expect(await contextPaths("Dockerfile")).toEqual([".dockerignore", "Dockerfile", "docs", "docs/README.md"]);
  await writeFile(join(dir, "Dockerfile.dockerignore"), "*\n!out");
  const other = await contextPaths("Dockerfile");
  expect(other).toEqual(["out", "out/deep", "out/deep/y"]);
});

test("no path leads out of the root, whatever links there are", async () => {
  const root = join(dir, "root");
  await mkdir(join(root, "a/b"), { recursive: true });
  await symlink("/", join(root, "top"));
  await symlink("../../../../..", join(root, "a/up"));
  await symlink("/a/b", join(root, "absolute"));
  await symlink("loop", join(root, "loop"));
  expect(await pathInRoot(root, "absolute/x")).toBe("/a/b/x");
  expect(await pathInRoot(root, "a/up/a")).toBe("/a");
  expect(await pathInRoot(root, "top/top/absolute")).toBe("/a/b");
  expect(await pathInRoot(root, "absolute", { followLast: false })).toBe("/absolute");
  await expect(pathInRoot(root, "loop")).rejects.toThrow(/too many/);

  const part = fc.constantFrom("a", "b", "up", "top", "absolute", "..", ".", "", "none");
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
      const found = await pathInRoot(root, parts.join("/"));
      expect(found.split("/")).not.toContain("..");
      // Following the answer once more changes nothing: it has no links left.
      expect(await pathInRoot(root, found)).toBe(found);
    }),
  );
  expect(await readdir(dir)).toEqual(["root"]);
});
