import { copyFile, mkdir, readFile as readHostFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, EngineError, type EngineName } from "../../../local/engine/engine.ts";
import { type LayerCache, readFile, readImage } from "../../../local/engine/read-image.ts";
import { pushShellBase } from "../../../local/engine/shell-base.ts";
import type { LocalRegistry } from "../../../local/registry/registry.ts";
import type { Case, Context, Difference, Outcome } from "./corpus/case.ts";
import { corpus, needsCommands } from "./corpus/corpus.ts";
import { changes, said, writeContext } from "./corpus/outcome.ts";
import { keepColumn, type Row } from "./corpus/table.ts";
import { perlFiles, World } from "./support.ts";

/** What every engine promises. `missing` says what a machine lacks; `noneLeft` looks for what an aborted run left behind. */
export function describeEngine(
  name: string,
  engineFor: (registry: LocalRegistry, scratchDir: string) => Engine,
  missing: { readonly all?: string; readonly commands?: string },
  noneLeft?: () => Promise<void>,
): void {
  const withCommands = missing.all ?? missing.commands;
  const withPerl = withCommands ?? (perlFiles === undefined ? "perl" : undefined);
  const needing =
    (what: string | undefined) =>
    (title: string, body: () => Promise<void>, retry = 0) =>
      test.skipIf(what !== undefined)(title + (what === undefined ? "" : ` (needs ${what})`), { retry }, body);
  const plain = needing(missing.all);
  const running = needing(withCommands);
  const talking = needing(withPerl);

  describe(name, () => {
    let world: World;
    beforeAll(async () => {
      if (missing.all !== undefined) return;
      world = await World.make(engineFor);
      await pushShellBase(world.registry.store);
    });
    afterAll(() => world?.remove());

    const file = async (image: string, path: string) =>
      (await readFile(world.registry.store, image, path))?.toString("utf8");

    describe("the corpus", () => {
      const rows = new Map<string, Row>(corpus.map(({ name }) => [name, { name, result: "skipped" }]));
      const possible = corpus.filter((one) => (needsCommands(one) ? withCommands : missing.all) === undefined);
      const layers: LayerCache = new Map();
      afterAll(async () => {
        const tried = [...rows.values()].filter(({ result }) => result !== "skipped");
        if (tried.length > 0 && tried.length === possible.length)
          await keepColumn(world.engine.name, [...rows.values()]);
      });
      let attempts = 0;
      for (const one of corpus) {
        const lacks = needsCommands(one) ? withCommands : missing.all;
        // Of what a RUN prints, buildah may lose the end on a busy machine: see its README.
        const retry = name === "buildah engine" && one.log ? 3 : 0;
        needing(lacks)(
          one.name,
          async () => {
            const difference = one.differs?.[world.engine.name as EngineName];
            rows.set(one.name, { name: one.name, result: "failed" });
            const tried = await attempt(world, `case${attempts++}`, one);
            if (difference === undefined || !(await isDifferent(world, tried, one, difference, layers))) {
              await check(world, tried, one, layers);
              rows.set(one.name, { name: one.name, result: "same" });
            } else rows.set(one.name, { name: one.name, result: "differs", why: difference.why });
          },
          retry,
        );
      }
    });

    plain("builds from scratch, pushes, and says the digest the registry has", async () => {
      await world.build("scratch:v1", { Dockerfile: "FROM scratch\nCOPY a.txt /data/\n", "a.txt": "hello" });
      const digest = await world.push("scratch:v1");
      expect((await world.registry.store.resolve("scratch", "v1"))?.digest).toBe(digest);
      expect(await world.engine.resolve(world.reference("scratch:v1"))).toBe(digest);
      expect(await file("scratch:v1", "/data/a.txt")).toBe("hello");
    });

    plain("refuses a link that leads out of the context, and a context without a Dockerfile", async () => {
      const contextDir = await world.context({ Dockerfile: "FROM scratch\nCOPY link /stolen\n" });
      await writeFile(join(world.dir, "outside"), "secret");
      await symlink(join(world.dir, "outside"), join(contextDir, "link"));
      await expect(world.build("escape:v1", contextDir)).rejects.toThrow(EngineError);
      await expect(world.build("missing:v1", { a: "" })).rejects.toThrow(/Dockerfile/);
    });

    running("starts from the base that the registry has now", async () => {
      const dependent = { Dockerfile: `FROM ${world.reference("base:1")}\nRUN cat /version > /seen\n` };
      for (const version of ["one", "two"]) {
        await world.build("base:1", { Dockerfile: "FROM {base}\nCOPY version /version\n", version });
        await world.push("base:1");
        await world.build("dependent:1", dependent, { noCache: true });
        await world.push("dependent:1");
        expect(await file("dependent:1", "/seen")).toBe(version);
      }
      // Somebody else pushes over the tag.
      const other = await world.registry.store.resolve("local/shell", "1");
      for (const match of other!.bytes.toString().matchAll(/sha256:[0-9a-f]{64}/g)) {
        await world.registry.store.mountBlob("base", match[0], "local/shell");
      }
      await world.registry.store.putManifest("base", "1", other!.mediaType, other!.bytes);
      await expect(world.build("dependent:1", dependent, { noCache: true })).rejects.toThrow(/version/);
    });

    running("starts from an image that was built here and not pushed, under each of its tags", async () => {
      const tags = ["unpushed:1", "unpushed:2"].map((tag) => world.reference(tag));
      await world.build("unpushed:1", { Dockerfile: "FROM {base}\nRUN echo here > /here\n" }, { tags });
      await world.build("child:1", { Dockerfile: `FROM ${world.reference("unpushed:2")}\nRUN cat /here\n` });
      await world.push("child:1");
      expect(await file("child:1", "/here")).toBe("here\n");
    });

    running("runs an image: command, entrypoint, environment, user, folder and exit code", async () => {
      await world.build("tool:v1", {
        Dockerfile: 'FROM {base}\nENV A=1 B=1\nWORKDIR /work\nENTRYPOINT ["echo", "entry"]\nCMD ["default"]\n',
      });
      expect(await world.run("tool:v1", [])).toBe(0);
      expect(world.log).toBe("entry default\n");
      expect(await world.run("tool:v1", ["given"])).toBe(0);
      expect(world.log).toBe("entry given\n");
      const script = 'echo "$A $B $(pwd) $(id -u):$(id -g)"; echo aside >&2; exit 3';
      expect(await world.run("tool:v1", ["-c", script], { entrypoint: "sh", env: ["B=2"] })).toBe(3);
      expect(world.log.split("\n").sort()).toEqual(["", "1 2 /work 0:0", "aside"]);
      const other = { entrypoint: "sh", user: "nobody:5", workingDirectory: "/made/here" };
      expect(await world.run("tool:v1", ["-c", script], other)).toBe(3);
      expect(world.log).toContain("1 1 /made/here 65534:5\n");
      await expect(world.run("never:v1", ["true"])).rejects.toThrow(EngineError);
    });

    running("ends with Docker's exit codes when a command is missing or not executable", async () => {
      await world.build("codes:1", { Dockerfile: "FROM {base}\n" });
      const codes = [];
      for (const command of [["/nothing"], ["nothing"], ["/etc"]]) {
        codes.push(await world.run("codes:1", command));
      }
      expect(codes).toEqual([127, 127, 126]);
    });

    running("shares folders of the machine with what runs, to write or to read only", async () => {
      const workspace = join(world.dir, "workspace");
      await mkdir(workspace);
      await writeFile(join(workspace, "in"), "from outside");
      await world.build("mounts:1", { Dockerfile: "FROM {base}\n" });
      const mounts = [{ hostPath: workspace, containerPath: "/workspace" }];
      const place = { mounts, workingDirectory: "/workspace" };
      expect(await world.run("mounts:1", ["sh", "-c", "cat in && echo first > out"], place)).toBe(0);
      expect(world.log).toBe("from outside");
      expect(await world.run("mounts:1", ["cat", "out"], place)).toBe(0);
      expect(world.log).toBe("first\n");
      expect(await readHostFile(join(workspace, "out"), "utf8")).toBe("first\n");
      const readOnly = [{ ...mounts[0]!, readOnly: true }];
      expect(await world.run("mounts:1", ["sh", "-c", "echo no > /workspace/out"], { mounts: readOnly })).not.toBe(0);
      expect(await readHostFile(join(workspace, "out"), "utf8")).toBe("first\n");
    });

    talking("containers on a network reach each other by host name, others do not, and it ends with them", async () => {
      const perl = join(world.dir, "perl");
      await mkdir(perl);
      for (const path of perlFiles!) await copyFile(path, join(perl, basename(path)));
      await world.build("net:1", { Dockerfile: "FROM {base}\n" });
      const inside = {
        mounts: [{ hostPath: perl, containerPath: "/perl", readOnly: true }],
        // A name nobody knows goes on to a name server that may not answer.
        env: ["LD_LIBRARY_PATH=/perl", "RES_OPTIONS=timeout:1 attempts:1"],
        entrypoint: "/perl/perl",
      };
      const serve =
        '$| = 1; socket(S, 2, 1, 6); bind(S, pack("S n a4 x8", 2, 8080, "\\0" x 4)) or die; listen(S, 5); ' +
        'print "up\\n"; while (accept(C, S)) { syswrite(C, "hello\\n"); close(C) }';
      const ask =
        'my @host = gethostbyname("server") or exit 3; socket(S, 2, 1, 6); ' +
        'connect(S, pack("S n a4 x8", 2, 8080, $host[4])) or exit 4; print <S>';
      const [network, elsewhere] = [await world.engine.createNetwork(), await world.engine.createNetwork()];
      let served = "";
      const request = { ...inside, reference: world.reference("net:1"), args: ["-e", serve], network };
      const server = world.engine.run(
        { ...request, hostName: "server" },
        (text) => {
          served += text;
        },
        new AbortController().signal,
      );
      await expect.poll(() => served).toBe("up\n");
      expect(await world.run("net:1", ["-e", ask], { ...inside, network, hostName: "client" })).toBe(0);
      expect(world.log).toBe("hello\n");
      expect(await world.run("net:1", ["-e", ask], { ...inside, network: elsewhere })).not.toBe(0);
      expect(await world.run("net:1", ["-e", ask], inside)).not.toBe(0);
      await network.remove();
      expect(await server).toBe(137);
      await expect(world.run("net:1", ["-e", ask], { ...inside, network })).rejects.toThrow(EngineError);
      await elsewhere.remove();
      await noneLeft?.();
    });

    running("stops at once when it is told to", async () => {
      const controller = new AbortController();
      const files = { Dockerfile: "FROM {base}\nRUN echo started && sleep 600\n" };
      const build = world.build("slow:1", files, {}, controller.signal);
      const outcome = build.then(
        () => "built",
        () => "stopped",
      );
      await expect.poll(() => world.log).toMatch(/^started/m);
      controller.abort();
      expect(await outcome).toBe("stopped");

      const second = new AbortController();
      await world.build("slow:2", { Dockerfile: "FROM {base}\n" });
      const run = world.run("slow:2", ["sh", "-c", "echo started && sleep 600"], {}, second.signal);
      const end = run.catch(() => "stopped");
      await expect.poll(() => world.log).toMatch(/^started/m);
      second.abort();
      expect(await end).toBe("stopped");
      await noneLeft?.();
    });

    running("passes on so much output and no more", async () => {
      await world.build("loud:v1", { Dockerfile: "FROM {base}\n" });
      const script = "head -c 9000000 /dev/zero | tr '\\0' x; echo; echo end";
      expect(await world.run("loud:v1", ["sh", "-c", script])).toBe(0);
      expect(world.log.length).toBeLessThan(8.1 * 1024 * 1024);
      expect(world.log).toMatch(/output over \d+ bytes is left out/);
    });

    running("does what a random Dockerfile says", async () => {
      const word = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
      const path = fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
      const step = fc.oneof(
        fc.record({ kind: fc.constant("env" as const), name: word, value: fc.stringMatching(/^[\w .:$-]{0,10}$/) }),
        fc.record({ kind: fc.constant("workdir" as const), path }),
        fc.record({ kind: fc.constant("copy" as const), name: word, content: fc.string({ maxLength: 20 }) }),
        fc.record({ kind: fc.constant("run" as const), name: word, variable: word }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
          const lines = ["FROM {base}", "WORKDIR /start"];
          const files: Record<string, string> = {};
          const env = new Map<string, string>();
          const expected = new Map<string, string>();
          let folder = "/start";
          for (const [index, step] of steps.entries()) {
            if (step.kind === "env") {
              lines.push(`ENV v_${step.name}='${step.value}'`);
              env.set(step.name, step.value);
            } else if (step.kind === "workdir") {
              lines.push(`WORKDIR d_${step.path}`);
              folder += `/d_${step.path}`;
            } else if (step.kind === "copy") {
              files[`file-${index}`] = step.content;
              lines.push(`COPY file-${index} f_${step.name}`);
              expected.set(`${folder}/f_${step.name}`, step.content);
            } else {
              lines.push(`RUN printf %s "$v_${step.variable}" > f_${step.name}`);
              expected.set(`${folder}/f_${step.name}`, env.get(step.variable) ?? "");
            }
          }
          await world.build("random:1", { Dockerfile: lines.join("\n"), ...files });
          await world.push("random:1");
          for (const [path, content] of expected) expect([path, await file("random:1", path)]).toEqual([path, content]);
        }),
        { numRuns: 2 },
      );
    });
  });
}

/** Labels that say where an image comes from. */
const mute = ["io.slipway.local.base", "slipway.local"];

interface Attempt {
  readonly tag: string;
  readonly log: string;
  /** What the build ended with when it did not end well. */
  readonly failure: unknown;
}

async function attempt(world: World, name: string, one: Case): Promise<Attempt> {
  const before = `${name}-before:1`;
  const write = async (folder: string, lines: readonly string[], context: Context = {}, dockerfile = "Dockerfile") => {
    const dir = join(world.dir, folder);
    await mkdir(dir);
    const text = lines.join("\n").replaceAll("{base}", world.reference("local/shell:1"));
    await writeContext(dir, context, dockerfile, `${text.replaceAll("{other}", world.reference(before))}\n`);
    return dir;
  };
  if (one.before) {
    await world.build(before, await write(`${name}-before`, one.before.dockerfile, one.before.context));
    await world.push(before);
  }
  const secrets: Record<string, string> = {};
  for (const [id, text] of Object.entries(one.secrets ?? {})) {
    secrets[id] = join(world.dir, `${name}-${id}`);
    await writeFile(secrets[id], text);
  }
  const tag = `${name}:1`;
  const dir = await write(name, one.dockerfile, one.context, one.request?.dockerfile);
  const failure = await world.build(tag, dir, { ...one.request, ...(one.secrets && { secrets }) }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { tag, log: world.log, failure };
}

/** Checks a known deviation; false when it is one of some versions only and not of this one. */
async function isDifferent(
  world: World,
  tried: Attempt,
  one: Case,
  difference: Difference,
  layers: LayerCache,
): Promise<boolean> {
  try {
    await check(world, tried, difference.fails ? difference : { ...one, ...difference }, layers);
    return true;
  } catch (error) {
    if (difference.orNot) return false;
    throw error;
  }
}

/** Compares all that is expected of a case, and nothing else. */
async function check(world: World, tried: Attempt, expected: Outcome, layers: LayerCache): Promise<void> {
  const { tag, failure } = tried;
  if (expected.log) expect(tried.log).toMatch(expected.log);
  if (expected.fails) {
    expect(failure).toBeInstanceOf(EngineError);
    expect((failure as Error).message).toMatch(expected.fails);
    return;
  }
  if (failure !== undefined) throw failure;
  await world.push(tag);
  const { store } = world.registry;
  const image = (await readImage(store, tag, layers))!;
  const shell = (await readImage(store, "local/shell:1", layers))!;
  const base = image.config.rootfs.diff_ids[0] === shell.config.rootfs.diff_ids[0] ? shell : undefined;
  const { files, config, prints } = expected;
  const actual = {
    ...(files && { files: await changes(image, base) }),
    ...(config && { config: said(image.config.config, mute) }),
  };
  expect(actual).toEqual({ ...(files && { files }), ...(config && { config }) });
  if (prints === undefined) return;
  expect(await world.run(tag, [])).toBe(0);
  expect(world.log).toBe(prints);
}
