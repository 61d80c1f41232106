import { createHash } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LogEntry } from "../../../local/host/log.ts";
import { type RunningHost, startHost } from "../../../local/host/start-host.ts";
import { type FixtureApp, fixtureApp } from "./fixture-app.ts";

const MAIN = `
const { app } = require("@azure/functions");
const { createHash } = require("node:crypto");
app.hook.appStart(() => console.log("printed by the app"));
app.http("zz-specific", { route: "things/stats", handler: () => ({ body: "specific" }) });
app.http("aa-general", { route: "things/{id}", handler: (req) => ({ body: "general " + req.params.id }) });
app.http("by-number", { route: "numbers/{n:int:min(5)}/{tail?}", methods: ["GET"], handler: (req) => ({ jsonBody: { ...req.params } }) });
app.http("rest", { route: "files/{*path}", handler: (req) => ({ jsonBody: { ...req.params } }) });
app.http("Echo", { methods: ["POST"], handler: async (req) => {
  const bytes = Buffer.from(await req.arrayBuffer());
  return { status: 201, headers: { "X-Length": String(bytes.length) }, jsonBody: {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    q: req.query.get("q"), h: req.headers.get("x-twice"), url: req.url, method: req.method,
  } };
} });
app.http("throws", { handler: () => { throw new Error("boom"); } });
app.http("nothing", { handler: () => undefined });
app.http("cookies", { handler: () => ({ body: Buffer.from([0, 255, 10]), cookies: [
  { name: "a", value: "1", path: "/api", maxAge: 60, secure: true, httpOnly: true, sameSite: "Strict" }, { name: "b", value: "2" },
] }) });
app.http("heads", { methods: ["HEAD", "GET"], handler: () => ({ headers: { "x-seen": "yes" }, body: "12345" }) });
app.http("keyed", { authLevel: "function", handler: () => ({ body: "in" }) });
app.http("master-only", { authLevel: "admin", handler: () => ({ body: "in" }) });
app.http("off", { handler: () => ({ body: "on" }) });
app.http("double-one", { route: "double", methods: ["GET"], handler: () => ({ body: "one" }) });
app.http("double-two", { route: "Double", methods: ["GET", "POST"], handler: () => ({ body: "two" }) });
app.http("reserved", { route: "administrators", handler: () => ({ body: "x" }) });
app.http("logs", { handler: (req, context) => { context.warn("careful", 1); context.debug("hidden"); return { body: context.invocationId }; } });
`;

let app: FixtureApp;
let host: RunningHost;
const log: LogEntry[] = [];

beforeAll(async () => {
  app = await fixtureApp({ files: { "main.cjs": MAIN } });
  host = await startHost({
    appDir: app.dir,
    env: { "AzureWebJobs.off.Disabled": "true", FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: "1000000" },
    keys: { master: "M", host: { default: "H" }, functions: { KEYED: { default: "K" } } },
    onLog: (entry) => log.push(entry),
  });
});
afterAll(async () => {
  await host?.stop();
  await app?.remove();
});

const call = (path: string, init?: RequestInit) => fetch(host.url + path, init);

describe("routing", () => {
  test("takes the first function by name that matches, not the most specific", async () => {
    expect(await (await call("/api/things/stats")).text()).toBe("general stats");
  });

  test("applies constraints and leaves out absent parameters", async () => {
    expect(await (await call("/api/numbers/7")).json()).toEqual({ n: "7" });
    expect(await (await call("/API/Numbers/7/x%20y/")).json()).toEqual({ n: "7", tail: "x y" });
    expect((await call("/api/numbers/4")).status).toBe(404);
    expect((await call("/api/numbers/seven")).status).toBe(404);
  });

  test("gives a catch-all the rest of the path", async () => {
    expect(await (await call("/api/files/a/b%2Fc")).json()).toEqual({ path: "a/b%2Fc" });
    expect(await (await call("/api/files")).json()).toEqual({});
  });

  test("answers a wrong method with 404, never 405", async () => {
    expect((await call("/api/echo")).status).toBe(404);
    expect((await call("/api/heads", { method: "POST" })).status).toBe(404);
  });

  test("puts a second function on the same route in error and serves the first", async () => {
    expect(await (await call("/api/double")).text()).toBe("one");
    expect((await call("/api/double", { method: "POST" })).status).toBe(404);
    expect(
      log
        .filter((entry) => entry.category === "Host.Startup" && entry.level === "error")
        .map((entry) => entry.function),
    ).toEqual(["double-two", "reserved"]);
    expect((await call("/api/administrators")).status).toBe(404);
  });

  test("answers a disabled function with 404", async () => {
    expect((await call("/api/off")).status).toBe(404);
  });
});

describe("requests", () => {
  test("hands over the exact bytes of a body", async () => {
    const body = Buffer.from([0, 1, 2, 255, 254, 13, 10, 0xc3, 0x28]);
    const answer = await call("/api/echo", { method: "POST", body });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("x-length")).toBe("9");
    expect(((await answer.json()) as { sha256: string }).sha256).toBe(createHash("sha256").update(body).digest("hex"));
  });

  test("joins repeated query values and headers with a comma", async () => {
    const headers = { "X-Twice": ["one", "two"], "content-length": "0" };
    const answer = await new Promise<string>((resolve, reject) => {
      request(`${host.url}/api/echo?q=1&q=2&x=`, { method: "POST", headers }, (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve(text));
      })
        .on("error", reject)
        .end();
    });
    expect(JSON.parse(answer)).toMatchObject({
      q: "1,2",
      h: "one,two",
      url: `${host.url}/api/echo?q=1&q=2&x=`,
      method: "POST",
    });
  });

  test("drops a chunked body, as the real host does, and says so", async () => {
    const body = new Blob(["some bytes"]).stream();
    const answer = await call("/api/echo", { method: "POST", body, duplex: "half" } as RequestInit);
    expect(answer.headers.get("x-length")).toBe("0");
    await expect.poll(() => log.filter((entry) => /without Content-Length/.test(entry.message)).length).toBe(1);
  });

  test("refuses a body over the limit with 413", async () => {
    expect((await call("/api/echo", { method: "POST", body: Buffer.alloc(1_000_001) })).status).toBe(413);
    expect((await call("/api/echo", { method: "POST", body: Buffer.alloc(1_000_000) })).status).toBe(201);
  });
});

describe("responses", () => {
  test("a throw is 500 without a body, nothing returned is 204", async () => {
    const failed = await call("/api/throws");
    expect([failed.status, await failed.text()]).toEqual([500, ""]);
    expect((await call("/api/nothing")).status).toBe(204);
  });

  test("writes cookies and bytes", async () => {
    const answer = await call("/api/cookies");
    expect(answer.headers.getSetCookie()).toEqual([
      "a=1; max-age=60; path=/api; secure; samesite=strict; httponly",
      "b=2; path=/",
    ]);
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([0, 255, 10]);
    expect(answer.headers.get("content-type")).toBe(null);
  });

  test("answers HEAD with headers alone when the function asks for it", async () => {
    const answer = await call("/api/heads", { method: "HEAD" });
    expect([
      answer.status,
      answer.headers.get("x-seen"),
      answer.headers.get("content-length"),
      await answer.text(),
    ]).toEqual([200, "yes", "5", ""]);
    expect((await call("/api/nothing", { method: "HEAD" })).status).toBe(404);
  });
});

describe("keys", () => {
  const status = async (path: string, key?: string) => {
    const answer = await call(path, key === undefined ? {} : { headers: { "x-functions-key": key } });
    return [answer.status, await answer.text()];
  };

  test("authLevel function takes the function's, a host or the master key", async () => {
    expect(await status("/api/keyed")).toEqual([401, ""]);
    expect(await status("/api/keyed", "wrong")).toEqual([401, ""]);
    for (const key of ["K", "H", "M"]) expect(await status("/api/keyed", key)).toEqual([200, "in"]);
  });

  test("the header wins over ?code=", async () => {
    expect(await status("/api/keyed?code=K")).toEqual([200, "in"]);
    expect(await status("/api/keyed?code=K", "wrong")).toEqual([401, ""]);
  });

  test("authLevel admin takes the master key alone", async () => {
    expect(await status("/api/master-only", "H")).toEqual([401, ""]);
    expect(await status("/api/master-only", "M")).toEqual([200, "in"]);
  });

  test("the admin API is behind the master key", async () => {
    expect((await status("/admin/functions", "H"))[0]).toBe(401);
    expect((await status("/admin/host/ping"))[0]).toBe(200);
    const [code, text] = await status("/admin/functions", "M");
    expect(code).toBe(200);
    const listed = JSON.parse(String(text)) as { name: string; error?: string; isDisabled: boolean }[];
    expect(listed.find((each) => each.name === "double-two")?.error).toMatch(/double-one/);
    expect(listed.find((each) => each.name === "off")?.isDisabled).toBe(true);
    expect(JSON.parse(String((await status("/admin/host/status", "M"))[1]))).toMatchObject({ state: "Running" });
  });
});

test("what a function logs carries function, invocation and level, filtered by host.json", async () => {
  const invocationId = await (await call("/api/logs")).text();
  const entries = () =>
    log.filter((entry) => entry.invocationId === invocationId && entry.category === "Function.logs.User");
  await expect
    .poll(() => entries().map(({ level, message, function: name }) => ({ level, message, name })))
    .toEqual([{ level: "warning", message: "careful 1", name: "logs" }]);
  expect(log.some((entry) => entry.message === "printed by the app" && entry.level === "information")).toBe(true);
});
