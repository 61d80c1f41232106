import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { QueueServiceClient } from "@azure/storage-queue";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import type { LogEntry } from "../../../local/host/log.ts";
import { startHost } from "../../../local/host/start-host.ts";
import { type FixtureApp, fixtureApp } from "./fixture-app.ts";
import { isRunning } from "./is-running.ts";

const apps: FixtureApp[] = [];
let azurite: RunningAzurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(async () => {
  await azurite?.stop();
  await Promise.all(apps.map((app) => app.remove()));
});

async function newApp(...args: Parameters<typeof fixtureApp>): Promise<FixtureApp> {
  const app = await fixtureApp(...args);
  apps.push(app);
  return app;
}

const HELLO = `require("@azure/functions").app.http("hello", { handler: () => ({ body: "hello" }) });`;
const within = { timeout: 30_000, interval: 50 };

describe("loading", { timeout: 60_000 }, () => {
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

  test("says why when it cannot start", async () => {
    const app = await newApp({ files: { "main.cjs": `throw new Error("broken on load");` } });
    await expect(startHost({ appDir: app.dir, env: {} })).rejects.toThrow(
      /exit code 1\): .*main\.cjs[\s\S]*broken on load/,
    );
  });
});

describe("ending", { timeout: 60_000 }, () => {
  const SLOW = `
    const { app } = require("@azure/functions");
    app.hook.appTerminate(() => console.log("appTerminate ran"));
    app.storageQueue("work", { queueName: process.env.QUEUE, connection: "", handler: async (message, context) => {
      context.log("begin " + context.triggerMetadata.dequeueCount);
      await new Promise((done) => setTimeout(done, message.milliseconds));
      context.log("end");
    } });`;

  async function start(queueName: string, extra: { functionTimeout?: string } = {}) {
    const app = await newApp({ files: { "main.cjs": SLOW }, hostJson: extra });
    const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient(queueName);
    await queue.createIfNotExists();
    const log: LogEntry[] = [];
    const begin = () =>
      startHost({
        appDir: app.dir,
        env: { AzureWebJobsStorage: azurite.connectionString, QUEUE: queueName },
        maxPollingInterval: "00:00:00.100",
        receiveVisibility: "00:00:01",
        onLog: (entry) => log.push(entry),
      });
    const send = (milliseconds: number) =>
      queue.sendMessage(Buffer.from(JSON.stringify({ milliseconds })).toString("base64"));
    const messages = () => log.map((entry) => entry.message);
    return { begin, send, messages, left: async () => (await queue.getProperties()).approximateMessagesCount };
  }

  test("SIGTERM lets what runs finish, then runs the appTerminate hooks", async () => {
    const { begin, send, messages, left } = await start("graceful");
    const host = await begin();
    await send(700);
    await expect.poll(messages, within).toContain("begin 1");
    await host.stop();
    expect(await host.exited).toEqual({ code: 0, signal: null });
    expect(messages()).toContain("end");
    expect(messages()).toContain("appTerminate ran");
    expect(await left()).toBe(0);
  });

  test("SIGKILL loses the run, not the message", async () => {
    const { begin, send, messages, left } = await start("killed");
    const first = await begin();
    await send(700);
    await expect.poll(messages, within).toContain("begin 1");
    await first.kill();
    expect(await first.exited).toEqual({ code: null, signal: "SIGKILL" });
    expect(messages()).not.toContain("end");
    const second = await begin();
    await expect.poll(messages, within).toContain("begin 2");
    await expect.poll(left, within).toBe(0);
    expect(messages()).toContain("end");
    await second.stop();
  });

  test("functionTimeout ends the whole process", async () => {
    const { begin, send, messages } = await start("timeout", { functionTimeout: "00:00:01" });
    const host = await begin();
    await send(60_000);
    expect(await host.exited).toEqual({ code: 1, signal: null });
    expect(messages().some((message) => /Timeout value of 1000 ms exceeded by function work/.test(message))).toBe(true);
  });

  test("the host ends when its parent is killed", async () => {
    const app = await newApp({ files: { "main.cjs": HELLO } });
    const script = fileURLToPath(new URL("./host-parent.ts", import.meta.url));
    const tsx = createRequire(import.meta.url).resolve("tsx");
    const parent = spawn(process.execPath, ["--import", tsx, script, app.dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = await new Promise<number>((resolve) => parent.stdout.once("data", (data) => resolve(Number(data))));
    expect(isRunning(pid)).toBe(true);
    parent.kill("SIGKILL");
    await expect.poll(() => isRunning(pid), within).toBe(false);
  });
});
