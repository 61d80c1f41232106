import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EngineError } from "../../../local/engine/engine.ts";
import { built, builtInWorld, fileIn, processes } from "./built-in-world.ts";
import { canSandbox, type World } from "./support.ts";

const running = test.skipIf(!canSandbox);
const needs = "(needs Linux namespaces)";

let world: World;
beforeAll(async () => {
  world = await builtInWorld();
});
afterAll(() => world.remove());

const dockerfile = (...lines: string[]) => ({ Dockerfile: ["FROM {base}", ...lines].join("\n") });

running(
  `a cache keeps its files between builds, for one RUN at a time, and out of the image; a new one is empty or a copy ${needs}`,
  async () => {
    const use =
      "RUN --mount=type=cache,target=/root/.cache,id=shared test ! -e /root/.cache/busy && touch /root/.cache/busy " +
      "&& echo used >> /root/.cache/log && sleep 0.2 && rm /root/.cache/busy && cp /root/.cache/log /seen";
    const { layers } = await built(world, "cache:v1", dockerfile(use));
    expect(layers.at(-1)).toEqual(["-rw-r--r-- 0/0 seen"]);
    // A lock that is not kept shows as the file of the other.
    const files = ["a", "b"].map((name) => [`cache:${name}`, dockerfile(use, `RUN echo ${name}`)] as const);
    await Promise.all(files.map(([name, one]) => world.build(name, one)));
    const other =
      "RUN --mount=type=cache,target=/other ls -A /other > /seen\n" +
      "RUN --mount=type=cache,target=/new,from={base},source=/etc,mode=0750 test -e /new/passwd && stat -c %a /new >> /seen";
    const own = "RUN --mount=type=cache,target=/x,id=shared,readonly cp /x/log /log && ! touch /x/y";
    await built(world, "cache:v2", dockerfile(other, own));
    expect([await fileIn(world, "cache:v2", "/seen"), await fileIn(world, "cache:v2", "/log")]).toEqual([
      "750\n",
      "used\nused\nused\n",
    ]);
  },
);

running(`binds show the context, a stage or an image, and keep nothing that is written ${needs}`, async () => {
  const { layers } = await built(world, "bind:v1", {
    Dockerfile: [
      "FROM {base} AS other",
      "RUN mkdir /out && echo made > /out/file",
      "FROM {base}",
      "WORKDIR /work",
      "RUN --mount=target=. ls -A > /listed && ! touch new",
      "RUN --mount=target=/src/f,source=sub/file --mount=from=other,source=/out,target=/out,rw " +
        "cat /src/f /out/file > /seen && echo changed > /out/file && touch /out/more",
      "RUN --mount=from=other,source=/out,target=/out,rw ls /out > /again && cat /out/file >> /again",
      "RUN --mount=from={base},source=/bin,target=/tools test -x /tools/sh",
    ].join("\n"),
    ".dockerignore": "left-out\n.dockerignore\n",
    "left-out": "",
    "sub/file": "file\n",
  });
  expect(await fileIn(world, "bind:v1", "/listed")).toBe("Dockerfile\nsub\n");
  expect(await fileIn(world, "bind:v1", "/seen")).toBe("file\nmade\n");
  expect(await fileIn(world, "bind:v1", "/again")).toBe("file\nmade\n");
  expect(layers.slice(2)).toEqual([["-rw-r--r-- 0/0 listed"], ["-rw-r--r-- 0/0 seen"], ["-rw-r--r-- 0/0 again"]]);
  const missing = world.build("bind:v2", dockerfile("RUN --mount=target=/x,source=../../etc true"));
  await expect(missing).rejects.toThrow(/etc" is not in the build context/);
});

running(`a secret is a file or a variable for one RUN, and nowhere afterwards ${needs}`, async () => {
  const key = join(world.dir, "key");
  await writeFile(key, "hush");
  const secrets = { key };
  const lines = [
    "RUN --mount=type=secret,id=key,required=true stat -c %a /run/secrets/key && tr a-z A-Z < /run/secrets/key > /seen",
    "RUN --mount=type=secret,id=key,target=/etc/k,mode=0444 test $(cat /etc/k) = hush && test $(stat -c %a /etc/k) = 444",
    "RUN --mount=type=secret,id=key,env=KEY test $KEY = hush && test ! -e /run",
    "RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent",
  ];
  const { layers, config } = await built(world, "secret:v1", dockerfile(...lines), { secrets });
  expect(world.log).toContain("\n400\n");
  expect(await fileIn(world, "secret:v1", "/seen")).toBe("HUSH");
  expect(layers.slice(1)).toEqual([["-rw-r--r-- 0/0 seen"]]);
  expect(JSON.stringify(config)).not.toMatch(/"[^"]*=hush/);
  const kept = spawnSync("grep", ["-rlw", "-e", "hush", join(world.dir, "scratch")]);
  expect([kept.status, kept.stdout.toString()]).toEqual([1, ""]);
  const required = world.build("secret:v2", dockerfile("RUN --mount=type=secret,id=key,required true"));
  await expect(required).rejects.toThrow(/"key" is required/);
});

running(`a VOLUME shows what the image has there, and forgets what a RUN does to it ${needs}`, async () => {
  const lines = [
    "COPY a /data/a",
    "VOLUME /data /absent",
    "RUN cat /data/a > /seen && echo > /data/b && echo > /absent/c",
  ];
  const { layers } = await built(world, "volume:v1", { ...dockerfile(...lines), a: "a" });
  expect(await fileIn(world, "volume:v1", "/seen")).toBe("a");
  expect(layers.at(-1)).toEqual(["-rw-r--r-- 0/0 seen"]);
});

running(`a tmpfs is empty, of its size and gone ${needs}`, async () => {
  const line =
    "RUN --mount=type=tmpfs,target=/tmp/t,size=1m ! head -c 3m /dev/zero > /tmp/t/x && stat -f -c %T /tmp/t > /t";
  const { layers } = await built(world, "tmpfs:v1", dockerfile(line));
  expect(await fileIn(world, "tmpfs:v1", "/t")).toBe("tmpfs\n");
  expect(layers.slice(1)).toEqual([["-rw-r--r-- 0/0 t"]]);
});

running.each([
  ["--mount=type=ssh", /type=ssh is not supported/],
  ["--mount=type=cache", /needs a target/],
  ["--mount=type=bind,target=/", /nothing can be mounted over/],
  ["--mount=type=bind,target=/x,color=red", /no option "color"/],
  ["--mount=type=bind,target=/x,from=$A", /cannot hold a variable/],
  ["--mount=type=tmpfs,target=/x,size=big", /is no size/],
  ["--mount=type=cache,target=/x,sharing=never", /no way of sharing/],
  ["--mount=type=tmpfs,target=/x --mount=type=bind,target=/x/y", /inside a tmpfs/],
  ["--mount=type=bind,target=/x --mount=type=tmpfs,target=/x/y", /missing in a read-only mount/],
  ["--security=insecure", /--security=insecure is not supported/],
  ["--network=host", /--network=host is not supported/],
])(`RUN %s is refused ${needs}`, async (flags, message) => {
  const files = { Dockerfile: `FROM scratch\nRUN ${flags} true\n` };
  await expect(world.build("refused:v1", files)).rejects.toThrow(message);
});

running(`any user may open the outputs, and both are one in the order of what was said ${needs}`, async () => {
  await world.build("outputs:v1", dockerfile("USER 5"));
  const script =
    "for i in 1 2 3 4 5; do echo out $i > /dev/stdout; echo err $i > /dev/stderr; echo $i; echo $i >&2; done";
  expect(await world.run("outputs:v1", ["sh", "-c", script])).toBe(0);
  expect(world.log).toBe([1, 2, 3, 4, 5].map((i) => `out ${i}\nerr ${i}\n${i}\n${i}\n`).join(""));
});

running(`RUN has a loopback and its names, and nothing else ${needs}`, async () => {
  const look = "grep -c : /proc/net/dev > /seen && cat /etc/hosts >> /seen";
  await built(world, "net:v1", dockerfile(`RUN --network=none ${look}`), { network: "none" });
  expect(await fileIn(world, "net:v1", "/seen")).toMatch(/^1\n127\.0\.0\.1 localhost\n/);
  expect(await fileIn(world, "net:v1", "/etc/hosts")).toBeUndefined();
});

running(`a container works on the folders it is given, one inside the other, and no others ${needs}`, async () => {
  await world.build("mounts:v1", dockerfile("WORKDIR /made", "USER 0"));
  const [shared, inner] = [join(world.dir, "shared"), join(world.dir, "inner")];
  await mkdir(shared);
  await mkdir(inner);
  await writeFile(join(inner, "file"), "from outside");
  const mounts = [
    { hostPath: inner, containerPath: "/workspace/sub/inner", readOnly: true },
    { hostPath: shared, containerPath: "/workspace" },
    { hostPath: join(inner, "file"), containerPath: "/etc/one" },
  ];
  const script = "pwd; cat sub/inner/file /etc/one; echo written > made; touch sub/inner/x || echo read-only; ls /made";
  const options = { mounts, workingDirectory: "/workspace" };
  expect(await world.run("mounts:v1", ["sh", "-c", script], options)).toBe(0);
  expect(world.log).toMatch(/^\/workspace\nfrom outsidefrom outside[\s\S]*read-only\n$/u);
  expect(readFileSync(join(shared, "made"), "utf8")).toBe("written\n");
  expect(await readdir(inner)).toEqual(["file"]);
  const below = { mounts, workingDirectory: "/workspace/new/folder" };
  expect(await world.run("mounts:v1", ["pwd"], below)).toBe(0);
  expect(await readdir(join(shared, "new"))).toEqual(["folder"]);
  expect(await world.run("mounts:v1", ["ls", "/etc"], { mounts: [{ hostPath: inner, containerPath: "/etc" }] })).toBe(
    0,
  );
  expect(await readdir(inner)).toEqual(["file"]);
  const absent = { mounts: [{ hostPath: join(world.dir, "absent"), containerPath: "/x" }] };
  await expect(world.run("mounts:v1", ["true"], absent)).rejects.toThrow(/absent.*does not exist/);
});

const perl = "/usr/bin/perl";
const withPerl = test.skipIf(!canSandbox || !existsSync(perl));

/** Machine code for sockets without a module. */
const address = 'pack("S n a4 x8", 2, 8080, (gethostbyname($ARGV[0]))[4])';
const server = `$| = 1; socket(S, 2, 1, 0); bind(S, ${address}) or die "bind: $!"; listen(S, 5); print "listening\\n";
while (accept(C, S)) { syswrite(C, "hello\\n"); close(C) }`;
const client = `socket(S, 2, 1, 0); connect(S, ${address}) or do { print "nobody: $!\\n"; exit 7 }; print <S>;`;

withPerl("containers of one network find each other by name, and others do not (needs perl)", async () => {
  const contextDir = await world.context({ ...dockerfile("COPY . /perl/"), server, client });
  const libraries = [
    ...execFileSync("ldd", [perl])
      .toString()
      .matchAll(/=> (\/\S+)/g),
  ].map(([, path]) => path!);
  for (const path of [perl, ...libraries]) await copyFile(path, join(contextDir, basename(path)));
  await world.build("perl:v1", contextDir);
  const start = (script: string, name: string, more: object, log: (text: string) => void) =>
    world.engine.run(
      {
        reference: world.reference("perl:v1"),
        entrypoint: "/perl/perl",
        args: [`/perl/${script}`, name],
        env: ["LD_LIBRARY_PATH=/perl"],
        ...more,
      },
      log,
      new AbortController().signal,
    );
  const network = await world.engine.createNetwork();
  const other = await world.engine.createNetwork();
  let said = "";
  const serving = start("server", "web", { network, hostName: "web" }, (text) => (said += text));
  await expect.poll(() => said).toBe("listening\n");
  const answers: string[] = [];
  const ask = async (name: string, more: object) => {
    let text = "";
    const code = await start("client", name, more, (part) => (text += part));
    answers.push(`${code} ${text.trim()}`);
  };
  await ask("web", { network, hostName: "asker" });
  await ask("localhost", { network: other });
  await ask("localhost", {});
  expect(answers).toEqual(["0 hello", "7 nobody: Connection refused", "7 nobody: Connection refused"]);

  await network.remove();
  expect(await serving).toBe(137);
  await expect(start("client", "web", { network }, () => undefined)).rejects.toThrow(EngineError);
  await other.remove();
  expect(await readdir(join(world.dir, "scratch"))).not.toContainEqual(expect.stringMatching(/^(hosts-|run-)/));
});

running(`a name that comes later is known to those who came before ${needs}`, async () => {
  await world.build("names:v1", dockerfile());
  const network = await world.engine.createNetwork();
  let said = "";
  const first = world.engine.run(
    {
      reference: world.reference("names:v1"),
      args: ["sh", "-c", "echo up; until grep later /etc/hosts; do sleep 0.05; done; uname -n"],
      env: [],
      network,
      hostName: "early",
    },
    (text) => (said += text),
    new AbortController().signal,
  );
  await expect.poll(() => said).toBe("up\n");
  await expect(world.run("names:v1", ["true"], { network, hostName: "a\nb" })).rejects.toThrow(/no host name/);
  expect(await world.run("names:v1", ["cat", "/etc/hosts"], { network, hostName: "later" })).toBe(0);
  expect(world.log).toContain("127.0.0.1 early\n127.0.0.1 later\n");
  expect(await first).toBe(0);
  expect(said).toBe("up\n127.0.0.1 later\nearly\n");
  await network.remove();
  const foreign = { network: { id: "other", remove: async () => undefined } };
  await expect(world.run("names:v1", ["true"], foreign)).rejects.toThrow(/not made by this engine/);
});

running(`close ends what still runs on a network ${needs}`, async () => {
  const network = await world.engine.createNetwork();
  const sleep = `sleep ${10_000_000 + process.pid}`;
  const run = world.run("names:v1", ["sh", "-c", `echo up; ${sleep}`], { network });
  await expect.poll(() => world.log).toBe("up\n");
  await world.engine.close();
  expect(await run).toBe(137);
  expect(processes().filter(({ command }) => command.includes(sleep))).toEqual([]);
});
