import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { extractTarGz } from "../../../../local/acr/run/extract-tar.ts";

let root: string;
let dir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "extract-"));
  dir = await mkdtemp(join(root, "in-"));
  await writeFile(join(root, "outside"), "untouched");
});
afterEach(() => rm(root, { recursive: true, force: true }));

type Entry = Partial<Header> & { name: string; content?: string };

async function extractAll(...entries: Entry[]): Promise<void> {
  const tar = pack();
  for (const { content, ...header } of entries) {
    tar.entry(header, content ?? "");
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  await extractTarGz(Readable.from([gzipSync(Buffer.concat(chunks))]), dir);
}

test("keeps contents, modes and links", async () => {
  await extractAll(
    { name: "a/", type: "directory" },
    { name: "a/run.sh", content: "#!/bin/sh\n", mode: 0o755 },
    { name: "a/link", type: "symlink", linkname: "/etc/passwd" },
    { name: "b/hard", type: "link", linkname: "a/run.sh" },
    { name: "./a/late", content: "2" },
  );
  expect(await readFile(join(dir, "b/hard"), "utf8")).toBe("#!/bin/sh\n");
  expect((await stat(join(dir, "a/run.sh"))).mode & 0o777).toBe(0o755);
  expect(await readlink(join(dir, "a/link"))).toBe("/etc/passwd");
  expect((await readdir(join(dir, "a"))).sort()).toEqual(["late", "link", "run.sh"]);
});

test("replaces a symlink instead of writing through it", async () => {
  await extractAll({ name: "x", type: "symlink", linkname: "../outside" }, { name: "x", content: "mine" });
  expect(await readFile(join(root, "outside"), "utf8")).toBe("untouched");
  expect(await readFile(join(dir, "x"), "utf8")).toBe("mine");
});

test.each<[string, Entry[]]>([
  ["a name that climbs out", [{ name: "../outside", content: "x" }]],
  ["an absolute name", [{ name: "/outside", content: "x" }]],
  [
    "a way through a symlink",
    [
      { name: "up", type: "symlink", linkname: ".." },
      { name: "up/outside", content: "x" },
    ],
  ],
  ["a hard link to outside", [{ name: "h", type: "link", linkname: "../outside" }]],
  [
    "a hard link through a symlink",
    [
      { name: "up", type: "symlink", linkname: ".." },
      { name: "h", type: "link", linkname: "up/outside" },
    ],
  ],
])("refuses %s", async (_, entries) => {
  await expect(extractAll(...entries)).rejects.toThrow(/leaves the archive|passes through/);
  expect(await readFile(join(root, "outside"), "utf8")).toBe("untouched");
});

test("refuses what is no archive", async () => {
  await expect(extractTarGz(Readable.from([Buffer.from("not gzip")]), dir)).rejects.toThrow();
});
