import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Clock } from "../../../../local/acr/run/clock.ts";
import { runTask } from "../../../../local/acr/run/run-task.ts";
import { Workspace } from "../../../../local/acr/run/workspace.ts";
import { parseTask } from "../../../../local/acr/task/parse-task.ts";
import { EngineError } from "../../../../local/engine/engine.ts";
import { FakeEngine, untilStopped } from "../../../support/fake-engine.ts";

let dir: string;
let engine: FakeEngine;
let lines: string[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "run-task-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));
beforeEach(() => {
  engine = new FakeEngine();
  lines = [];
});

async function run(yaml: string, signal = new AbortController().signal) {
  const tell = (text = "") => {
    lines.push(text.trimEnd());
  };
  const on = {
    engine,
    workspace: await Workspace.at(dir),
    log: { write: tell, line: tell, engine: tell },
    clock: new Clock(1000),
    registriesToLogInTo: [],
    stepStarted: () => {},
    stepEnded: () => {},
    pushed: () => {},
  };
  return await runTask(parseTask(yaml), on, signal);
}

describe("steps", () => {
  test("run in parallel where when says so, and after what they wait for", async () => {
    const order: string[] = [];
    let release = () => {};
    const other = new Promise<void>((resolve) => {
      release = resolve;
    });
    engine.onRun = async ({ reference }) => {
      if (reference === "slow") await other;
      if (reference === "quick") release();
      order.push(reference);
      return 0;
    };
    await run('steps: [{id: a, cmd: slow}, {id: b, cmd: quick, when: ["-"]}, {id: c, cmd: last, when: [a, b]}]');
    expect(order).toEqual(["quick", "slow", "last"]);
  });

  test("are repeated while retries last, only for the errors named", async () => {
    let attempts = 0;
    engine.onRun = async (_, log) => {
      attempts += 1;
      log("connection refused\n");
      return attempts < 3 ? 1 : 0;
    };
    await run("steps: [{cmd: x, retries: 2, retryOnErrors: [refused]}]");
    expect(attempts).toBe(3);
    attempts = 0;
    await expect(run("steps: [{cmd: x, retries: 2, retryOnErrors: [other]}]")).rejects.toThrow("exit status 1");
    expect(attempts).toBe(1);
  });

  test("may fail without failing the run when errors are ignored", async () => {
    engine.onRun = async ({ reference }) => (reference === "bad" ? 4 : 0);
    await run("steps: [{id: a, cmd: bad, ignoreErrors: true}, {cmd: good}]");
    expect(engine.runs.map(({ reference }) => reference)).toEqual(["bad", "good"]);
    expect(lines).toContain(
      "Step ID: a encountered an error: exit status 4, but is set to ignore errors. Continuing...",
    );
  });

  test("are stopped by the first failure among them", async () => {
    let stopped = false;
    engine.onRun = async ({ reference }, _, signal) => {
      if (reference === "bad") return 1;
      await untilStopped(signal).catch(() => {
        stopped = true;
      });
      return 0;
    };
    await expect(run('steps: [{cmd: waits}, {id: b, cmd: bad, when: ["-"]}]')).rejects.toThrow(
      "step ID: b: exit status 1",
    );
    await expect.poll(() => stopped).toBe(true);
  });

  test("end at their timeout even when the engine does not listen", async () => {
    engine.onRun = () => new Promise(() => {});
    await expect(run("steps: [{cmd: x, timeout: 20}]")).rejects.toThrow("context deadline exceeded");
  });

  test("pass on what the step says about the container", async () => {
    await run(
      "workingDirectory: app\nsteps: [{cmd: 'img a', entryPoint: sh, user: '1000', env: [\"A='b c'\"]}, {cmd: img, disableWorkingDirectoryOverride: true}]",
    );
    expect(engine.runs).toEqual([
      {
        reference: "img",
        args: ["a"],
        env: ["A=b c"],
        entrypoint: "sh",
        user: "1000",
        workingDirectory: "/workspace/app",
      },
      { reference: "img", args: [], env: [] },
    ]);
  });

  test("fail on an environment value that the shell would tear apart", async () => {
    await expect(run("steps: [{cmd: img, env: [A=b c]}]")).rejects.toThrow("exit status 2");
    expect(lines.join()).toContain("put it in quotes");
    expect(engine.runs).toEqual([]);
  });

  test("fail on a shell operator outside quotes", async () => {
    await expect(run("steps: [{cmd: img a && img b}]")).rejects.toThrow("exit status 2");
    expect(lines.join()).toContain("unquoted shell syntax");
  });

  test("fail as docker does when the image cannot be run", async () => {
    engine.onRun = async () => {
      throw new EngineError("Unable to find image 'img:latest'");
    };
    await expect(run("steps: [{cmd: img}]")).rejects.toThrow("exit status 125");
  });

  test("try a push three times", async () => {
    let attempts = 0;
    engine.onPush = async () => {
      attempts += 1;
      throw new EngineError("connection reset");
    };
    await expect(run("steps: [{push: [a]}]")).rejects.toThrow("failed to push images successfully");
    expect(attempts).toBe(3);
  });

  test("build with the Dockerfile named from the working directory, inside the context", async () => {
    await mkdir(join(dir, "svc/app/docker"), { recursive: true });
    for (const name of ["svc/Dockerfile", "svc/app/docker/web"]) await writeFile(join(dir, name), "FROM scratch\n");
    await run("workingDirectory: svc\nsteps: [{build: '-f app/docker/web app'}]");
    expect(engine.builds[0]).toMatchObject({ contextDir: join(dir, "svc/app"), dockerfile: "docker/web" });
    await expect(run("workingDirectory: svc\nsteps: [{build: '-f Dockerfile app'}]")).rejects.toThrow("exit status 2");
    expect(lines.join()).toContain("outside its build context");
  });

  test("do not build outside the workspace", async () => {
    for (const build of ["-f ../../etc/passwd .", "https://example.org/x.tar.gz"]) {
      await expect(run(`steps: [{build: "${build}"}]`)).rejects.toThrow("failed to scan dependencies");
    }
    expect(engine.builds).toEqual([]);
  });
});
