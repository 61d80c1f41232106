import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mediaTypes } from "../../../local/registry/media-types.ts";
import { built, builtInWorld, fileIn } from "./built-in-world.ts";
import type { World } from "./support.ts";

let world: World;
beforeAll(async () => {
  world = await builtInWorld();
});
afterAll(() => world.remove());

const scratch = (...lines: string[]) => ["FROM scratch", ...lines].join("\n");
const names = (layer: readonly string[]) => layer.map((line) => line.replace(/^\S+ \S+ /, ""));

async function tar(entries: readonly [header: object, content?: string][]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of entries) archive.entry(header as { name: string }, content ?? "");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** An image out of layers as bytes, whatever they are. */
async function pushLayers(repository: string, layers: readonly { bytes: Buffer; mediaType: string }[]): Promise<void> {
  const { store } = world.registry;
  const blob = async (bytes: Buffer, mediaType: string) => ({ mediaType, ...(await store.putBlob(repository, bytes)) });
  const config = await blob(Buffer.from('{"architecture":"amd64","os":"linux","config":{}}'), mediaTypes.ociConfig);
  const descriptors = await Promise.all(layers.map(({ bytes, mediaType }) => blob(bytes, mediaType)));
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: descriptors };
  await store.putManifest(repository, "1", mediaTypes.ociManifest, Buffer.from(JSON.stringify(manifest)));
}

test("--parents keeps folders, those after the pivot only, and ** is any folders", async () => {
  const { layers } = await built(world, "parents:v1", {
    Dockerfile: scratch(
      "COPY --parents x/a.txt y/b.txt /all/",
      "COPY --parents ./x/./deep/er/*.txt /pivot",
      "COPY --parents **/package.json /any/",
      "COPY --parents x/deep /folder/",
    ),
    "x/a.txt": "",
    "x/deep/er/c.txt": "",
    "x/deep/package.json": "",
    "y/b.txt": "",
    "package.json": "",
  });
  expect(layers.map(names)).toEqual([
    ["all/", "all/x/", "all/x/a.txt", "all/y/", "all/y/b.txt"],
    ["pivot/", "pivot/deep/", "pivot/deep/er/", "pivot/deep/er/c.txt"],
    ["any/", "any/package.json", "any/x/", "any/x/deep/", "any/x/deep/package.json"],
    [
      "folder/",
      "folder/x/",
      "folder/x/deep/",
      "folder/x/deep/er/",
      "folder/x/deep/er/c.txt",
      "folder/x/deep/package.json",
    ],
  ]);
});

test("--exclude leaves out by the path below what is copied, --link is accepted", async () => {
  const { layers } = await built(world, "exclude:v1", {
    Dockerfile: scratch(
      "COPY --link --exclude=*.md --exclude=sub/*.txt --exclude=!README.md dir /d",
      "COPY --exclude=b* a b c /some/",
      "ADD --exclude=*.md dir /e",
    ),
    "dir/x.md": "",
    "dir/README.md": "",
    "dir/sub/y.txt": "",
    "dir/sub/z.md": "",
    a: "",
    b: "",
    c: "",
  });
  expect(layers.map(names)).toEqual([
    ["d/", "d/README.md", "d/sub/", "d/sub/z.md"],
    ["some/", "some/a", "some/c"],
    ["e/", "e/sub/", "e/sub/y.txt", "e/sub/z.md"],
  ]);
});

test("ADD refuses addresses, and a checksum of anything else", async () => {
  const sum = `--checksum=sha256:${"0".repeat(64)}`;
  const remote = { Dockerfile: scratch(`ADD ${sum} http://127.0.0.1/x /x`) };
  await expect(world.build("sum:v1", remote)).rejects.toThrow(/offline; put the file into the build context/);
  const local = { Dockerfile: scratch(`ADD ${sum} a /x`), a: "" };
  await expect(world.build("sum:v2", local)).rejects.toThrow(/--checksum is for addresses/);
  const copy = { Dockerfile: scratch(`COPY ${sum} a /x`), a: "" };
  await expect(world.build("sum:v3", copy)).rejects.toThrow(/COPY --checksum is not supported/);
});

test("ADD writes here-documents, after continued lines too", async () => {
  const text = scratch("ARG V=1", "ADD --chmod=600 \\", "  <<one <<'two' \\", "  /etc/", "$V", "one", "$V", "two");
  const { layers } = await built(world, "add-heredoc:v1", { Dockerfile: text });
  expect([
    await fileIn(world, "add-heredoc:v1", "/etc/one"),
    await fileIn(world, "add-heredoc:v1", "/etc/two"),
  ]).toEqual(["1\n", "$V\n"]);
  expect(layers[0]).toContain("-rw------- 0/0 etc/one");
});

for (const tool of ["gzip", "bzip2", "xz", "zstd"]) {
  const has = spawnSync(tool, ["--version"]).status === 0;
  test.skipIf(!has)(`${tool} is read in archives and in layers, whatever it is called (needs ${tool})`, async () => {
    const bytes = await tar([[{ name: "in/side", mode: 0o640, uid: 1, gid: 2 }, `packed by ${tool}`]]);
    const compressed = execFileSync(tool, ["-c"], { input: bytes });
    const contextDir = await world.context({ Dockerfile: scratch("ADD file /here/") });
    await writeFile(join(contextDir, "file"), compressed);
    const { layers } = await built(world, `${tool}:v1`, contextDir);
    expect(layers).toEqual([["drwxr-xr-x 0/0 here/", "drwxr-xr-x 0/0 here/in/", "-rw-r----- 1/2 here/in/side"]]);

    await pushLayers(`base-${tool}`, [{ bytes: compressed, mediaType: mediaTypes.ociLayer }]);
    const from = `FROM ${world.reference(`base-${tool}:1`)} AS base\nFROM scratch\nCOPY --from=base /in /in\n`;
    await built(world, `${tool}:v2`, { Dockerfile: from });
    expect(await fileIn(world, `${tool}:v2`, "/in/side")).toBe(`packed by ${tool}`);
  });
}

test("ONBUILD refuses a here-document", async () => {
  const files = { Dockerfile: scratch("ONBUILD COPY <<EOF /x", "x", "EOF") };
  await expect(world.build("onbuild:v1", files)).rejects.toThrow(/ONBUILD cannot hold a here-document/);
});

test("what only looks like an archive is copied", async () => {
  const contextDir = await world.context({ Dockerfile: scratch("ADD x y /here/"), x: "BZh9 my notes" });
  await writeFile(join(contextDir, "y"), gzipSync("no tar"));
  const { layers } = await built(world, "no-archive:v1", contextDir);
  expect(layers.map(names)).toEqual([["here/", "here/x", "here/y"]]);
});

test("a file whose name would delete another in its layer is refused, instead of doing so", async () => {
  for (const [name, text] of [
    ["copied", "COPY .wh.bin /"],
    ["in a folder", "COPY . /all/"],
    ["inline", "COPY <<EOF /.wh.bin\nx\nEOF"],
  ]) {
    const build = built(world, `marker-${name!.length}:v1`, { Dockerfile: scratch(text!), ".wh.bin": "" });
    await expect(build, name).rejects.toThrow(/\.wh\.bin: no layer can hold a name that begins with \.wh\./);
  }
});

test("layers are applied with their whiteouts, opaque folders, hard links and capabilities", async () => {
  const mediaType = mediaTypes.ociLayer;
  const lower = await tar([
    [{ name: "gone" }, "1"],
    [{ name: "opaque/old" }, "1"],
    [{ name: "opaque/kept/old" }, "1"],
    [{ name: "file" }, "one"],
    [{ name: "dir/x" }, "1"],
  ]);
  const upper = await tar([
    [{ name: ".wh.gone" }],
    [{ name: "opaque/kept/new" }, "2"],
    [{ name: "opaque/.wh..wh..opq" }],
    [{ name: "again", type: "link", linkname: "file" }],
    [{ name: "dir", type: "symlink", linkname: "opaque" }],
    [{ name: "able", pax: { "SCHILY.xattr.security.capability": "x" } }, "able"],
    [{ name: "dev", type: "character-device", devmajor: 1, devminor: 3 }],
  ]);
  await pushLayers("layered", [
    { bytes: gzipSync(lower), mediaType },
    { bytes: upper, mediaType },
  ]);
  const from = `FROM ${world.reference("layered:1")} AS base\nFROM scratch\nCOPY --from=base / /\n`;
  const { layers } = await built(world, "layered:v2", { Dockerfile: from });
  expect(names(layers[0]!)).toEqual([
    "able",
    "again",
    "dir -> opaque",
    "file",
    "opaque/",
    "opaque/kept/",
    "opaque/kept/new",
  ]);
  expect(await fileIn(world, "layered:v2", "/again")).toBe("one");
  expect(world.log).toContain("/able has file capabilities, which do not work");
});

test("a corrupt layer or archive is a failed build", async () => {
  const whole = gzipSync(await tar([[{ name: "a" }, "x".repeat(100_000)]]));
  await pushLayers("corrupt", [{ bytes: whole.subarray(0, 100), mediaType: mediaTypes.ociLayer }]);
  const files = { Dockerfile: `FROM ${world.reference("corrupt:1")}\nLABEL a=b\n` };
  await expect(world.build("corrupt:v2", files)).rejects.toThrow(/cannot be read/);
});

test("links of the context are followed inside it when they are named, absolute ones from its top", async () => {
  const contextDir = await world.context({
    Dockerfile: scratch("COPY absolute up /f/", "COPY folder /d", "COPY through/file /t"),
    "real/file": "content",
  });
  await symlink("/real/file", join(contextDir, "absolute"));
  await symlink("../../../real/file", join(contextDir, "up"));
  await symlink("/real", join(contextDir, "folder"));
  await symlink("./real", join(contextDir, "through"));
  await built(world, "links:v1", contextDir);
  for (const path of ["/f/absolute", "/f/up", "/d/file", "/t"]) {
    expect(await fileIn(world, "links:v1", path)).toBe("content");
  }
});

test("arguments: global ones need an ARG, platforms are known, proxies are not asked for", async () => {
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [] as object[],
  };
  await pushLayers("platforms", [{ bytes: await tar([[{ name: "amd64" }, "yes"]]), mediaType: mediaTypes.ociLayer }]);
  const { store } = world.registry;
  const child = (await store.resolve("platforms", "1"))!;
  const platform = { os: "linux", architecture: "amd64" };
  index.manifests.push({ mediaType: child.mediaType, digest: child.digest, size: child.bytes.length, platform });
  await store.putManifest("platforms", "all", mediaTypes.ociIndex, Buffer.from(JSON.stringify(index)));
  const text = [
    "ARG HOST=platforms",
    "ARG TAG",
    `FROM --platform=linux/amd64 ${world.reference("")}\${HOST}:\${TAG:-none} AS base`,
    "ARG TARGETARCH",
    "LABEL arch=$TARGETARCH host=x$HOST os=x$TARGETOS",
    "FROM --platform=$BUILDPLATFORM scratch",
    "ARG HOST",
    "ARG TAG=own",
    "LABEL host=$HOST tag=$TAG",
    "COPY --from=base /amd64 /",
  ].join("\n");
  const buildArgs = { TAG: "all", HTTP_PROXY: "http://proxy", no_proxy: "x", BUILDKIT_INLINE_CACHE: "1", TYPO: "1" };
  const { config } = await built(world, "args:v1", { Dockerfile: text }, { buildArgs });
  expect(config.config.Labels).toEqual({ host: "platforms", tag: "all" });
  expect(world.log).toContain("build-args [TYPO] were not consumed");
  expect(await fileIn(world, "args:v1", "/amd64")).toBe("yes");
  expect(JSON.stringify(config)).not.toContain("proxy");
});

test("a build for another platform is of that platform, or fails when a base is of none but its own", async () => {
  await pushLayers("amd64-only", []);
  const platform = "linux/arm64";
  const { config } = await built(world, "other:v1", { Dockerfile: scratch("LABEL x=y") }, { platform });
  expect(config.architecture).toBe("arm64");
  const build = built(world, "other:v2", { Dockerfile: `FROM ${world.reference("amd64-only:1")}\n` }, { platform });
  await expect(build).rejects.toThrow(
    "amd64-only:1 was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64",
  );
});

test("a Dockerfile's own .dockerignore wins, wherever it lies, and neither is read through a link to outside", async () => {
  const contextDir = await world.context({
    "docker/app.Dockerfile": scratch("COPY . /"),
    "docker/app.Dockerfile.dockerignore": "*\n!kept\n",
    ".dockerignore": "kept\n",
    kept: "",
    other: "",
  });
  const { layers } = await built(world, "ignore:v1", contextDir, { dockerfile: "docker/app.Dockerfile" });
  expect(layers.map(names)).toEqual([["kept"]]);

  const outside = join(world.dir, "outside");
  await mkdir(outside);
  await writeFile(join(outside, "rules"), "kept");
  const linked = await world.context({ Dockerfile: scratch("COPY kept /"), kept: "" });
  await symlink(join(outside, "rules"), join(linked, ".dockerignore"));
  await built(world, "ignore:v2", linked);
});
