import { createHash } from "node:crypto";
import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { ExpectStatic } from "vitest";
import { startHost } from "../../../local/host/start-host.ts";
import { fixtureApp } from "./fixture-app.ts";
import { BLOCKED } from "./parity-apps.ts";
import { type HostUnderTest, MASTER, type ParityWorld, type Seen } from "./parity-world.ts";

/** One behaviour of the real host, as the README lists it, and the proof that this one has it. */
export interface ParityRow {
  readonly behaviour: string;
  /** Section of functions-host.md; *host 4.1037* and *sdk* are the sources of azure-functions-host and azure-webjobs-sdk. */
  readonly fact: string;
  /** Rows that end what others look at take turns, in the order written here. */
  readonly turn?: "ending" | "ticking" | "last";
  /** `expect` is the test's own: the rows run at the same time. */
  readonly check: (world: ParityWorld, expect: ExpectStatic) => Promise<void>;
}

const soon = { timeout: 60_000, interval: 25 };

const http: ParityRow[] = [
  {
    behaviour:
      "functions are tried in order of their names, case ignored; the first that matches wins, specific or not",
    fact: "§2.1",
    async check({ serving }, expect) {
      expect(await textOf(serving, "/api/things/stats")).toBe("general stats");
    },
  },
  {
    behaviour:
      "routes are ASP.NET Core templates: constraints, optional and catch-all parameters, literals without case",
    fact: "§2.1",
    async check({ serving }, expect) {
      expect(await serving.json("/api/numbers/7")).toEqual({ n: "7" });
      expect(await serving.json("/API/Numbers/7/x%20y/")).toEqual({ n: "7", tail: "x y" });
      expect(await statusOf(serving, "/api/numbers/4")).toBe(404);
      expect(await statusOf(serving, "/api/numbers/seven")).toBe(404);
      expect(await serving.json("/api/files")).toEqual({});
    },
  },
  {
    behaviour:
      "the prefix of all routes is `api` or host.json's, which may be empty; without a route a function has its name",
    fact: "§2.1, §1.3",
    async check({ serving, quiet }, expect) {
      expect(await statusOf(serving, "/api/nothing")).toBe(204);
      expect(await statusOf(serving, "/nothing")).toBe(404);
      expect(await textOf(quiet, "/by-its-name")).toBe("here");
      expect(await statusOf(quiet, "/api/by-its-name")).toBe(404);
    },
  },
  {
    behaviour: "`%2F` in a path stays encoded, and a warning says so",
    fact: "own reading of ASP.NET Core; front ends *unconfirmed*",
    async check({ serving }, expect) {
      expect(await serving.json("/api/files/a/b%2Fc")).toEqual({ path: "a/b%2Fc" });
      await expect.poll(serving.messages, soon).toContainEqual(expect.stringContaining("%2F"));
    },
  },
  {
    behaviour: "a wrong method is no match: 404, never 405; HEAD is a method of its own",
    fact: "§2.1",
    async check({ serving }, expect) {
      expect(await statusOf(serving, "/api/echo")).toBe(404);
      expect(await statusOf(serving, "/api/nothing", { method: "HEAD" })).toBe(404);
      const answer = await serving.call("/api/heads", { method: "HEAD" });
      expect([answer.status, answer.headers.get("x-seen"), answer.headers.get("content-length")]).toEqual([
        200,
        "yes",
        "5",
      ]);
      expect(await answer.text()).toBe("");
    },
  },
  {
    behaviour:
      "a route that begins with `admin` or `runtime`, or that an earlier function has: in error, the others run",
    fact: "§2.1",
    async check({ serving }, expect) {
      expect(await textOf(serving, "/api/double")).toBe("one");
      expect(await statusOf(serving, "/api/double", { method: "POST" })).toBe(404);
      for (const reserved of ["administrators", "runtimes"])
        expect(await statusOf(serving, `/api/${reserved}`)).toBe(404);
      const inError = serving.log.filter((entry) => entry.category === "Host.Startup" && entry.level === "error");
      expect(inError.map((entry) => entry.function)).toEqual(["double-two", "reserved", "reserved-too"]);
    },
  },
  {
    behaviour: "a disabled function answers 404 to all but the master key; a queue or a timer is not listened to",
    fact: "§2.2, setting name *unconfirmed*",
    async check(world, expect) {
      const { serving, ticking } = world;
      expect(await statusOf(serving, "/api/off")).toBe(404);
      expect(await statusOf(serving, "/api/off", { headers: { "x-functions-key": "H" } })).toBe(404);
      expect(await (await serving.call("/api/off", { headers: MASTER })).text()).toBe("on");
      await world.send("off-queue", "nobody takes it");
      const past = world.asked.length;
      await expect.poll(() => world.asked.length, soon).toBeGreaterThan(past + 20);
      expect(world.asked.filter(({ queue }) => queue === "off-queue")).toEqual([]);
      const ticks = () => ticking.messages().filter((text) => text === "tick").length;
      await expect.poll(ticks, soon).toBeGreaterThan(1);
      expect(ticking.messages()).not.toContain("off-timer ran");
    },
  },
  {
    behaviour:
      "authLevel function takes the function's, a host or the master key, admin the master key; else 401, empty",
    fact: "§2.2",
    async check({ serving }, expect) {
      const answers = async (path: string, key?: string) => {
        const answer = await serving.call(path, key === undefined ? {} : { headers: { "x-functions-key": key } });
        return [answer.status, await answer.text()];
      };
      expect(await answers("/api/keyed")).toEqual([401, ""]);
      expect(await answers("/api/keyed", "wrong")).toEqual([401, ""]);
      for (const key of ["K", "H", "M"]) expect(await answers("/api/keyed", key)).toEqual([200, "in null"]);
      expect(await answers("/api/master-only", "H")).toEqual([401, ""]);
      expect(await answers("/api/master-only", "M")).toEqual([200, "in"]);
    },
  },
  {
    behaviour: "the key in the header wins over `?code=`, which the function sees too",
    fact: "§2.2",
    async check({ serving }, expect) {
      expect(await textOf(serving, "/api/keyed?code=K")).toBe("in K");
      expect(await statusOf(serving, "/api/keyed?code=K", { headers: { "x-functions-key": "wrong" } })).toBe(401);
    },
  },
  {
    behaviour: "the bytes of a body arrive exactly",
    fact: "§1.6",
    async check({ serving }, expect) {
      const body = Buffer.from([0, 1, 2, 255, 254, 13, 10, 0xc3, 0x28]);
      const answer = await serving.call("/api/echo", { method: "POST", body });
      expect(answer.headers.get("x-length")).toBe("9");
      const { sha256 } = (await answer.json()) as { sha256: string };
      expect(sha256).toBe(createHash("sha256").update(body).digest("hex"));
    },
  },
  {
    behaviour: "a chunked body arrives empty, and a warning says so",
    fact: "§1.6",
    async check({ serving }, expect) {
      const body = new Blob(["some bytes"]).stream();
      const answer = await serving.call("/api/echo", { method: "POST", body, duplex: "half" } as RequestInit);
      expect(answer.headers.get("x-length")).toBe("0");
      await expect.poll(serving.messages, soon).toContainEqual(expect.stringContaining("without Content-Length"));
    },
  },
  {
    behaviour: "repeated query values and headers are joined with a comma",
    fact: "§1.6",
    async check({ serving }, expect) {
      const url = `${serving.url}/api/echo?q=1&q=2&x=`;
      const headers = { "X-Twice": ["one", "two"], "content-length": "0" };
      const answer = await new Promise<string>((resolve, reject) => {
        request(url, { method: "POST", headers }, async (response) => resolve((await response.toArray()).join("")))
          .on("error", reject)
          .end();
      });
      expect(JSON.parse(answer)).toMatchObject({ q: "1,2", h: "one,two", url, method: "POST" });
    },
  },
  {
    behaviour: "a body over 104,857,600 bytes, or `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`: 413",
    fact: "§2.3, status *unconfirmed*",
    async check({ serving, ticking }, expect) {
      const post = (bytes: number) => statusOf(serving, "/api/echo", { method: "POST", body: Buffer.alloc(bytes) });
      expect(await post(1_000_001)).toBe(413);
      expect(await post(1_000_000)).toBe(201);
      expect(await announcing(ticking, 104_857_601, 60_000)).toBe(413);
      expect(await announcing(ticking, 104_857_600, 1_000)).toBe("waits for the body");
    },
  },
  {
    behaviour: "a handler that throws: 500, empty; one that returns nothing: 204",
    fact: "§2.3, 204 *unconfirmed*",
    async check({ serving }, expect) {
      const failed = await serving.call("/api/throws");
      expect([failed.status, await failed.text()]).toEqual([500, ""]);
      for (const path of ["/api/nothing", "/api/null"]) expect(await statusOf(serving, path)).toBe(204);
    },
  },
  {
    behaviour: "a caller's trace goes on in the function's `traceContext`",
    fact: "§1.8",
    async check({ serving }, expect) {
      const traceId = "0af7651916cd43dd8448eb211c80319c";
      const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: "a=b" };
      const context = await (await serving.call("/api/trace", { headers })).json();
      expect(context).toMatchObject({ traceParent: expect.stringContaining(traceId), traceState: "a=b" });
    },
  },
  {
    behaviour: "several cookies, each with its attributes; bytes have no content type",
    fact: "§1.6",
    async check({ serving }, expect) {
      const answer = await serving.call("/api/cookies");
      expect(answer.headers.getSetCookie()).toEqual([
        "a=1; max-age=60; path=/api; secure; samesite=strict; httponly",
        "b=2; path=/",
      ]);
      expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([0, 255, 10]);
      expect(answer.headers.get("content-type")).toBe(null);
    },
  },
  {
    behaviour: "registering a function after the start throws",
    fact: "§1.2",
    async check({ serving }, expect) {
      expect(await textOf(serving, "/api/late-registration")).toMatch(/only be registered during app startup/);
    },
  },
  {
    behaviour: "log lines carry function, invocation and level, filtered by host.json; what the app prints is one too",
    fact: "§1.4, §2.7",
    async check({ serving }, expect) {
      const invocationId = await textOf(serving, "/api/logs");
      const said = () =>
        serving.log.filter((e) => e.invocationId === invocationId && e.category === "Function.logs.User");
      await expect.poll(said, soon).toMatchObject([{ level: "warning", message: "careful 1", function: "logs" }]);
      await expect.poll(serving.messages, soon).toContain("printed by the app");
    },
  },
  {
    behaviour: "`/admin` by the master key: functions with their errors, status, a queue or timer function run by hand",
    fact: "§2.1, shapes *unconfirmed*",
    async check(world, expect) {
      const { serving } = world;
      expect(await statusOf(serving, "/admin/functions", { headers: { "x-functions-key": "H" } })).toBe(401);
      expect(await statusOf(serving, "/admin/host/ping")).toBe(200);
      const answer = await serving.call("/admin/functions", { headers: MASTER });
      const listed = (await answer.json()) as { name: string; error?: string; isDisabled: boolean }[];
      expect(listed.find((each) => each.name === "double-two")?.error).toMatch(/double-one/);
      expect(listed.find((each) => each.name === "off")?.isDisabled).toBe(true);
      const body = JSON.stringify({ input: '{"byHand":true}' });
      expect(await statusOf(serving, "/admin/functions/plain", { method: "POST", headers: MASTER, body })).toBe(202);
      await expect.poll(() => messagesSeen(world, "plain"), soon).toContainEqual({ byHand: true });
    },
  },
  {
    behaviour: "clocks that go faster than Azure's are told at start in one line, and in `/admin/host/status`",
    fact: "this host's own",
    async check({ serving, ticking }, expect) {
      const told = ticking.messages().filter((message) => message.startsWith("Clocks not as on Azure"));
      expect(told).toHaveLength(1);
      expect(told[0]).toContain("a received message is invisible for 4 s (Azure: 10 min)");
      const status = await serving.call("/admin/host/status", { headers: MASTER });
      expect(await status.json()).toMatchObject({
        state: "Running",
        clocks: ["an empty queue is asked at least every 0.1 s (Azure: host.json's maxPollingInterval)"],
      });
    },
  },
  {
    behaviour: "an app that cannot be loaded, or a host.json out of range, is no start",
    fact: "§1.4, §2.4",
    async check(_, expect) {
      const broken = await fixtureApp({ files: { "main.cjs": `throw new Error("broken on load");` } });
      const greedy = await fixtureApp({
        files: { "main.cjs": "" },
        hostJson: { extensions: { queues: { batchSize: 33 } } },
      });
      await Promise.all([
        expect(startHost({ appDir: broken.dir, env: {} })).rejects.toThrow(/main\.cjs[\s\S]*broken on load/),
        expect(startHost({ appDir: greedy.dir, env: {} })).rejects.toThrow(/batchSize must be an integer of 1 to 32/),
      ]);
      await Promise.all([broken.remove(), greedy.remove()]);
    },
  },
];

const queues: ParityRow[] = [
  {
    behaviour: "a queue is asked for `batchSize` messages, invisible for ten minutes; what ran is deleted",
    fact: "§2.4",
    async check(world, expect) {
      await world.send("plain", "first");
      await expect.poll(() => messagesSeen(world, "plain"), soon).toContain("first");
      await expect.poll(() => world.lengthOf("plain"), soon).toBe(0);
      const receive = world.asked.find((call) => call.queue === "plain" && call.query.numofmessages !== undefined);
      expect(receive?.query).toMatchObject({ numofmessages: "4", visibilitytimeout: "600" });
    },
  },
  {
    behaviour: "properties of a JSON message hide metadata of the same name, case ignored; arrays do not",
    fact: "§1.8",
    async check(world, expect) {
      const text = JSON.stringify({ buildId: "b1", DEQUEUECOUNT: 77, deep: { a: 1 }, list: [1], yes: true });
      const sent = await world.send("plain", text);
      const one = async () => (await world.seen("plain")).find(({ metadata }) => metadata.buildId === "b1");
      await expect.poll(one, soon).toBeDefined();
      const { message, metadata } = (await one()) as Seen;
      expect(message).toMatchObject({ buildId: "b1", list: [1] });
      expect(metadata).toMatchObject({ id: sent.messageId, dequeueCount: 77, deep: { a: 1 }, yes: "True" });
      expect(metadata).not.toHaveProperty("list");
      expect(metadata.insertionTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
    },
  },
  {
    behaviour: "a message that is not UTF-8 arrives as bytes",
    fact: "§1.8",
    async check(world, expect) {
      const bytes = [0xff, 0xfe, 0];
      await world.queues.getQueueClient("plain").sendMessage(Buffer.from(bytes).toString("base64"));
      await expect.poll(() => messagesSeen(world, "plain"), soon).toContainEqual({ type: "Buffer", data: bytes });
    },
  },
  {
    behaviour: "a queue that does not exist is waited for and not created",
    fact: "§2.4",
    async check(world, expect) {
      const asksFor = () => world.asked.filter((call) => call.queue === "late" && call.method === "GET").length;
      await expect.poll(asksFor, soon).toBeGreaterThan(1);
      expect(await world.queues.getQueueClient("late").exists()).toBe(false);
      await world.queues.createQueue("late");
      await world.send("late", "just text");
      await expect.poll(() => messagesSeen(world, "late"), soon).toEqual(["just text"]);
    },
  },
  {
    behaviour:
      "a message that fails comes back at once, runs five times and goes to the poison queue, which is created; a poison queue has none: its message stays, invisible",
    fact: "§2.4",
    async check(world, expect) {
      await world.send("failing", '{"n":1}');
      await expect.poll(() => world.lengthOf("failing"), soon).toBe(0);
      const failed = await world.seen("failing");
      expect(failed.map(({ metadata }) => metadata.dequeueCount)).toEqual([1, 2, 3, 4, 5]);
      const runs = async () => (await world.seen("failing-poison")).length;
      await expect.poll(runs, soon).toBe(5);
      expect((await world.seen("failing-poison"))[0]?.message).toEqual({ n: 1 });
      expect([await world.lengthOf("failing-poison"), await world.textsIn("failing-poison")]).toEqual([1, []]);
      expect(await world.queues.getQueueClient("failing-poison-poison").exists()).toBe(false);
    },
  },
  {
    behaviour: "what is not base64 goes to the poison queue as it is, without a run",
    fact: "§2.4",
    async check(world, expect) {
      await world.queues.getQueueClient("undecodable").sendMessage("not base64!");
      const poison = world.queues.getQueueClient("undecodable-poison");
      await expect.poll(() => poison.exists(), soon).toBe(true);
      const texts = async () => (await poison.peekMessages()).peekedMessageItems.map((item) => item.messageText);
      await expect.poll(texts, soon).toEqual(["not base64!"]);
      expect(await world.seen("undecodable")).toEqual([]);
    },
  },
  {
    behaviour: "at most batchSize + newBatchThreshold messages of a function run at once",
    fact: "§2.4",
    async check(world, expect) {
      await Promise.all(Array.from({ length: 20 }, (_, n) => world.send("many", String(n))));
      await expect.poll(async () => (await world.seen("many")).length, soon).toBe(20);
      const most = await world.serving.json<number>("/api/most");
      expect(most).toBeGreaterThan(1);
      expect(most).toBeLessThanOrEqual(6);
    },
  },
  {
    behaviour:
      "an output is base64 of indented JSON, one message an array element, text that is JSON split likewise, bytes as they are, nothing for undefined, null or an empty list; its queue is created when missing, delay and expiry are the queue service's",
    fact: "§2.5",
    async check(world, expect) {
      const post = (out: string) => statusOf(world.serving, ...posting(`({ out: ${out} })`));
      expect(await post(`{ id: "x", deep: { a: [] } }`)).toBe(202);
      expect(await post(`["text", { n: 1 }, 5, true]`)).toBe(202);
      expect(await post(`'[{"split": 1}, "two"]'`)).toBe(202);
      expect(await post("Buffer.from([0, 255])")).toBe(202);
      for (const nothing of ["undefined", "null", "[]"]) expect(await post(nothing)).toBe(202);
      expect(await world.textsIn("outgoing")).toEqual([
        `{\n  "id": "x",\n  "deep": {\n    "a": []\n  }\n}`,
        "text",
        '{\n  "n": 1\n}',
        "5",
        "True",
        '{\n  "split": 1\n}',
        "two",
        "\0\ufffd",
      ]);
      const chosen = world.asked.filter(
        ({ queue, query }) => queue === "outgoing" && ("visibilitytimeout" in query || "messagettl" in query),
      );
      expect(chosen).toEqual([]);
    },
  },
  {
    behaviour:
      "outputs are sent whatever status was chosen; a message over 48 KiB fails the invocation, and what was sent before or for another output stays sent; a handler that throws sends none",
    fact: "§2.5, §2.3",
    async check(world, expect) {
      const post = (values: string) => statusOf(world.serving, ...posting(`(${values})`));
      expect(await post(`{ large: "x".repeat(49152) }`)).toBe(202);
      expect(await post(`{ small: "with a 404", status: 404 }`)).toBe(404);
      expect(await post(`{ large: ["before", "x".repeat(49153), "after"], small: "sent all the same" }`)).toBe(500);
      expect(await world.textsIn("small")).toEqual(["with a 404", "sent all the same"]);
      expect((await world.textsIn("large")).map((text) => text.slice(0, 6))).toEqual(["xxxxxx", "before"]);
      expect(await post(`{ small: "never sent", fail: true }`)).toBe(500);
      expect(await world.lengthOf("small")).toBe(2);
    },
  },
  {
    behaviour:
      "an output that cannot be sent makes the message of a queue function come back, as a handler that throws does",
    fact: "§2.3",
    async check(world, expect) {
      await world.send("forwarding", "on");
      await expect.poll(() => world.lengthOf("forwarding"), soon).toBe(0);
      expect((await world.seen("forwarding")).map(({ metadata }) => metadata.dequeueCount)).toEqual([1, 2, 3, 4, 5]);
      expect(await world.textsIn("forwarding-poison")).toEqual(["on"]);
    },
  },
  {
    behaviour:
      "an output's message is taken at once by the host that sent it, one from elsewhere when its queue is asked next",
    fact: "§2.4",
    async check({ quiet, asked, queues }, expect) {
      const isReceive = (call: (typeof asked)[number]) =>
        call.queue === "waiting" && call.query.numofmessages !== undefined;
      // After a wait of 2.6 s or more comes one of 5.2 s or more.
      const hasJustBegunToWait = () => {
        const [before = 0, last = 0] = asked
          .filter(isReceive)
          .slice(-2)
          .map((call) => call.at);
        return last - before > 2_600 && Date.now() - last < 1_000;
      };
      await expect.poll(hasJustBegunToWait, { ...soon, interval: 10 }).toBe(true);
      await queues.getQueueClient("waiting").sendMessage("from elsewhere");
      expect(await statusOf(quiet, "/wake", { method: "POST" })).toBe(202);
      await expect.poll(quiet.messages, soon).toContain("woken: by an output");
      expect(quiet.messages()).not.toContain("waiting: from elsewhere");
      await expect.poll(quiet.messages, soon).toContain("waiting: from elsewhere");
    },
  },
  {
    behaviour: "with host.json's `messageEncoding` none, texts come and go as they are",
    fact: "§2.4",
    async check({ queues }, expect) {
      await queues.getQueueClient("echoing").sendMessage("no base64");
      const echoed = queues.getQueueClient("echoed");
      await expect.poll(() => echoed.exists(), soon).toBe(true);
      const texts = async () => (await echoed.peekMessages()).peekedMessageItems.map((item) => item.messageText);
      await expect.poll(texts, soon).toEqual(["no base64"]);
    },
  },
];

const ending: ParityRow[] = [
  {
    behaviour:
      "functionTimeout ends the worker, not the host: 500, and another worker serves; what else the old one ran is lost until its own functionTimeout",
    fact: "§2.7, host 4.1037",
    turn: "ending",
    async check({ ending }, expect) {
      const before = await ending.json<number>("/api/pid");
      const hanging = statusOf(ending, "/api/hang");
      await expect.poll(ending.messages, soon).toContainEqual(expect.stringMatching(/^Executing 'Functions.hang'/));
      const waiting = statusOf(ending, "/api/wait");
      expect(await hanging).toBe(500);
      await expect.poll(() => ending.workerPid(), soon).not.toBe(before);
      const after = ending.workerPid();
      expect(await waiting).toBe(500);
      expect(timeouts(ending)).toEqual(["hang", "wait"]);
      expect(await ending.json("/api/pid")).toBe(after);
    },
  },
  {
    behaviour:
      "a worker that ends with code 0 is missed only at the next functionTimeout, one with code 200 is replaced at once",
    fact: "host 4.1037",
    turn: "ending",
    async check({ ending }, expect) {
      const before = ending.workerPid();
      expect(await statusOf(ending, "/api/exit?status=0")).toBe(500);
      expect(timeouts(ending)).toContain("exit");
      await expect.poll(() => ending.workerPid(), soon).not.toBe(before);
      const between = ending.workerPid();
      const lost = statusOf(ending, "/api/exit?status=200");
      // Answered after its functionTimeout only, or never: this host ends sooner.
      lost.catch(() => {});
      await expect.poll(() => ending.workerPid(), soon).not.toBe(between);
      expect(ending.messages().filter((text) => /Process exited/.test(text))).toEqual([]);
    },
  },
  {
    behaviour: "a worker that crashes fails all it ran at once, HTTP with 500; another one serves",
    fact: "host 4.1037",
    turn: "ending",
    async check({ ending }, expect) {
      const before = ending.workerPid();
      const waiting = statusOf(ending, "/api/wait");
      const executing = () => ending.messages().filter((text) => /^Executing 'Functions.wait'/.test(text)).length;
      await expect.poll(executing, soon).toBe(2);
      expect(await statusOf(ending, "/api/exit?status=1")).toBe(500);
      expect(await waiting).toBe(500);
      expect(timeouts(ending).filter((name) => name === "wait")).toHaveLength(1);
      expect(ending.messages()).toContainEqual(expect.stringMatching(/^Language Worker Process exited.*code 1$/));
      await expect.poll(() => ending.workerPid(), soon).not.toBe(before);
    },
  },
  {
    behaviour: "an error that nobody catches crashes the worker; a failed message waits for `visibilityTimeout`",
    fact: "§2.4, host 4.1037",
    turn: "ending",
    async check(world, expect) {
      const { ending } = world;
      const before = ending.workerPid();
      await world.queues.getQueueClient("stuck").sendMessage("one");
      await expect.poll(ending.messages, soon).toContain("began one");
      expect(await statusOf(ending, "/api/uncaught")).toBe(500);
      expect(ending.messages()).toContainEqual(expect.stringContaining("nobody caught this"));
      await expect.poll(() => world.visibilitiesSet("stuck"), soon).toContain("1200");
      expect([await world.lengthOf("stuck"), await world.textsIn("stuck")]).toEqual([1, []]);
      await expect.poll(() => ending.workerPid(), soon).not.toBe(before);
    },
  },
  {
    behaviour: "a worker that does not react to its end is killed after five seconds",
    fact: "host 4.1037",
    async check(_, expect) {
      const app = await fixtureApp({
        files: { "main.cjs": BLOCKED },
        hostJson: { functionTimeout: "00:00:03" },
      });
      const host = await startHost({ appDir: app.dir, env: {} });
      const blocked = host.workerPid();
      expect((await fetch(`${host.url}/api/block`)).status).toBe(500);
      await expect.poll(() => host.workerPid(), soon).not.toBe(blocked);
      expect(await (await fetch(`${host.url}/api/hello`)).text()).toBe("hello");
      await host.stop();
      await app.remove();
    },
  },
  {
    behaviour: "the third crash with less than half an hour between them ends the host; the platform starts it again",
    fact: "host 4.1037",
    turn: "ending",
    async check({ ending }, expect) {
      process.kill(ending.workerPid(), "SIGKILL");
      expect(await ending.exited).toEqual({ code: 1, signal: null });
      expect(ending.messages().at(-1)).toMatch(/Exceeded language worker restart retry count/);
    },
  },
];

const timers: ParityRow[] = [
  {
    behaviour: "the invisibility of a message is renewed while its function runs, when half of it is over",
    fact: "§2.4",
    turn: "ticking",
    async check(world, expect) {
      await world.send("slow", "once");
      await expect.poll(() => world.lengthOf("slow"), soon).toBe(1);
      await expect.poll(() => world.lengthOf("slow"), soon).toBe(0);
      expect(world.visibilitiesSet("slow")).toContain("4");
      expect(world.ticking.messages().filter((text) => /^Executing 'Functions.slow'/.test(text))).toHaveLength(1);
    },
  },
  {
    behaviour: "a timer whose stored occurrence has passed runs at the start, past due; its status blob moves on",
    fact: "§2.6",
    turn: "ticking",
    async check(world, expect) {
      await expect
        .poll(() => world.ticking.json("/api/seen"), soon)
        .toMatchObject([
          {
            timer: {
              isPastDue: true,
              schedule: { adjustForDST: true },
              scheduleStatus: { next: "2026-01-02T03:00:00.000Z" },
            },
            metadata: null,
          },
        ]);
      await expect.poll(async () => (await world.nextNight()) > new Date(), soon).toBe(true);
    },
  },
  {
    behaviour: "a timer can be run by hand; that run is not past due",
    fact: "§2.1, §2.6",
    turn: "ticking",
    async check({ ticking }, expect) {
      const fired = { method: "POST", headers: MASTER, body: "{}" };
      expect(await statusOf(ticking, "/admin/functions/Nightly", fired)).toBe(202);
      await expect.poll(() => ticking.json("/api/seen"), soon).toMatchObject([{}, { timer: { isPastDue: false } }]);
    },
  },
  {
    behaviour:
      "of several hosts on one storage one runs a timer, by a lease on a lock blob; it passes on when that host stops",
    fact: "§2.6, sdk",
    turn: "ticking",
    async check(world, expect) {
      const second = await world.startTicking();
      const ticks = (host: HostUnderTest) => host.messages().filter((text) => text === "tick").length;
      const had = ticks(world.ticking);
      await expect.poll(() => ticks(world.ticking), soon).toBeGreaterThan(had + 1);
      expect(ticks(second)).toBe(0);
      await world.ticking.stop();
      await expect.poll(() => ticks(second), soon).toBeGreaterThan(0);
      await second.stop();
    },
  },
  {
    behaviour:
      "`FUNCTIONS_TARGET_GROUP` (`http`, `function:<name>`) makes a host listen for that group alone, as on Flex",
    fact: "§3, host 4.1037",
    turn: "ticking",
    async check(world, expect) {
      await world.queues.getQueueClient("elsewhere").clearMessages();
      const asks = () => world.asked.filter((call) => call.queue === "elsewhere" && call.method === "GET").length;
      const [timer, before] = [await world.startTicking("function:every-second"), asks()];
      await expect.poll(timer.messages, soon).toContain("tick");
      expect(asks()).toBe(before);
      const queue = await world.startTicking("Function:elsewhere");
      await world.send("elsewhere", "me");
      await expect.poll(queue.messages, soon).toContain("got me");
      expect(queue.messages()).not.toContain("tick");
      await Promise.all([timer.stop(), queue.stop()]);
    },
  },
  {
    behaviour: "what a killed host was running comes back to another one, counted, when its invisibility is over",
    fact: "§2.4",
    turn: "ticking",
    async check(world, expect) {
      const first = await world.startTicking("function:slow");
      await world.send("slow", "twice");
      await expect.poll(first.messages, soon).toContain("slow, time 1");
      await first.kill();
      const second = await world.startTicking("function:slow");
      await expect.poll(second.messages, soon).toContain("slow, time 2");
      await expect.poll(() => world.lengthOf("slow"), soon).toBe(0);
      await second.stop();
    },
  },
];

const last: ParityRow[] = [
  {
    behaviour:
      "SIGTERM: nothing new is taken (503 to a request that was being sent), what runs finishes, then the appTerminate hooks run",
    fact: "§2.4, §1.4",
    turn: "last",
    async check(world, expect) {
      const { serving } = world;
      await world.send("at-stop", "it");
      const began = () => serving.messages().filter((text) => /^Executing 'Functions.at-stop'/.test(text)).length;
      await expect.poll(began, soon).toBe(1);
      const half = halfRequest(serving.url);
      await half.begun;
      // Served after it, so it has begun at the host, too.
      expect(await statusOf(serving, "/api/nothing")).toBe(204);
      const stopped = serving.stop();
      await expect.poll(serving.messages, soon).toContain("Stopping: SIGTERM");
      half.finish();
      await expect(serving.call("/api/nothing")).rejects.toThrow();
      await world.send("plain", "too late");
      await stopped;
      expect(await serving.exited).toEqual({ code: 0, signal: null });
      expect(await half.answer).toMatch(/^HTTP\/1\.1 503 /);
      expect(await world.lengthOf("at-stop")).toBe(0);
      expect(await world.lengthOf("plain")).toBe(1);
      const said = serving.messages();
      expect(said).toContain("finished it");
      expect(said.indexOf("appTerminate ran")).toBeGreaterThan(said.indexOf("finished it"));
    },
  },
];

export const PARITY_ROWS: readonly ParityRow[] = [...http, ...queues, ...ending, ...timers, ...last];

async function textOf(host: HostUnderTest, path: string): Promise<string> {
  return (await host.call(path)).text();
}

async function statusOf(host: HostUnderTest, path: string, init?: RequestInit): Promise<number> {
  return (await host.call(path, init)).status;
}

function posting(values: string): [string, RequestInit] {
  return ["/api/send", { method: "POST", body: values }];
}

async function messagesSeen(world: ParityWorld, queue: string): Promise<unknown[]> {
  return (await world.seen(queue)).map(({ message }) => message);
}

/** The functions that ran into their functionTimeout, in order. */
function timeouts(host: HostUnderTest): (string | undefined)[] {
  return host.messages().flatMap((text) => /^Timeout value of \d+ ms exceeded by function (.+)$/.exec(text)?.[1] ?? []);
}

/** The status of a request whose body of so many bytes is announced and never sent, if it comes in time. */
function announcing(host: HostUnderTest, bytes: number, withinMs: number): Promise<number | "waits for the body"> {
  return new Promise((resolve, reject) => {
    const headers = { "content-length": bytes };
    const call = request(`${host.url}/api/seen`, { method: "POST", headers, timeout: withinMs }, ({ statusCode }) => {
      resolve(statusCode!);
      call.destroy();
    });
    call.on("timeout", () => {
      resolve("waits for the body");
      call.destroy();
    });
    call.on("error", reject);
    call.flushHeaders();
  });
}

/** A request that is under way for as long as a test wants. */
function halfRequest(url: string) {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  const begun = new Promise<void>((resolve) => socket.write("GET /api/nothing HTTP/1.1\r\n", () => resolve()));
  return { begun, answer: text(socket), finish: () => socket.write(`host: ${host}\r\n\r\n`) };
}
