import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { extract, type Header, pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { PermanentError, TransientError } from "../../src/errors.ts";
import { streamContext } from "../../src/source-context/context-stream.ts";

type Item = Partial<Header> & { name: string; body?: string | Buffer };

const top = "acme-web-3f2c1e9";

async function archive(items: readonly Item[]): Promise<Buffer> {
  const packed = pack();
  for (const { body, ...header } of items) packed.entry(header, body ?? "");
  packed.finalize();
  return gzipSync(await buffer(packed as unknown as Readable), { level: 1 });
}

async function unpack(stream: Readable): Promise<Record<string, { header: Header; text: string }>> {
  const unpacked = extract();
  unpacked.end(gunzipSync(await buffer(stream)));
  const entries: Record<string, { header: Header; text: string }> = {};
  for await (const entry of unpacked)
    entries[entry.header.name] = {
      header: entry.header,
      text: (await buffer(entry as unknown as Readable)).toString(),
    };
  return entries;
}

async function build(items: readonly Item[], options: { context?: string; dockerfile?: string } = {}) {
  const { context = "", dockerfile = "Dockerfile" } = options;
  return streamContext({ tarball: Readable.from(await archive(items)), contextPrefix: context, dockerfile });
}

async function failure(items: readonly Item[], options: { context?: string; dockerfile?: string } = {}) {
  const { stream, done } = await build(items, options);
  const errors = await Promise.allSettled([buffer(stream), done]);
  const [fromStream, fromDone] = errors.map((result) => (result.status === "rejected" ? result.reason : undefined));
  expect(fromStream).toBe(fromDone);
  return fromDone;
}

const dockerfile: Item = { name: `${top}/Dockerfile`, body: "FROM scratch\n" };

describe("streamContext", () => {
  test("drops the top folder and re-roots the context folder", async () => {
    const { stream, done } = await build(
      [
        { name: `${top}/`, type: "directory" },
        { name: `${top}/README.md`, body: "no" },
        { name: `${top}/images/`, type: "directory" },
        { name: `${top}/images/base/`, type: "directory" },
        { name: `${top}/images/base/Dockerfile`, body: "FROM scratch\n" },
        { name: `${top}/images/base/run.sh`, body: "#!/bin/sh\n", mode: 0o700, uid: 12, uname: "joe" },
        { name: `${top}/images/base/conf/a.json`, body: "{}", mode: 0o600 },
        { name: `${top}/images/base-two/Dockerfile`, body: "FROM nope\n" },
      ],
      { context: "./images/base/" },
    );
    const entries = await unpack(stream);
    expect(Object.keys(entries).sort()).toEqual(["Dockerfile", "conf/a.json", "run.sh"]);
    expect(entries["run.sh"]!.header).toMatchObject({ mode: 0o755, uid: 0, gid: 0, uname: "" });
    expect(entries["conf/a.json"]!.header.mode).toBe(0o644);
    expect(entries.Dockerfile!.text).toBe("FROM scratch\n");
    await expect(done).resolves.toEqual({ files: 3, bytes: 13 + 10 + 2 });
  });

  test("the same commit gives the same bytes", async () => {
    const items = [dockerfile, { name: `${top}/a`, body: "x", mtime: new Date(1_700_000_000_000) }].map((item) => ({
      mtime: new Date(1_700_000_000_000),
      ...item,
    }));
    const [first, second] = await Promise.all([build(items), build(items)]);
    expect(await buffer(first.stream)).toEqual(await buffer(second.stream));
  });

  test("leaves .git out, at any depth and in any case, and keeps .gitignore", async () => {
    const { stream } = await build([
      dockerfile,
      { name: `${top}/.git/config`, body: "token" },
      { name: `${top}/sub/.GIT`, body: "gitdir: x" },
      { name: `${top}/.gitignore`, body: "dist" },
    ]);
    expect(Object.keys(await unpack(stream))).toEqual(["Dockerfile", ".gitignore"]);
  });

  test("keeps links that stay inside", async () => {
    const { stream } = await build([
      dockerfile,
      { name: `${top}/a/b/link`, type: "symlink", linkname: "../../Dockerfile" },
      { name: `${top}/dangling`, type: "symlink", linkname: "not/there" },
    ]);
    const entries = await unpack(stream);
    expect(entries["a/b/link"]!.header).toMatchObject({ type: "symlink", linkname: "../../Dockerfile" });
    expect(entries.dangling!.header.linkname).toBe("not/there");
  });

  test.each<[string, Item]>([
    ["a link above the context", { name: `${top}/a/link`, type: "symlink", linkname: "../../etc" }],
    ["an absolute link", { name: `${top}/link`, type: "symlink", linkname: "/etc/passwd" }],
    ["a hard link", { name: `${top}/hard`, type: "link", linkname: `${top}/Dockerfile` }],
    ["a device", { name: `${top}/null`, type: "character-device", devmajor: 1, devminor: 3 }],
    ["a fifo", { name: `${top}/pipe`, type: "fifo" }],
    ["a climbing name", { name: `${top}/../../etc/cron.d/x`, body: "x" }],
    ["an absolute name", { name: "/etc/cron.d/x", body: "x" }],
  ])("refuses %s", async (_what, item) => {
    expect(await failure([dockerfile, item])).toMatchObject({ code: "unsafe-path" });
  });

  test("a link out of the context is no matter when the context is another folder", async () => {
    const { stream } = await build(
      [
        { name: `${top}/other/link`, type: "symlink", linkname: "/etc" },
        { name: `${top}/web/Dockerfile`, body: "FROM scratch" },
      ],
      { context: "web" },
    );
    expect(Object.keys(await unpack(stream))).toEqual(["Dockerfile"]);
  });

  test("a link to a sibling of the context leaves it", async () => {
    const items: Item[] = [
      { name: `${top}/web/Dockerfile`, body: "FROM scratch" },
      { name: `${top}/web/link`, type: "symlink", linkname: "../shared" },
    ];
    expect(await failure(items, { context: "web" })).toMatchObject({ code: "unsafe-path" });
    const { stream } = await build(items, { context: ".", dockerfile: "web/Dockerfile" });
    expect(Object.keys(await unpack(stream))).toContain("web/link");
  });

  test("says which Dockerfile is missing, and where", async () => {
    const error = await failure([dockerfile], { dockerfile: "docker/Prod.Dockerfile" });
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({
      code: "dockerfile-missing",
      message: expect.stringContaining("docker/Prod.Dockerfile"),
    });
  });

  test("a folder named like the Dockerfile is none", async () => {
    const items: Item[] = [
      { name: `${top}/Dockerfile/`, type: "directory" },
      { name: `${top}/Dockerfile/x`, body: "" },
    ];
    expect(await failure(items)).toMatchObject({ code: "dockerfile-missing" });
  });

  test("says that the context folder is missing", async () => {
    expect(await failure([dockerfile], { context: "images/gone" })).toMatchObject({ code: "context-missing" });
  });

  test("a context outside the repository is refused", async () => {
    expect(await failure([dockerfile], { context: "../other" })).toMatchObject({ code: "unsafe-path" });
  });

  test("limits bytes by what headers announce and entries by number", async () => {
    const tarball = await archive([dockerfile, { name: `${top}/big`, body: randomBytes(5000) }]);
    const limited = (maxBytes: number, maxEntries: number) =>
      streamContext({
        tarball: Readable.from(tarball),
        contextPrefix: "",
        dockerfile: "Dockerfile",
        limits: { maxBytes, maxEntries },
      });
    const tooManyBytes = limited(4096, 10);
    await expect(buffer(tooManyBytes.stream)).rejects.toMatchObject({ code: "context-too-large" });
    const tooManyEntries = limited(10_000, 1);
    await expect(buffer(tooManyEntries.stream)).rejects.toMatchObject({ code: "context-too-large" });
    const fits = limited(5013, 2);
    await buffer(fits.stream);
    await expect(fits.done).resolves.toEqual({ files: 2, bytes: 5013 });
  });

  test("a download cut short is transient and never a smaller context", async () => {
    const whole = await archive([dockerfile, { name: `${top}/data`, body: randomBytes(200_000) }]);
    const { stream, done } = streamContext({
      tarball: Readable.from([whole.subarray(0, whole.length - 5000)]),
      contextPrefix: "",
      dockerfile: "Dockerfile",
    });
    await expect(buffer(stream)).rejects.toBeInstanceOf(TransientError);
    await expect(done).rejects.toBeInstanceOf(TransientError);
  });

  test("a failing download ends the stream with a transient error", async () => {
    const whole = await archive([dockerfile, { name: `${top}/data`, body: randomBytes(200_000) }]);
    const tarball = Readable.from(
      (async function* () {
        yield whole.subarray(0, 1000);
        throw new Error("socket hang up https://codeload.example/x?token=abc");
      })(),
    );
    const { stream } = streamContext({ tarball, contextPrefix: "", dockerfile: "Dockerfile" });
    const error = await buffer(stream).catch((reason) => reason);
    expect(error).toBeInstanceOf(TransientError);
    expect(String(error.cause)).not.toContain("abc");
  });

  test("what is not a gzip archive is transient", async () => {
    const { stream } = streamContext({
      tarball: Readable.from([Buffer.from("<html>busy</html>")]),
      contextPrefix: "",
      dockerfile: "Dockerfile",
    });
    await expect(buffer(stream)).rejects.toBeInstanceOf(TransientError);
  });

  test("a reader that goes away stops the download", async () => {
    let sent = 0;
    const big = randomBytes(1024 * 1024);
    const items: Item[] = [dockerfile];
    for (let index = 0; index < 12; index++) items.push({ name: `${top}/f${index}`, body: big });
    const whole = await archive(items);
    const source = Readable.from(
      (function* () {
        for (let offset = 0; offset < whole.length; offset += 65536) {
          sent += 1;
          yield whole.subarray(offset, offset + 65536);
        }
      })(),
    );
    const { stream, done } = streamContext({ tarball: source, contextPrefix: "", dockerfile: "Dockerfile" });
    stream.once("data", () => stream.destroy());
    await expect(done).rejects.toThrow();
    expect(source.destroyed).toBe(true);
    expect(sent * 65536).toBeLessThan(whole.length / 2);
  });

  test("a reader that waits holds the download back", async () => {
    let sent = 0;
    const big = randomBytes(1024 * 1024);
    const items: Item[] = [dockerfile];
    for (let index = 0; index < 12; index++) items.push({ name: `${top}/f${index}`, body: big });
    const whole = await archive(items);
    const source = Readable.from(
      (function* () {
        for (let offset = 0; offset < whole.length; offset += 65536) {
          sent += 65536;
          yield whole.subarray(offset, offset + 65536);
        }
      })(),
    );
    const { stream, done } = streamContext({ tarball: source, contextPrefix: "", dockerfile: "Dockerfile" });
    let before = 0;
    const hasStopped = () => {
      const stopped = sent > 0 && sent === before;
      before = sent;
      return stopped;
    };
    await expect.poll(hasStopped, { interval: 150 }).toBe(true);
    expect(sent).toBeLessThan(5 * 1024 * 1024);
    expect((await buffer(stream)).length).toBeGreaterThan(12 * 1024 * 1024);
    await expect(done).resolves.toMatchObject({ files: 13 });
  });

  test("thousands of empty entries pass", async () => {
    const items: Item[] = [dockerfile];
    for (let index = 0; index < 5000; index++) items.push({ name: `${top}/d${index}/`, type: "directory" });
    const { stream, done } = await build(items);
    expect(Object.keys(await unpack(stream))).toHaveLength(5001);
    await expect(done).resolves.toEqual({ files: 1, bytes: 13 });
  });

  test("long names and large text survive", async () => {
    const long = `${"deep/".repeat(60)}file.txt`;
    const { stream } = await build([dockerfile, { name: `${top}/${long}`, body: "é".repeat(100_000) }]);
    const entries = await unpack(stream);
    expect(entries[long]!.text).toBe("é".repeat(100_000));
  });
});

describe("streamContext, with the Dockerfile rewritten", () => {
  const rewrite = async (body: string | Buffer, to: (text: string) => string, header: Partial<Header> = {}) =>
    streamContext({
      tarball: Readable.from(
        await archive([
          { name: `${top}/a/Dockerfile`, body: "FROM other\n" },
          { name: `${top}/Dockerfile`, ...header, body },
          { name: `${top}/z`, body: "z" },
        ]),
      ),
      contextPrefix: "",
      dockerfile: "./Dockerfile",
      rewrite: to,
    });

  test("sends the new text and every other file as it is", async () => {
    const { stream, done } = await rewrite("\uFEFFFROM a\n", (text) => `${text}# ${"ü".repeat(100_000)}\n`);
    const entries = await unpack(stream);
    expect(entries.Dockerfile?.text).toBe(`\uFEFFFROM a\n# ${"ü".repeat(100_000)}\n`);
    expect([entries["a/Dockerfile"]?.text, entries.z?.text]).toEqual(["FROM other\n", "z"]);
    expect(await done).toMatchObject({ files: 3, bytes: 200_025 });
  });

  test.each([
    ["bytes that are no text", Buffer.from([0x46, 0xff]), {}, "UTF-8"],
    ["a link", "", { type: "symlink", linkname: "z" } as const, "link"],
    ["far too much", Buffer.alloc(5 * 1024 * 1024, 0x20), {}, "too large"],
  ])("refuses %s", async (_, body, header, message) => {
    const { stream, done } = await rewrite(body, (text) => text, header);
    const errors = await Promise.allSettled([buffer(stream), done]);
    for (const error of errors) expect(error).toMatchObject({ reason: { message: expect.stringContaining(message) } });
  });

  test("fails with what the rewriting throws", async () => {
    const fault = new PermanentError("dockerfile-invalid", "no");
    const { stream, done } = await rewrite("FROM a\n", () => {
      throw fault;
    });
    const errors = await Promise.allSettled([buffer(stream), done]);
    for (const error of errors) expect(error).toMatchObject({ reason: fault });
  });
});
