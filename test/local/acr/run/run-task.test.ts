import { existsSync, statSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTask } from "../../../../local/acr/task/parse-task.ts";
import { EngineError } from "../../../../local/engine/engine.ts";
import { FakeEngine, untilStopped } from "../../../support/fake-engine.ts";
import { taskRun } from "./task-run.ts";
import { underUmask } from "./under-umask.ts";

const nextTurn = (exit: number) => new Promise<number>((resolve) => setImmediate(() => resolve(exit)));

describe("steps", () => {
  test("are repeated while retries last, only for the errors named, wherever the pieces of output part", async () => {
    const { engine, run } = await taskRun();
    let attempts = 0;
    engine.onRun = async (_, log) => {
      attempts += 1;
      log("connection ref");
      log("used\n");
      return attempts < 3 ? 1 : 0;
    };
    await run("steps: [{cmd: x, retries: 2, retryOnErrors: [refused]}]");
    expect(attempts).toBe(3);
    attempts = 0;
    await expect(run("steps: [{cmd: x, retries: 2, retryOnErrors: [other]}]")).rejects.toThrow("exit status 1");
    expect(attempts).toBe(1);
  });

  test("are executed again as often as repeat says, and tell all failures at the end", async () => {
    const { engine, run } = await taskRun();
    engine.onRun = async () => (engine.runs.length === 2 ? 0 : 7);
    await expect(run("steps: [{cmd: x, repeat: 2}]")).rejects.toThrow("exit status 7, exit status 7");
    expect(engine.runs).toHaveLength(3);
  });

  test("may fail without failing the run when errors are ignored", async () => {
    const { engine, run, lines } = await taskRun();
    engine.onRun = async ({ reference }) => (reference === "bad" ? 4 : 0);
    await run("steps: [{id: first, cmd: bad, ignoreErrors: true}, {cmd: good}]");
    expect(engine.runs.map(({ reference }) => reference)).toEqual(["bad", "good"]);
    expect(lines).toContain(
      "Step ID: first encountered an error: exit status 4, but is set to ignore errors. Continuing...",
    );
  });

  test("are stopped by the first failure among them", async () => {
    const { engine, run } = await taskRun();
    let stopped = false;
    engine.onRun = async ({ reference }, _, signal) => {
      if (reference === "bad") return 1;
      await untilStopped(signal).catch(() => {
        stopped = true;
      });
      return 0;
    };
    await expect(run('steps: [{cmd: waits}, {id: second, cmd: bad, when: ["-"]}]')).rejects.toThrow(
      "step ID: second: exit status 1",
    );
    await expect.poll(() => stopped).toBe(true);
  });

  test.each([
    ["even when the engine does not listen", 0, () => new Promise<number>(() => {})],
    ["in the middle of endless repeats that fail", 999_999_999, async () => await nextTurn(1)],
    ["in the middle of endless repeats that succeed", 999_999_999, async () => await nextTurn(0)],
  ])("end at their timeout %s", async (_, repeat, onRun) => {
    const { engine, run } = await taskRun();
    engine.onRun = onRun;
    await expect(run(`steps: [{cmd: x, timeout: 5, repeat: ${repeat}}]`)).rejects.toThrow("context deadline exceeded");
    const runs = engine.runs.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(engine.runs.length).toBeLessThanOrEqual(runs + 1);
  });

  test("pass on what the step says about the container", async () => {
    const { engine, run } = await taskRun();
    await run(
      "workingDirectory: app\nsteps: [{id: all, cmd: 'img a', entryPoint: sh, user: '1000', env: [\"A='b c'\"]}, {cmd: img, disableWorkingDirectoryOverride: true, env: [HOME=/root]}]",
    );
    expect(engine.runs[0]).toMatchObject({
      reference: "img",
      args: ["a"],
      env: ["HOME=/acb/home", "A=b c"],
      entrypoint: "sh",
      user: "1000",
      workingDirectory: "/workspace/app",
      hostName: "all",
    });
    expect(engine.runs[1]).toMatchObject({ env: ["HOME=/acb/home", "HOME=/root"] });
    expect(engine.runs[1]).not.toHaveProperty("workingDirectory");
  });

  test("share a workspace and a home", async () => {
    const { engine, run, folder } = await taskRun();
    await run("steps: [{cmd: one}, {cmd: two}]");
    const [one, two] = engine.runs.map(({ mounts }) => mounts);
    expect(one).toEqual(two);
    expect(one!.map(({ containerPath }) => containerPath)).toEqual(["/workspace", "/acb/home"]);
    expect(one![0]!.hostPath).toBe(folder.workspace.dir);
    expect(existsSync(one![1]!.hostPath)).toBe(true);
  });

  test("fail on an environment value that the shell would tear apart, without telling the value", async () => {
    const { engine, run, lines } = await taskRun();
    await expect(run("steps: [{cmd: img, env: [PASSWORD=b c]}]")).rejects.toThrow("exit status 2");
    expect(lines.join()).toContain("env 'PASSWORD' is not one word");
    expect(lines.join()).not.toContain("b c");
    expect(engine.runs).toEqual([]);
  });

  test("fail on a shell operator outside quotes", async () => {
    const { run, lines } = await taskRun();
    await expect(run("steps: [{cmd: img a && img b}]")).rejects.toThrow("exit status 2");
    expect(lines.join()).toContain("unquoted shell syntax");
  });

  test("fail as docker does when the image cannot be run", async () => {
    const { engine, run, lines } = await taskRun();
    engine.onRun = async () => {
      throw new EngineError("Unable to find image 'img:latest'");
    };
    await expect(run("steps: [{cmd: img}]")).rejects.toThrow("exit status 125");
    expect(lines).toContain("docker: Unable to find image 'img:latest'");
  });

  test.each(["x", "a/b", "../up", "a:b", "-ab"])("named %s fail, because docker takes no such name", async (id) => {
    const { engine, run, lines } = await taskRun();
    await expect(run(`steps: [{id: "${id}", cmd: img}]`)).rejects.toThrow("exit status 125");
    expect(lines.join()).toContain(`Invalid container name (${id})`);
    expect(engine.runs).toEqual([]);
  });

  test("that keep their container cannot run twice under one name", async () => {
    const { engine, run, lines } = await taskRun();
    engine.onRun = async () => 1;
    await expect(run("steps: [{id: kept, cmd: img, keep: true, retries: 1}]")).rejects.toThrow("exit status 125");
    expect(lines.join()).toContain('The container name "/kept" is already in use');
    expect(engine.runs).toHaveLength(1);
  });

  test("try a push three times", async () => {
    const { engine, run } = await taskRun();
    let attempts = 0;
    engine.onPush = async () => {
      attempts += 1;
      throw new EngineError("connection reset");
    };
    await expect(run("steps: [{push: [a]}]")).rejects.toThrow("failed to push images successfully");
    expect(attempts).toBe(3);
  });
});

describe("a detached step", () => {
  const yaml = "steps: [{id: service, cmd: server, detach: true}, {id: test, cmd: client}, {id: more, cmd: client}]";

  test("stays up, silent, under its name on the network while later steps run, and is stopped at the end", async () => {
    const { engine, run, lines } = await taskRun();
    const up: boolean[] = [];
    let running = false;
    engine.onRun = async ({ reference }, log, signal) => {
      if (reference === "client") {
        up.push(running);
        return 0;
      }
      running = true;
      log("listening on 80\n");
      await untilStopped(signal).catch(() => {});
      running = false;
      return 137;
    };
    await run(yaml);
    expect(up).toEqual([true, true]);
    expect(running).toBe(false);
    expect(lines).not.toContain("listening on 80");
    expect(lines).toContain("Successfully executed container: service");
    const [service, client] = engine.runs;
    expect(service).toMatchObject({ hostName: "service", network: { id: "network-0", removed: true } });
    expect(client!.network).toBe(service!.network);
  });

  test("that cannot be started fails; one that ends badly later does not", async () => {
    const { engine, run, lines } = await taskRun();
    engine.onRun = async ({ reference }) => {
      if (reference === "server") throw new EngineError("no such image");
      return 0;
    };
    await expect(run(yaml)).rejects.toThrow("step ID: service: exit status 125");
    expect(lines).toContain("docker: no such image");
    engine.onRun = async ({ reference }) => (reference === "server" ? 3 : 0);
    await run(yaml);
  });

  test("is stopped when the run fails, and cannot hold it up", async () => {
    const { engine, run } = await taskRun();
    let stopped = false;
    engine.onRun = async ({ reference }, _, signal) => {
      if (reference === "client") return 1;
      await untilStopped(signal).catch(() => {
        stopped = true;
      });
      return 0;
    };
    await expect(run(yaml)).rejects.toThrow("step ID: test: exit status 1");
    expect(stopped).toBe(true);
  });
});

describe("networks", () => {
  test("are made once for steps that may meet, and removed whatever happens", async () => {
    const { engine, run, lines } = await taskRun();
    engine.onRun = async ({ reference }) => (reference === "bad" ? 1 : 0);
    const yaml = `networks: [{name: back, driver: bridge}, {name: front, isDefault: true}]
steps: [{cmd: one}, {cmd: two, network: back, when: ["-"]}, {cmd: three, when: ["-"]}, {cmd: bad}]`;
    await expect(run(yaml)).rejects.toThrow("exit status 1");
    const of = (image: string) => engine.runs.find(({ reference }) => reference === image)!.network;
    expect(of("one")).toBe(of("three"));
    expect(of("two")).not.toBe(of("one"));
    expect(engine.networks.map(({ removed }) => removed)).toEqual([true, true]);
    expect(lines).toContain("Creating Docker network: back, driver: 'bridge'");
    expect(lines).toContain("Creating Docker network: front, driver: ''");
  });

  test("are told of but not made for steps that follow each other, which nobody else could see", async () => {
    const { engine, run, lines } = await taskRun();
    await run("steps: [{cmd: one}, {cmd: two}]");
    expect(engine.networks).toEqual([]);
    expect(lines).toContain("Creating Docker network: acb_default_network, driver: 'bridge'");
  });

  test("that nobody made fail the step, a build too", async () => {
    const { run, lines, folder } = await taskRun();
    await writeFile(join(folder.workspace.dir, "Dockerfile"), "FROM scratch\n");
    for (const step of ["cmd: x", "build: ."]) {
      await expect(run(`steps: [{${step}, network: elsewhere}]`)).rejects.toThrow("exit status 125");
      expect(lines).toContain("docker: Error response from daemon: network elsewhere not found.");
      lines.length = 0;
    }
    await run("networks: [{name: host, skipCreation: true}]\nsteps: [{cmd: x, network: host}]");
    expect(lines).toContain("Skip creating network: host");
  });
});

describe("secret volumes", () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const yaml = (content: string) => `volumes: [{name: keys, secret: {token: ${content}}}]
steps: [{cmd: img, volumeMounts: [{name: keys, mountPath: /run/keys}]}, {cmd: img}]`;

  test("are mounted where a step says, with the line end and the copy in the workspace that ACR leaves", async () => {
    const { engine, run, folder, lines } = await taskRun();
    await run(yaml(base64("s3cret")));
    const [mounting, other] = engine.runs.map(({ mounts }) => mounts!);
    const mount = mounting!.find(({ containerPath }) => containerPath === "/run/keys")!;
    expect(await readFile(join(mount.hostPath, "token"), "utf8")).toBe("s3cret\n");
    expect(await readFile(join(folder.workspace.dir, "keys/token"), "utf8")).toBe("s3cret\n");
    expect(other!.map(({ containerPath }) => containerPath)).not.toContain("/run/keys");
    expect(lines).toContain("Volume source keys successfully created");
    expect(lines.join()).not.toContain("s3cret");
  });

  test("have the modes of ACR's machine, whatever our umask", async () => {
    const { folder } = await underUmask(0o077, async () => {
      const task = await taskRun();
      await task.run(yaml("YQ=="));
      return task;
    });
    const places = [folder.workspace.dir, join(folder.workspace.dir, "keys"), folder.volume("keys")];
    const modes = [...places, ...places.slice(1).map((place) => join(place, "token"))].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o755, 0o755, 0o755, 0o644, 0o644]);
  });

  test("lose what ACR's shell would take for a variable, and fail where it would run something", async () => {
    const { engine, run } = await taskRun();
    await run(yaml(base64("a$UNSET-b")));
    expect(await readFile(join(engine.runs[0]!.mounts!.at(-1)!.hostPath, "token"), "utf8")).toBe("a-b\n");
    const other = await taskRun();
    await expect(other.run(yaml(base64("a`id`")))).rejects.toThrow(/failed to write value, token: ACR passes it/);
  });

  test.each([
    ["not!base64", /failed to decode Base64 value/],
    ["YQ=", /failed to decode Base64 value/],
  ])("%s fail the run", async (content, problem) => {
    const { run } = await taskRun();
    await expect(run(yaml(content))).rejects.toThrow(problem);
  });

  test("cannot take the place of a folder of the source", async () => {
    const { run, folder } = await taskRun();
    await mkdir(join(folder.workspace.dir, "keys"));
    await expect(run(yaml("YQ=="))).rejects.toThrow(/cannot create directory 'keys': File exists/);
  });
});

/** Steps by index, each with the earlier ones it waits for; undefined is no `when` at all. */
const graphs = fc
  .integer({ min: 1, max: 9 })
  .chain((size) =>
    fc.tuple(
      ...Array.from({ length: size }, (_, at) =>
        fc.option(fc.subarray(Array.from({ length: at }, (_, other) => other)), { nil: undefined }),
      ),
    ),
  )
  .chain((graph) => fc.record({ graph: fc.constant(graph), order: fc.infiniteStream(fc.nat()) }));

test("whatever the graph, exactly the steps whose whens have ended are running, all of them at once", async () => {
  await fc.assert(
    fc.asyncProperty(graphs, async ({ graph, order }) => {
      const steps = graph.map((when, at) => {
        const ids = when === undefined ? "" : `, when: [${when.length === 0 ? '"-"' : when.map((id) => `s${id}x`)}]`;
        return `{id: s${at}x, cmd: img${at}${ids}}`;
      });
      const after = graph.map((when, at) => when ?? (at === 0 ? [] : [at - 1]));
      const { engine, run } = await taskRun();
      const running = new Map<number, () => void>();
      const ended = new Set<number>();
      engine.onRun = ({ reference }) =>
        new Promise((resolve) => running.set(Number(reference.slice(3)), () => resolve(0)));
      const done = run(`steps: [${steps}]`);
      while (ended.size < graph.length) {
        const ready = after.flatMap((ids, at) => (!ended.has(at) && ids.every((id) => ended.has(id)) ? [at] : []));
        await expect.poll(() => [...running.keys()].sort(), { interval: 1 }).toEqual(ready);
        // One more turn, in which a step that should wait would start.
        await new Promise((resolve) => setImmediate(resolve));
        expect([...running.keys()].sort()).toEqual(ready);
        const next = ready[order.next().value! % ready.length]!;
        ended.add(next);
        running.get(next)!();
        running.delete(next);
      }
      await done;
    }),
    { numRuns: 25 },
  );
});

test("a task without steps does nothing and succeeds", async () => {
  const { engine, run } = await taskRun();
  expect(await run("steps: []")).toEqual([]);
  expect(engine).toEqual(expect.objectContaining({ runs: [], builds: [], pushes: [] }));
  expect(parseTask("version: v1.0.0").steps).toEqual([]);
  expect(engine).toBeInstanceOf(FakeEngine);
});
