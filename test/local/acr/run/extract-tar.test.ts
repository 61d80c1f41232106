import { statSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { extractTar } from "../../../../local/acr/run/extract-tar.ts";
import { type Entry, tarOf } from "./tar-of.ts";
import { underUmask } from "./under-umask.ts";

const limits = { bytes: 1000, entries: 20 };
let root: string;
let dir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "extract-"));
  dir = await mkdtemp(join(root, "in-"));
  await writeFile(join(root, "outside"), "untouched");
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function extractAll(...entries: Entry[]): Promise<void> {
  await extractTar(Readable.from([gzipSync(await tarOf(...entries))]), dir, limits);
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

test("gives files and folders the archive's modes, whatever our umask, and 0755 to folders it does not name", async () => {
  await underUmask(0o077, () =>
    extractAll(
      { name: "closed/", type: "directory", mode: 0o500 },
      { name: "closed/file", content: "x", mode: 0o666 },
      { name: "sticky/", type: "directory", mode: 0o1777 },
      { name: "suid", content: "x", mode: 0o4755 },
      { name: "implied/file", content: "x" },
    ),
  );
  const modes = ["closed", "closed/file", "sticky", "suid", "implied"].map(
    (name) => statSync(join(dir, name)).mode & 0o7777,
  );
  expect(modes).toEqual([0o500, 0o666, 0o1777, 0o4755, 0o755]);
  await chmod(join(dir, "closed"), 0o700);
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
  await expect(extractTar(Readable.from([Buffer.from("not gzip")]), dir, limits)).rejects.toThrow();
});

describe("an archive that is too large is refused", () => {
  test("for what its files hold, before that is written", async () => {
    const entries = [
      { name: "small", content: "x" },
      { name: "large", content: "x".repeat(1001) },
    ];
    await expect(extractAll(...entries)).rejects.toThrow(/more than 1000 bytes/);
    expect(await readdir(dir)).not.toContain("large");
  });

  test("for their number", async () => {
    const entries = Array.from({ length: 21 }, (_, at) => ({ name: `f${at}` }));
    await expect(extractAll(...entries)).rejects.toThrow(/more than 20 entries/);
    await extractAll(...entries.slice(1));
  });

  test("for a name that a reader would keep in memory", async () => {
    const wide = { bytes: 1e9, entries: 20 };
    const header = await tarOf({ name: "a", content: "x".repeat(70_000) });
    header[156] = "x".charCodeAt(0);
    await expect(extractTar(Readable.from([header]), dir, wide)).rejects.toThrow(/a header of 70000 bytes/);
  });

  test("for a size that its own header cannot say, with which we and the reader would see different archives", async () => {
    const entry = { name: "a", content: "x", pax: { size: "1" } };
    await expect(extractAll(entry)).rejects.toThrow(/too large for its own header/);
  });

  test("for a size in binary beyond all others, however the bytes come in", async () => {
    const header = await tarOf({ name: "a", content: "x" });
    header.fill(0xff, 124, 136);
    const bytes = [...header].map((byte) => Buffer.from([byte]));
    await expect(extractTar(Readable.from(bytes), dir, limits)).rejects.toThrow(/more than 1000 bytes/);
  });
});

test("leaves devices and pipes out, and unpacks what is around them", async () => {
  await extractAll(
    { name: "null", type: "character-device", devmajor: 1, devminor: 3 },
    { name: "pipe", type: "fifo" },
    { name: "file", content: "x" },
  );
  expect(await readdir(dir)).toEqual(["file"]);
});
