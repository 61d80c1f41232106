import { execFileSync } from "node:child_process";
import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { chmod, copyFile, mkdir, readlink, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { pack } from "tar-stream";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { applyEntries } from "../../../local/engine/built-in/apply-layer.ts";
import type { LayerEntry } from "../../../local/engine/built-in/layer-entry.ts";
import { neededStages } from "../../../local/engine/built-in/needed-stages.ts";
import { readTar } from "../../../local/engine/built-in/read-layer.ts";
import { tool } from "../../../local/engine/built-in/tool.ts";
import { writeLayer } from "../../../local/engine/built-in/write-layer.ts";
import { Folder } from "../../../local/engine/context/folder.ts";
import { readContext } from "../../../local/engine/context/read-context.ts";
import { EngineError } from "../../../local/engine/engine.ts";
import { BlobFiles } from "../../../local/registry/blob-files.ts";
import { mediaTypes } from "../../../local/registry/media-types.ts";
import { built, builtInWorld, fileIn } from "./built-in-world.ts";
import { attemptsOnTheMachine, canSandbox, filesOf, type World } from "./support.ts";

const running = test.skipIf(!canSandbox);
const needs = "(needs Linux namespaces)";
const scratch = (...lines: string[]) => ["FROM scratch", ...lines].join("\n");

let world: World;
/** Beside everything the engine works in; no test may change it, and no image may hold what it says. */
let outside: string;
beforeAll(async () => {
  world = await builtInWorld();
  outside = join(world.dir, "outside");
  await mkdir(outside);
});
afterAll(() => world.remove());
beforeEach(async () => {
  await rm(outside, { recursive: true });
  await mkdir(outside);
  await writeFile(join(outside, "file"), "secret of the machine");
});

function expectOutsideUntouched(): void {
  expect(readdirSync(outside)).toEqual(["file"]);
  expect(readFileSync(join(outside, "file"), "utf8")).toBe("secret of the machine");
  const { mode, nlink } = statSync(join(outside, "file"));
  expect([mode & 0o777, nlink]).toEqual([0o644, 1]);
}

/** What lies below a folder. Not with `recursive`, which on Node 24 walks through some links and out of the folder. */
function everything(folder: string): Dirent[] {
  const here = readdirSync(folder, { withFileTypes: true });
  return here.flatMap((one) => (one.isDirectory() ? [one, ...everything(join(folder, one.name))] : [one]));
}

test("no archive writes, links or takes anything outside, whatever its entries are", async () => {
  const up = "../".repeat(12);
  const name = fc.constantFrom("a", "b", "a/b", "a/b/c", "./a", "/a/b/c", "a/../b", ".wh.a", "b/.wh..wh..opq", "a\nb");
  const target = fc.constantFrom("a", "b", "/", "..", "OUTSIDE", "OUTSIDE/file", `${up}OUTSIDE/file`, "a/file", "a/b");
  const type = fc.constantFrom("file", "directory", "symlink", "symlink", "link", "character-device", "fifo");
  const entry = fc.record({ name, type, linkname: target, mode: fc.constantFrom(0o644, 0o4755, 0o1777, 0o500) });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 8 }), async (entries) => {
      const archive = pack();
      for (const one of entries) {
        const linkname = one.linkname.replace("OUTSIDE", outside);
        archive.entry(
          { ...one, linkname } as Parameters<typeof archive.entry>[0],
          one.type === "file" ? "written" : "",
        );
      }
      archive.finalize();
      const root = join(world.dir, "unpacked");
      await rm(root, { recursive: true, force: true });
      await mkdir(root);
      await applyEntries(root, readTar(archive as unknown as Readable)).catch((error: Error) => {
        expect(error instanceof EngineError || "syscall" in error).toBe(true);
      });
      expectOutsideUntouched();
      const made = everything(root);
      expect(made.filter((one) => !one.isFile() && !one.isDirectory() && !one.isSymbolicLink())).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test("an archive unpacks to so much and no more", async () => {
  const archive = pack();
  for (const name of ["a", "b"]) archive.entry({ name }, "x".repeat(600));
  archive.finalize();
  const entries = readTar(archive as unknown as Readable, undefined, { bytes: 1000, entries: 100 });
  await expect(applyEntries(join(world.dir, "bomb"), entries)).rejects.toThrow(/more than 1000 bytes unpacked/);
});

test("an image whose configuration is none fails the build plainly", async () => {
  const { store } = world.registry;
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, layers: [] };
  for (const [at, text] of [
    "[]",
    "no JSON",
    '{"config":{"Env":"A=1"}}',
    '{"config":{"OnBuild":[1]}}',
    '{"config":{"Volumes":{"/a":1}}}',
    '{"history":{},"rootfs":{"diff_ids":1}}',
  ].entries()) {
    const { digest, size } = await store.putBlob("odd", Buffer.from(text));
    const config = { mediaType: mediaTypes.ociConfig, digest, size };
    const bytes = Buffer.from(JSON.stringify({ ...manifest, config }));
    await store.putManifest("odd", `v${at}`, mediaTypes.ociManifest, bytes);
    const from = `FROM ${world.reference(`odd:v${at}`)}\nENV X=1\n`;
    const failure = await world.build(`of-odd:v${at}`, { Dockerfile: from }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineError);
    expect((failure as Error).message).toContain("the configuration of odd is not an image's");
  }
});

test("no archive keeps a build busy for ever, or fills the memory", async () => {
  const zeros = new Readable({
    read() {
      this.push(Buffer.alloc(1 << 20));
    },
  });
  const reading = async (archive: Readable, signal?: AbortSignal) => {
    for await (const _ of readTar(archive, signal, { bytes: 1e9, entries: 100 }));
  };
  await expect(reading(zeros)).rejects.toThrow(/bytes that say nothing/);
  const note = pack();
  note.entry({ name: "a", pax: { comment: "x".repeat(70_000) } } as Parameters<typeof note.entry>[0], "");
  note.finalize();
  await expect(reading(note as unknown as Readable)).rejects.toThrow(/a header of 7\d+ bytes/);
  const stopped = new Readable({ read() {} });
  stopped.push(Buffer.alloc(1024));
  await expect(reading(stopped, AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
  const cut = pack();
  cut.entry({ name: "a" }, "x".repeat(5000));
  cut.finalize();
  const whole = await buffer(cut as unknown as Readable);
  const half = new Readable({ read() {} });
  half.push(whole.subarray(0, 2048));
  const entries = readTar(half, AbortSignal.timeout(50));
  await expect(applyEntries(join(world.dir, "half"), entries)).rejects.toThrow(/timeout/);
});

test("files with holes count whole: a context or a layer of them is refused, not written", async () => {
  const dir = await world.context({ Dockerfile: scratch("COPY . /"), large: "" });
  await truncate(join(dir, "large"), 2 ** 40);
  await expect(world.build("holes:v1", dir)).rejects.toThrow(/build context is larger than/);
  const path = "large";
  const entry = { type: "file", path, content: { file: join(dir, path), size: 2 ** 40 }, mode: 0o644, uid: 0, gid: 0 };
  const blobs = new BlobFiles(join(world.dir, "blobs"));
  await expect(writeLayer(blobs, [entry as LayerEntry], new Date(0))).rejects.toThrow(/more than a step may write/);
});

test("a folder's mode is not given to a link that took its place", async () => {
  const archive = pack();
  await chmod(outside, 0o755);
  archive.entry({ name: "a", type: "directory", mode: 0o500 });
  archive.entry({ name: "b/c", type: "directory", mode: 0o500 });
  archive.entry({ name: "a", type: "symlink", linkname: outside });
  archive.entry({ name: "b", type: "symlink", linkname: dirname(outside) });
  archive.finalize();
  const root = join(world.dir, "replaced");
  await mkdir(root);
  await applyEntries(root, readTar(archive as unknown as Readable));
  expect(statSync(outside).mode & 0o777).toBe(0o755);
});

test("a folder that becomes a link while it is read still leads nowhere else", async () => {
  const dir = await world.context({ "a/inner/file": "mine", "b/file": "mine" });
  const read: string[] = [];
  for await (const { path, content } of readContext(dir, "Dockerfile")) {
    if (content) read.push((await content.readFile()).toString());
    // One folder before it is looked at, one after that.
    if (path === "a") await swap(join(dir, "a/inner"));
    if (path === "b") await swap(join(dir, "b"));
  }
  expect(read).toEqual(["mine", "mine"]);

  const folder = await Folder.open(join(dir, "b.moved"));
  await swap(join(dir, "b.moved"));
  expect(await folder.names()).toEqual(["file"]);
  const file = await folder.file("file");
  expect((await file.readFile()).toString()).toBe("mine");
  await file.close();
  await folder.close();
  const top = await Folder.open(dir);
  await expect(top.enter("b")).rejects.toThrow(/ENOTDIR|ELOOP/);
  await expect(top.file("b")).rejects.toThrow(/ELOOP/);
  await top.close();
});

async function swap(path: string): Promise<void> {
  await rename(path, `${path}.moved`);
  await symlink(outside, path);
}

test("what a context holds that is no file, folder or link is left out, and nothing waits for it", async () => {
  const dir = await world.context({ Dockerfile: scratch("COPY . /"), a: "" });
  execFileSync("mkfifo", [join(dir, "pipe"), join(dir, "Dockerfile.dockerignore"), join(dir, "other.Dockerfile")]);
  const { layers } = await built(world, "pipes:v1", dir);
  expect(layers).toEqual([["-rw-r--r-- 0/0 Dockerfile", "-rw-r--r-- 0/0 a"]]);
  await expect(world.build("pipes:v2", dir, { dockerfile: "other.Dockerfile" })).rejects.toThrow(/no Dockerfile/);
});

test("names may hold newlines and look like options; names that are not UTF-8 are refused", async () => {
  const names = ["new\nline", "-rf", " lead", "back\\slash", "q'uo\"te", ".whx"];
  const files = Object.fromEntries(names.map((name) => [`d/${name}`, `content of ${name}`]));
  const dir = await world.context({ ...files, Dockerfile: scratch("COPY d /d") });
  await built(world, "names:v1", dir);
  for (const name of names) expect(await fileIn(world, "names:v1", `/d/${name}`)).toBe(`content of ${name}`);
  await writeFile(Buffer.concat([Buffer.from(join(dir, "d/")), Buffer.from([0xff])]), "");
  await expect(world.build("names:v2", dir)).rejects.toThrow(/not UTF-8/);
});

test("no Dockerfile keeps a build busy for ever, or is a fault of the engine's own", async () => {
  const nested = `${"${a:-".repeat(20_000)}${"}".repeat(20_000)}`;
  for (const [lines, message, more] of [
    [["COPY [z-a]* /x/"], /"\[z-a\]\*" is not in the build context/],
    [["COPY [a /x/"], /"\[a" is not in the build context/],
    [["COPY . /"], /syntax error in pattern "\["/, { ".dockerignore": "[\n" }],
    [[`COPY ${"a*".repeat(200)}b /x/`], /is not in the build context/, { ["a".repeat(200)]: "" }],
    [[`COPY --parents ${"**/".repeat(30)}b /x/`], /is not in the build context/, { [`${"a/".repeat(20)}a`]: "" }],
    [[`LABEL x=${nested}`], /more than 100 \$\{…\} in each other/],
    [["ARG A=aaaaaaaaaa", ...Array(30).fill("ARG A=$A$A")], /takes too long/],
    [["COPY <<E /x", "${".repeat(60_000), "E"], /bad substitution/],
  ] as const) {
    const failure = await world.build("slow:v1", { Dockerfile: scratch(...lines), ...more }).catch((error) => error);
    expect(failure).toBeInstanceOf(EngineError);
    expect(failure.message).toMatch(message);
  }
  const { config } = await built(world, "ports:v1", { Dockerfile: scratch("EXPOSE 1-65535") });
  expect(Object.keys(config.config.ExposedPorts!)).toHaveLength(65_535);
  const stage = { platform: undefined, instructions: [], line: 1 };
  const stages = Array.from({ length: 12_000 }, (_, at) => ({ ...stage, name: `s${at}`, image: `s${at - 1}` }));
  expect(neededStages(stages, 11_999, ({ image }) => image)).toHaveLength(12_000);
});

test("nobody else of this machine reaches the setuid programs of an image while it is built", async () => {
  await world.build("setuid:v1", { Dockerfile: scratch("COPY --chmod=4755 a /a"), a: "" });
  expect(statSync(join(world.dir, "scratch")).mode & 0o777).toBe(0o700);
});

running(`the variables of an image reach no program of the machine ${needs}`, async () => {
  // The loader of programs writes down what it loads.
  const env = `ENV LD_DEBUG=libs LD_DEBUG_OUTPUT=${outside}/trace`;
  await world.build("loader:v1", { Dockerfile: `FROM {base}\n${env}\nRUN echo $LD_DEBUG > /kept\n` });
  await world.push("loader:v1");
  expect(await fileIn(world, "loader:v1", "/kept")).toBe("libs\n");
  expect(await world.run("loader:v1", ["true"], { env: [`LD_DEBUG_OUTPUT=${outside}/other`] })).toBe(0);
  expectOutsideUntouched();
});

running(`links that a RUN leaves behind lead the engine nowhere ${needs}`, async () => {
  const lines = [
    // Each of these is something the engine looks at, makes or removes after the RUN.
    `RUN rm -rf /etc /run; ln -s ${outside} /etc; ln -s ${outside} /run; ln -s ${outside} /work; ln -s / /root/top`,
    "USER 0",
    "WORKDIR /work/made",
    "COPY a /work/",
    `COPY a ${outside}/b`,
    "COPY a /root/top/etc/c",
    "RUN --mount=type=bind,target=/run/m/n true",
    "RUN --mount=type=cache,target=/etc/cache echo > /etc/cache/x",
  ];
  await world.build("after:v1", { Dockerfile: ["FROM {base}", ...lines].join("\n"), a: "" });
  expectOutsideUntouched();
});

running(`mount points are taken away in the image only, whatever became of the way to them ${needs}`, async () => {
  await mkdir(join(world.dir, "victim/secrets"), { recursive: true });
  const empty = join(world.dir, "victim/secrets/key");
  await writeFile(empty, "");
  const secrets = { key: join(outside, "file") };
  const line = `RUN --mount=type=secret,id=key mv /run /away && ln -s ${join(world.dir, "victim")} /run`;
  await world.build("moved:v1", { Dockerfile: `FROM {base}\n${line}\n` }, { secrets });
  expect(readdirSync(join(world.dir, "victim/secrets"))).toEqual(["key"]);
  expectOutsideUntouched();
});

running(`a cache full of links is no way out for a mount inside it ${needs}`, async () => {
  const mount = "RUN --mount=type=cache,target=/c";
  const first = { Dockerfile: `FROM {base}\n${mount} ln -s ${outside} /c/link\n` };
  await world.build("nested:v1", first);
  const second = { Dockerfile: `FROM {base}\n${mount} --mount=type=bind,target=/c/link/sub touch /c/link/sub/x\n` };
  await expect(world.build("nested:v2", second)).rejects.toThrow(EngineError);
  expectOutsideUntouched();
});

running(`what a RUN makes that cannot be kept fails the build plainly, and all of it is removed ${needs}`, async () => {
  const deep = "i=0; while [ $i -lt 60 ]; do n=$(printf %0100d $i); mkdir $n; cd $n; i=$((i+1)); done";
  for (const [name, line, message] of [
    ["deep", `RUN ${deep}`, /ENAMETOOLONG/],
    ["bytes", "RUN touch \"/$(printf '\\377')\"", /not UTF-8/],
  ] as const) {
    const failure = await world.build(`${name}:v1`, { Dockerfile: `FROM {base}\n${line}\n` }).catch((error) => error);
    expect(failure).toBeInstanceOf(EngineError);
    expect(failure.message).toMatch(message);
  }
  // A pipe in the place of a file that the engine reads.
  const pipe =
    "RUN mknod /p p 2>/dev/null; rm /etc/passwd; mkfifo /etc/passwd 2>/dev/null || ln -s /dev/zero /etc/passwd";
  await world.build("pipe:v1", { Dockerfile: `FROM {base}\n${pipe}\nUSER 5\nRUN true\n` });
  expect(readdirSync(join(world.dir, "scratch")).filter((name) => name.startsWith("build-"))).toEqual([]);
});

running(`the machine cannot be changed through what a command sees of it ${needs}`, async () => {
  await world.build("probe:v1", { Dockerfile: "FROM {base}\n" });
  const attempts = [
    "ls /sys/kernel",
    "touch /etc/hosts",
    "echo 127.0.0.1 evil > /etc/hosts",
    "cat /proc/kcore | head -c 1 | grep .",
    "chroot / unshare -m true",
  ];
  const script = attempts.map((attempt) => `( ${attempt} ) >/dev/null 2>&1 && echo "could: ${attempt}"`).join("\n");
  expect(await world.run("probe:v1", ["sh", "-c", `${script}\n${attemptsOnTheMachine}`])).toBe(0);
  expect(world.log).toBe("done\n");
  const devices = "echo gone > /dev/null && head -c 2 /dev/zero | wc -c; cat /dev/stdin; echo > /dev/full || echo full";
  expect(await world.run("probe:v1", ["sh", "-c", devices])).toBe(0);
  expect(world.log).toMatch(/^2\n.*\nfull\n$/);
});

running(`root of an image is no root of the machine, nor of any namespace it could make ${needs}`, async () => {
  const dir = await world.context({ Dockerfile: "FROM {base}\nCOPY files /\n" });
  for (const file of (await filesOf(tool("unshare")))!) {
    await mkdir(dirname(join(dir, "files", file)), { recursive: true });
    await copyFile(file, join(dir, "files", file));
  }
  await world.build("spaces:v1", dir);
  const mine = await readlink("/proc/self/ns/user");
  const network = await world.engine.createNetwork();
  for (const more of [{}, { network }]) {
    const script =
      "unshare --user true && echo made one; unshare --mount true && echo made one; readlink /proc/self/ns/user";
    expect(await world.run("spaces:v1", ["sh", "-c", script], more)).toBe(0);
    expect(world.log).not.toContain("made one");
    expect(world.log).toMatch(/^user:/m);
    expect(world.log).not.toContain(mine);
  }
  await network.remove();
});
