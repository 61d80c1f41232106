import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, copyFile, readFile as readHostFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hostArchitecture } from "../../../local/engine/built-in/image.ts";
import { findSandbox, type Sandbox } from "../../../local/engine/built-in/sandbox.ts";
import { readFile } from "../../../local/engine/read-image.ts";
import { pushShellBase } from "../../../local/engine/shell-base.ts";
import { built as builtIn, builtInWorld, fileIn, processes } from "./built-in-world.ts";
import { canSandbox, type World } from "./support.ts";

const running = test.skipIf(!canSandbox);
const needs = "(needs Linux namespaces)";

let world: World;
beforeAll(async () => {
  world = await builtInWorld();
});
afterAll(() => world.remove());

const file = (image: string, path: string) => fileIn(world, image, path);

const built = (name: string, files: Record<string, string> | string, more = {}) => builtIn(world, name, files, more);

test("the configuration says all that the Dockerfile says", async () => {
  const { config, layers } = await built(
    "config:v1",
    {
      Dockerfile: [
        "ARG G=global",
        "FROM scratch",
        "ARG G",
        "ARG OWN=own",
        'ENV A=1 B="$A $G ${OWN:-x}"',
        "ENV C=$A",
        "ENV OLD form of it",
        "LABEL one=1 two='$A'",
        "EXPOSE 80 53/udp",
        'VOLUME ["/data"]',
        "USER 1000:$A",
        "WORKDIR /x",
        "WORKDIR y/$A",
        "STOPSIGNAL SIGINT",
        'SHELL ["/bin/bash", "-c"]',
        "HEALTHCHECK --interval=1m30s --retries=2 CMD curl localhost",
        "ONBUILD RUN echo hi",
        'ENTRYPOINT ["/app"]',
        "CMD --serve $A",
      ].join("\n"),
    },
    { labels: { two: "given", three: "3" }, buildArgs: { OWN: "" } },
  );
  expect(config).toMatchObject({ architecture: hostArchitecture, os: "linux", created: "1970-01-01T00:00:00.000Z" });
  expect(config.config).toEqual({
    Cmd: ["/bin/bash", "-c", "--serve $A"],
    Entrypoint: ["/app"],
    Env: [expect.stringMatching(/^PATH=/), "A=1", "B= global x", "C=1", "OLD=form of it"],
    ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    Healthcheck: { Test: ["CMD-SHELL", "curl localhost"], Interval: 90e9, Retries: 2 },
    Labels: { one: "1", two: "given", three: "3" },
    OnBuild: ["RUN echo hi"],
    Shell: ["/bin/bash", "-c"],
    StopSignal: "SIGINT",
    User: "1000:1",
    Volumes: { "/data": {} },
    WorkingDir: "/x/y/1",
  });
  expect(layers).toEqual([["drwxr-xr-x 0/0 x/"], ["drwxr-xr-x 0/0 x/y/", "drwxr-xr-x 0/0 x/y/1/"]]);
  expect(config.rootfs.diff_ids.length).toBe(2);
  expect(config.history.filter((entry) => !entry.empty_layer).length).toBe(2);
});

test("COPY follows Docker's rules for files, folders and patterns", async () => {
  const contextDir = await world.context({
    Dockerfile: [
      "FROM scratch",
      "COPY a.txt /new/",
      "COPY a.txt /renamed",
      "COPY dir /tree",
      "COPY *.txt [b-d]? /many/",
      "COPY --chown=7:8 --chmod=0640 a.txt /owned",
      "COPY --chown=9 --chmod=700 dir /owned-tree",
      'COPY ["with space", "/space"]',
      "WORKDIR /w",
      "COPY link here",
      "COPY a.txt /tree",
    ].join("\n"),
    "a.txt": "a",
    "b.txt": "b",
    c1: "c1",
    "dir/sub/x": "x",
    "dir/y": "y",
    "with space": "s",
  });
  await symlink("a.txt", join(contextDir, "link"));
  await symlink("../y", join(contextDir, "dir/sub/to-y"));
  await chmod(join(contextDir, "dir/y"), 0o755);
  const { layers } = await built("copy:v1", contextDir);
  expect(layers).toEqual([
    ["drwxr-xr-x 0/0 new/", "-rw-r--r-- 0/0 new/a.txt"],
    ["-rw-r--r-- 0/0 renamed"],
    [
      "drwxr-xr-x 0/0 tree/",
      "drwxr-xr-x 0/0 tree/sub/",
      "lrwxrwxrwx 0/0 tree/sub/to-y -> ../y",
      "-rw-r--r-- 0/0 tree/sub/x",
      "-rwxr-xr-x 0/0 tree/y",
    ],
    ["drwxr-xr-x 0/0 many/", "-rw-r--r-- 0/0 many/a.txt", "-rw-r--r-- 0/0 many/b.txt", "-rw-r--r-- 0/0 many/c1"],
    ["-rw-r----- 7/8 owned"],
    [
      "drwx------ 9/9 owned-tree/",
      "drwx------ 9/9 owned-tree/sub/",
      "lrwx------ 9/9 owned-tree/sub/to-y -> ../y",
      "-rwx------ 9/9 owned-tree/sub/x",
      "-rwx------ 9/9 owned-tree/y",
    ],
    ["-rw-r--r-- 0/0 space"],
    ["drwxr-xr-x 0/0 w/"],
    ["-rw-r--r-- 0/0 w/here"],
    ["-rw-r--r-- 0/0 tree/a.txt"],
  ]);
  const several = { Dockerfile: "FROM scratch\nCOPY a b /c\n", a: "", b: "" };
  await expect(world.build("copy:v2", several)).rejects.toThrow(/line 2, COPY.*ends in "\/"/);
});

test("ADD unpacks a local archive and refuses addresses", async () => {
  const archive = pack();
  archive.entry({ name: "in/side", mode: 0o600, uid: 5, gid: 6 }, "packed");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  const contextDir = await world.context({
    Dockerfile: "FROM scratch\nADD archive.bin plain.gz /here/\n",
    "plain.gz": "not really gzip",
  });
  await writeFile(join(contextDir, "archive.bin"), gzipSync(Buffer.concat(chunks)));
  await built("add:v1", contextDir);
  expect(await file("add:v1", "/here/in/side")).toBe("packed");
  expect(await file("add:v1", "/here/plain.gz")).toBe("not really gzip");
  const remote = { Dockerfile: "FROM scratch\nADD https://example.invalid/x /\n" };
  await expect(world.build("add:v2", remote)).rejects.toThrow(/offline/);
});

test("here-documents become files", async () => {
  const text = 'FROM scratch\nENV V=1\nCOPY <<ONE <<"TWO" /etc/\n$V \\$V "q"\nONE\n$V\nTWO\n';
  await built("heredoc:v1", { Dockerfile: text });
  expect(await file("heredoc:v1", "/etc/ONE")).toBe('1 $V "q"\n');
  expect(await file("heredoc:v1", "/etc/TWO")).toBe("$V\n");
});

test("a base from elsewhere is refused with what to do", async () => {
  const ask = world.build("base:v1", { Dockerfile: "FROM node:22\n" });
  await expect(ask).rejects.toThrow(/works offline.*Push the image there and write 127\.0\.0\.1:\d+\/node:22.*Docker/);
  const absent = world.build("base:v1", { Dockerfile: `FROM ${world.reference("absent:1")}\n` });
  await expect(absent).rejects.toThrow(/absent:1 is not in the registry/);
});

test("an archive or layer cannot write outside, through .. or through links", async () => {
  for (const [name, entries] of [
    ["dots", [{ name: "../../escaped" }]],
    ["link", [{ name: "out", type: "symlink" as const, linkname: world.dir }, { name: "out/escaped" }]],
  ] as const) {
    const archive = pack();
    for (const entry of entries) archive.entry(entry, "type" in entry ? "" : "bad");
    archive.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    const contextDir = await world.context({
      Dockerfile: "FROM scratch\nADD evil /\nCOPY Dockerfile /out/escaped-too\n",
    });
    await writeFile(join(contextDir, "evil"), Buffer.concat(chunks));
    await world.build(`evil:${name}`, contextDir).catch((error) => expect(String(error)).toContain("leads outside"));
    expect(readdirSync(world.dir).filter((found) => found.startsWith("escaped"))).toEqual([]);
  }
});

running(`the same inputs give the same digest, other inputs another ${needs}`, async () => {
  const files = {
    Dockerfile: "FROM {base}\nARG X=1\nCOPY . /all\nRUN mkdir /d && echo $X > /d/f && ln /d/f /d/g && ln -s f /d/s\n",
    a: "a",
  };
  const first = await built("same:v1", files);
  const contextDir = await world.context(files);
  const umask = process.umask(0o077);
  const second = await built("same:v2", contextDir).finally(() => process.umask(umask));
  const third = await built("same:v3", files, { buildArgs: { X: "2" } });
  const later = await built("same:v4", files, { buildArgs: { SOURCE_DATE_EPOCH: "86400" } });
  expect(second.digest).toBe(first.digest);
  expect(new Set([first.digest, third.digest, later.digest]).size).toBe(3);
  expect(later.config.created).toBe("1970-01-02T00:00:00.000Z");
  expect(first.layers.at(-1)).toEqual([
    "drwxr-xr-x 0/0 d/",
    "-rw-r--r-- 0/0 d/f",
    "hrw-r--r-- 0/0 d/g link to d/f",
    "lrwxrwxrwx 0/0 d/s -> f",
  ]);
});

running(`deleted, replaced and quietly edited files are told from untouched ones ${needs}`, async () => {
  const { layers } = await built("diff:v1", {
    Dockerfile: [
      "FROM {base}",
      "COPY tree /t",
      "RUN cd /t && rm -r gone && rm was-file && mkdir was-file && rm -r was-dir && echo > was-dir " +
        "&& touch -r edited stamp && printf XYZ > edited && touch -r stamp edited && rm stamp && chmod 600 mode",
      "RUN cat /t/same && ls /proc /dev > /dev/null",
    ].join("\n"),
    "tree/gone/a/b": "",
    "tree/gone/c": "",
    "tree/was-file": "",
    "tree/was-dir/x": "",
    "tree/edited": "abc",
    "tree/mode": "",
    "tree/same": "",
  });
  expect(layers.slice(2)).toEqual([
    [
      "-rw-r--r-- 0/0 t/edited",
      "-rw-r--r-- 0/0 t/.wh.gone",
      "-rw------- 0/0 t/mode",
      "-rw-r--r-- 0/0 t/was-dir",
      "drwxr-xr-x 0/0 t/was-file/",
    ],
  ]);
  expect(await file("diff:v1", "/t/edited")).toBe("XYZ");
  expect(await file("diff:v1", "/t/gone/c")).toBeUndefined();
  expect(await file("diff:v1", "/t/was-dir/x")).toBeUndefined();
});

running(`a base's triggers run first, once ${needs}`, async () => {
  const base = { Dockerfile: "FROM {base}\nONBUILD COPY src /src\nONBUILD RUN cat /src/a > /built\n" };
  await built("trigger:base", base);
  const dockerfile = `FROM ${world.reference("trigger:base")}\nRUN cat /built && rm /src/a\n`;
  const child = await built("trigger:child", { Dockerfile: dockerfile, "src/a": "a" });
  expect(await file("trigger:child", "/built")).toBe("a");
  expect(child.config.config.OnBuild).toBeUndefined();
  await built("trigger:grandchild", { Dockerfile: `FROM ${world.reference("trigger:child")}\n` });
});

running(`here-documents run as scripts or as the shell reads them ${needs}`, async () => {
  const text =
    "FROM {base}\nRUN <<EOF\nset -e\nA=1\necho $A > /one\nEOF\nRUN cat <<EOF > /two && echo $PATH\nhi\nEOF\n";
  await built("run-heredoc:v1", { Dockerfile: text });
  expect([await file("run-heredoc:v1", "/one"), await file("run-heredoc:v1", "/two")]).toEqual(["1\n", "hi\n"]);
});

running(`the sandbox sees its own processes, no network and nothing of the machine ${needs}`, async () => {
  const script = [
    'echo "pid $$"; ls -d /proc/[0-9]* | wc -l; cat /proc/net/dev | grep -c :; uname -n; id -u',
    "echo x 2>/dev/null > /proc/sys/kernel/hostname || echo read-only",
    "head -c 3 /dev/zero | wc -c; echo gone > /dev/null; test -e /dev/sda || test -e /dev/vda || echo no disks",
    `test -e ${world.dir} || echo not there; grep CapEff /proc/self/status`,
  ].join("\n");
  await world.build("inside:v1", { Dockerfile: "FROM {base}\n" });
  expect(await world.run("inside:v1", ["sh", "-c", script])).toBe(0);
  expect(world.log.split("\n").slice(0, 9)).toEqual([
    "pid 1",
    expect.stringMatching(/^[1-3]$/),
    "1",
    "sandbox",
    "0",
    "read-only",
    "3",
    "no disks",
    "not there",
  ]);
  const capabilities = BigInt(`0x${/CapEff:\s*([0-9a-f]+)/.exec(world.log)![1]}`);
  const [sysAdmin, makeNode] = [21n, 27n];
  expect([(capabilities >> sysAdmin) & 1n, (capabilities >> makeNode) & 1n]).toEqual([0n, 0n]);
});

const perl = "/usr/bin/perl";
test.skipIf(!canSandbox || !existsSync(perl))("climbing out of the chroot ends in it again (needs perl)", async () => {
  const climb = [
    'mkdir "/x"; chroot("/x") or die "chroot: $!"; chdir("..") for 1..100; chroot(".") or die "chroot: $!";',
    `opendir(D, "/"); print join(" ", sort grep { !/^\\./ } readdir D), "\\n"; print -e "${world.dir}" ? "out" : "in";`,
  ].join("\n");
  const contextDir = await world.context({ Dockerfile: "FROM {base}\nCOPY . /perl/\n", climb });
  const libraries = [
    ...execFileSync("ldd", [perl])
      .toString()
      .matchAll(/=> (\/\S+)/g),
  ].map(([, path]) => path!);
  for (const path of [perl, ...libraries]) await copyFile(path, join(contextDir, basename(path)));
  await world.build("climb:v1", contextDir);
  const options = { entrypoint: "/perl/perl", env: ["LD_LIBRARY_PATH=/perl"] };
  expect(await world.run("climb:v1", ["/perl/climb"], options)).toBe(0);
  expect(world.log).toBe("bin dev etc lib lib64 perl proc root tmp usr x\nin");
});

test.skipIf(!canSandbox || process.getuid?.() !== 0)("USER is obeyed, by name and by number (needs root)", async () => {
  const dockerfile =
    "FROM {base}\nUSER nobody\nRUN id -u > /tmp/uid\nUSER 5:6\nRUN echo $(id -u):$(id -g) > /tmp/ids\n";
  const { layers } = await built("user:v1", { Dockerfile: dockerfile });
  expect(await file("user:v1", "/tmp/uid")).toBe("65534\n");
  expect(await file("user:v1", "/tmp/ids")).toBe("5:6\n");
  expect(layers.at(-1)).toEqual(["-rw-r--r-- 5/6 tmp/ids"]);
  expect(await world.run("user:v1", ["sh", "-c", "cat /tmp/ids; echo no > /bin/x"])).not.toBe(0);
});

running(`nothing is left after success, failure and abort: no mount, no process, no folder ${needs}`, async () => {
  const files = { Dockerfile: "FROM {base}\nRUN sleep 4712 & exit 3\n" };
  await expect(world.build("left:v1", files)).rejects.toThrow(/code: 3/);
  const controller = new AbortController();
  const slow = { Dockerfile: "FROM {base}\nRUN (sleep 4712 &) && echo ready && sleep 4712\n" };
  const build = world.build("left:v2", slow, {}, controller.signal).catch(() => "aborted");
  await expect.poll(() => world.log).toMatch(/^ready/m);
  controller.abort();
  expect(await build).toBe("aborted");
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(world.dir);
  expect(readdirSync(join(world.dir, "scratch"))).toEqual(["hosts", "layers", expect.stringMatching(/^start-/)]);
  await expect.poll(() => processes().filter(({ command }) => command.startsWith("sleep 4712"))).toEqual([]);
});

running(
  `a look at whether this machine has a sandbox disturbs no engine that works in the same folder ${needs}`,
  async () => {
    await world.build("looked:v1", { Dockerfile: "FROM {base}\n" });
    const folder = join(world.dir, "scratch");
    const runs = [1, 2, 3].map(() => world.run("looked:v1", ["sh", "-c", "sleep 0.2"]));
    const look = await findSandbox(folder);
    expect(look).not.toHaveProperty("impossible");
    expect(await Promise.all(runs)).toEqual([0, 0, 0]);
    const kept = readdirSync(folder).length;
    await (look as Sandbox).close();
    expect(readdirSync(folder)).toHaveLength(kept - 1);
    expect(await world.run("looked:v1", ["true"])).toBe(0);
  },
);

test("the shell base is pushed once", async () => {
  const events: unknown[] = [];
  const deaf = world.registry.onEvent((event) => events.push(event));
  await pushShellBase(world.registry.store);
  deaf();
  expect(events).toEqual([]);
  expect(await readHostFile("/bin/sh")).toEqual(await readFile(world.registry.store, "local/shell:1", "/bin/sh"));
});
