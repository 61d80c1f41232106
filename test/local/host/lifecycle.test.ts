import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, describe, expect, test } from "vitest";
import { startHost } from "../../../local/host/start-host.ts";
import { startHosts } from "../../../local/host/start-hosts.ts";
import { type FixtureApp, fixtureApp } from "./fixture-app.ts";
import { isRunning } from "./is-running.ts";

const apps: FixtureApp[] = [];
afterAll(async () => {
  await Promise.all(apps.map((app) => app.remove()));
});

async function newApp(...args: Parameters<typeof fixtureApp>): Promise<FixtureApp> {
  const app = await fixtureApp(...args);
  apps.push(app);
  return app;
}

const HELLO = `require("@azure/functions").app.http("hello", { handler: () => ({ body: "hello" }) });`;
const within = { timeout: 60_000, interval: 50 };

describe("loading", () => {
  test("loads an ESM app whose main is a glob with braces", async () => {
    const app = await newApp({
      packageJson: { type: "module", main: "dist/{index.js,functions/*.js}" },
      files: {
        "dist/index.js": `import { app } from "@azure/functions"; app.hook.preInvocation((c) => { c.inputs[0].extra = c.invocationContext.functionName; });`,
        "dist/functions/a.js": `import { app } from "@azure/functions"; app.http("a", { handler: (req) => ({ body: req.extra }) });`,
        "dist/functions/b.js": `import { app } from "@azure/functions"; app.http("b", { handler: (req) => ({ body: req.extra }) });`,
        "dist/functions/ignored.txt": "not an entry point",
      },
    });
    const host = await startHost({ appDir: app.dir, env: {} });
    expect(await Promise.all(["a", "b"].map(async (name) => (await fetch(`${host.url}/api/${name}`)).text()))).toEqual([
      "a",
      "b",
    ]);
    await host.stop();
  });

  test("runs a minified esbuild bundle unchanged, from a folder without node_modules", async () => {
    const app = await newApp({
      files: { "source.cjs": HELLO },
      hostJson: { extensions: { http: { routePrefix: "" } } },
    });
    await build({
      entryPoints: [`${app.dir}/source.cjs`],
      outfile: `${app.dir}/main.cjs`,
      bundle: true,
      minify: true,
      platform: "node",
      external: ["@azure/functions-core"],
    });
    const host = await startHost({ appDir: app.dir, env: {} });
    expect(await (await fetch(`${host.url}/hello`)).text()).toBe("hello");
    await host.stop();
    expect(await host.exited).toEqual({ code: 0, signal: null });
  });
});

test("Ctrl-C reaches the worker too, and leaves it to the host to end it", async () => {
  const app = await newApp({ files: { "main.cjs": HELLO } });
  const host = await startHost({ appDir: app.dir, env: {} });
  const pid = host.workerPid();
  process.kill(pid, "SIGINT");
  expect(await (await fetch(`${host.url}/api/hello`)).text()).toBe("hello");
  await host.stop();
  expect([host.workerPid(), isRunning(pid)]).toEqual([pid, false]);
});

test("a killed host takes its worker along", async () => {
  const app = await newApp({ files: { "main.cjs": `${HELLO} setInterval(() => {}, 1000);` } });
  const host = await startHost({ appDir: app.dir, env: {} });
  await host.kill();
  await expect.poll(() => isRunning(host.workerPid()), within).toBe(false);
});

test("a worker whose host died while it was starting does not stay", async () => {
  const app = await newApp({ files: { "main.cjs": `${HELLO} setInterval(() => {}, 1000);` } });
  const main = fileURLToPath(new URL("../../../local/host/worker-main.ts", import.meta.url));
  const worker = spawn(process.execPath, ["--import", import.meta.resolve("tsx/esm"), main, app.dir], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  worker.disconnect();
  expect(await once(worker, "exit")).toEqual([1, null]);
});

test("host and worker end when the host's parent is killed", async () => {
  const app = await newApp({ files: { "main.cjs": HELLO } });
  const script = fileURLToPath(new URL("./host-parent.ts", import.meta.url));
  const tsx = createRequire(import.meta.url).resolve("tsx");
  const parent = spawn(process.execPath, ["--import", tsx, script, app.dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pids = await new Promise<number[]>((resolve) =>
    parent.stdout.once("data", (data) => resolve(JSON.parse(String(data)) as number[])),
  );
  expect(pids.map(isRunning)).toEqual([true, true]);
  parent.kill("SIGKILL");
  await expect.poll(() => pids.map(isRunning), within).toEqual([false, false]);
});

test("one host per group: HTTP has the port, the others their function alone; when one ends, all do", async () => {
  const app = await newApp({
    files: {
      "main.cjs": `const { app } = require("@azure/functions");
        app.http("pid", { handler: () => ({ jsonBody: process.ppid }) });
        for (const name of ["one", "two"]) app.storageQueue(name, { queueName: name, connection: "", handler() {} });`,
    },
  });
  const pids = new Map<string, number>();
  const nobodyListens =
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;QueueEndpoint=http://127.0.0.1:9/a;";
  const hosts = await startHosts({
    appDir: app.dir,
    env: { AzureWebJobsStorage: nobodyListens },
    keys: { master: "M" },
    instances: { "function:two": 2 },
    onLog: ({ instance = "", message }) => {
      const pid = /\(process (\d+)\)/.exec(message)?.[1];
      if (pid) pids.set(instance, Number(pid));
    },
  });
  expect(await (await fetch(`${hosts.url}/api/pid`)).json()).toBe(hosts.pid);
  const names = ["http", "function:one#1", "function:two#1", "function:two#2"];
  await expect.poll(() => [...pids.keys()].sort(), within).toEqual([...names].sort());
  process.kill(pids.get("function:one#1") ?? 0, "SIGKILL");
  expect(await hosts.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect([...pids.values()].map(isRunning)).toEqual([false, false, false, false]);
});
