import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, EngineError } from "../../../local/engine/engine.ts";
import { readFile } from "../../../local/engine/read-image.ts";
import { pushShellBase } from "../../../local/engine/shell-base.ts";
import type { LocalRegistry } from "../../../local/registry/registry.ts";
import { World } from "./support.ts";

/** What every engine promises. `missing` says what a machine lacks; `noneLeft` looks for what an aborted run left behind. */
export function describeEngine(
  name: string,
  engineFor: (registry: LocalRegistry, scratchDir: string) => Engine,
  missing: { readonly all?: string; readonly commands?: string },
  noneLeft?: () => Promise<void>,
): void {
  const withCommands = missing.all ?? missing.commands;
  const needs = (what: string | undefined) => (what === undefined ? "" : ` (needs ${what})`);
  const plain = (title: string, body: () => Promise<void>) =>
    test.skipIf(missing.all !== undefined)(title + needs(missing.all), body);
  const running = (title: string, body: () => Promise<void>) =>
    test.skipIf(withCommands !== undefined)(title + needs(withCommands), body);

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

    plain("builds from scratch, pushes, and says the digest the registry has", async () => {
      await world.build("scratch:v1", { Dockerfile: "FROM scratch\nCOPY a.txt /data/\n", "a.txt": "hello" });
      const digest = await world.push("scratch:v1");
      expect((await world.registry.store.resolve("scratch", "v1"))?.digest).toBe(digest);
      expect(await world.engine.resolve(world.reference("scratch:v1"))).toBe(digest);
      expect(await file("scratch:v1", "/data/a.txt")).toBe("hello");
    });

    plain("leaves out what .dockerignore names", async () => {
      await world.build("ignore:v1", {
        Dockerfile: "FROM scratch\nCOPY . /\n",
        ".dockerignore": "*.log\nsecret\n!keep.log\nsub/**/tmp\n",
        "a.log": "1",
        "keep.log": "2",
        "secret/key": "3",
        "sub/x/tmp/y": "4",
        "sub/x/z": "5",
      });
      await world.push("ignore:v1");
      const found = ["a.log", "keep.log", "secret/key", "sub/x/tmp/y", "sub/x/z"].map((path) =>
        file("ignore:v1", path),
      );
      expect(await Promise.all(found)).toEqual([undefined, "2", undefined, undefined, "5"]);
    });

    plain("copies between stages, by name and by number, and stops at the target", async () => {
      const files = {
        Dockerfile: [
          "FROM scratch AS One",
          "COPY a.txt /from/a.txt",
          "FROM scratch",
          "COPY --from=one /from /by-name",
          "COPY --from=0 /from/a.txt /by-number",
          "FROM nowhere.invalid/never:1",
          "COPY --from=1 /by-name /x",
        ].join("\n"),
        "a.txt": "hello",
      };
      await world.build("stages:v1", files, { target: "1" }).catch(async (error) => {
        // The classic builder of Docker takes names only.
        if (!String(error).includes("failed to reach build target")) throw error;
        const named = files.Dockerfile.replace("FROM scratch\nCOPY --from=one", "FROM scratch AS two\nCOPY --from=one");
        await world.build("stages:v1", { ...files, Dockerfile: named }, { target: "two" });
      });
      await world.push("stages:v1");
      expect(await file("stages:v1", "/by-name/a.txt")).toBe("hello");
      expect(await file("stages:v1", "/by-number")).toBe("hello");
    });

    plain("refuses a link that leads out of the context", async () => {
      const contextDir = await world.context({ Dockerfile: "FROM scratch\nCOPY link /stolen\n" });
      await writeFile(join(world.dir, "outside"), "secret");
      await symlink(join(world.dir, "outside"), join(contextDir, "link"));
      await expect(world.build("escape:v1", contextDir)).rejects.toThrow(EngineError);
    });

    plain("says which file is missing", async () => {
      const files = { Dockerfile: "FROM scratch\nCOPY nothing.txt /\n" };
      await expect(world.build("missing:v1", files)).rejects.toThrow(/nothing\.txt/);
      await expect(world.build("missing:v1", { a: "" })).rejects.toThrow(/Dockerfile/);
    });

    running("runs commands with ARG, ENV and WORKDIR, and keeps what they change", async () => {
      await world.build(
        "run:v1",
        {
          Dockerfile: [
            "ARG BASE={base}",
            "FROM ${BASE}",
            "ARG GREETING=hi",
            'ENV WHO="the world" UNUSED=',
            "WORKDIR /app/sub",
            "COPY a.txt b.txt ./",
            'RUN echo "$GREETING, $WHO" > greeting && rm a.txt && echo said it',
            'RUN ["/bin/sh", "-c", "pwd > /where"]',
          ].join("\n"),
          "a.txt": "a",
          "b.txt": "b",
        },
        { buildArgs: { GREETING: "hello" } },
      );
      await world.push("run:v1");
      expect(world.log).toContain("said it");
      expect(await file("run:v1", "/app/sub/greeting")).toBe("hello, the world\n");
      expect(await file("run:v1", "/where")).toBe("/app/sub\n");
      expect(await file("run:v1", "/app/sub/a.txt")).toBeUndefined();
      expect(await file("run:v1", "/app/sub/b.txt")).toBe("b");
    });

    running("fails with the command and its exit code, and with what it printed in the log", async () => {
      const files = { Dockerfile: "FROM {base}\nRUN echo on stderr >&2 && exit 7\n" };
      await expect(world.build("fail:v1", files)).rejects.toThrow(/exit 7.*non-zero code: 7/);
      expect(world.log).toContain("on stderr");
    });

    running("runs an image: command, entrypoint, environment, user, folder and exit code", async () => {
      await world.build("tool:v1", {
        Dockerfile: 'FROM {base}\nENV A=1 B=1\nWORKDIR /work\nENTRYPOINT ["echo", "entry"]\nCMD ["default"]\n',
      });
      expect(await world.run("tool:v1", [])).toBe(0);
      expect(world.log).toBe("entry default\n");
      expect(await world.run("tool:v1", ["given"])).toBe(0);
      expect(world.log).toBe("entry given\n");
      const script = 'echo "$A $B $(pwd) $(id -u)"; exit 3';
      const options = { entrypoint: "sh", env: ["B=2"] };
      expect(await world.run("tool:v1", ["-c", script], options)).toBe(3);
      expect(world.log).toBe("1 2 /work 0\n");
      await expect(world.run("never:v1", ["true"])).rejects.toThrow(EngineError);
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

    running("starts from an image that was built here and not pushed", async () => {
      await world.build("unpushed:1", { Dockerfile: "FROM {base}\nRUN echo here > /here\n" });
      await world.build("child:1", { Dockerfile: `FROM ${world.reference("unpushed:1")}\nRUN cat /here\n` });
      await world.push("child:1");
      expect(await file("child:1", "/here")).toBe("here\n");
    });

    running("stops at once when it is told to", async () => {
      const controller = new AbortController();
      const files = { Dockerfile: "FROM {base}\nRUN echo started && sleep 600\n" };
      const build = world.build("slow:1", files, {}, controller.signal);
      const outcome = build.then(
        () => "built",
        () => "stopped",
      );
      await expect.poll(() => world.log, { timeout: 15_000 }).toMatch(/^started/m);
      controller.abort();
      expect(await outcome).toBe("stopped");

      const second = new AbortController();
      await world.build("slow:2", { Dockerfile: "FROM {base}\n" });
      const run = world.run("slow:2", ["sh", "-c", "echo started && sleep 600"], {}, second.signal);
      const end = run.catch(() => "stopped");
      await expect.poll(() => world.log, { timeout: 15_000 }).toMatch(/^started/m);
      second.abort();
      expect(await end).toBe("stopped");
      await noneLeft?.();
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
        { numRuns: 4 },
      );
    });
  });
}
