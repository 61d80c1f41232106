/** The apps whose behaviour parity-rows.ts describes. */

/** Every kind of HTTP function, and queue functions that note what they were given. */
export const SERVING = `
const { app, output } = require("@azure/functions");
const { createHash } = require("node:crypto");
app.hook.appStart(() => console.log("printed by the app"));
app.hook.appTerminate(() => console.log("appTerminate ran"));

app.http("zz-specific", { route: "things/stats", handler: () => ({ body: "specific" }) });
app.http("AA-general", { route: "things/{id}", handler: (req) => ({ body: "general " + req.params.id }) });
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
app.http("null", { handler: () => null });
app.http("cookies", { handler: () => ({ body: Buffer.from([0, 255, 10]), cookies: [
  { name: "a", value: "1", path: "/api", maxAge: 60, secure: true, httpOnly: true, sameSite: "Strict" }, { name: "b", value: "2" },
] }) });
app.http("heads", { methods: ["HEAD", "GET"], handler: () => ({ headers: { "x-seen": "yes" }, body: "12345" }) });
app.http("keyed", { authLevel: "function", handler: (req) => ({ body: "in " + req.query.get("code") }) });
app.http("master-only", { authLevel: "admin", handler: () => ({ body: "in" }) });
app.http("off", { handler: () => ({ body: "on" }) });
app.http("double-one", { route: "double", methods: ["GET"], handler: () => ({ body: "one" }) });
app.http("double-two", { route: "Double", methods: ["GET", "POST"], handler: () => ({ body: "two" }) });
app.http("reserved", { route: "administrators", handler: () => ({ body: "x" }) });
app.http("reserved-too", { route: "runtimes", handler: () => ({ body: "x" }) });
app.http("trace", { handler: (req, context) => ({ jsonBody: context.traceContext }) });
app.http("late-registration", { handler: () => {
  try { app.http("too-late", { handler: () => ({}) }); return { body: "registered" }; } catch (error) { return { body: error.message }; }
} });
app.http("logs", { handler: (req, context) => { context.warn("careful", 1); context.debug("hidden"); return { body: context.invocationId }; } });

const seen = [];
app.http("seen", { handler: () => ({ jsonBody: seen }) });
const listen = (name, handler) => app.storageQueue(name, { queueName: name, connection: "MyStorage", handler: (message, context) => {
  seen.push({ queue: name, message, metadata: context.triggerMetadata });
  return handler?.(message, context);
} });
listen("plain");
listen("late");
listen("off-queue");
listen("undecodable");
listen("failing", () => { throw new Error("not today"); });
listen("failing-poison", () => { throw new Error("never"); });
let now = 0, most = 0;
listen("many", async () => {
  most = Math.max(most, ++now);
  await new Promise((done) => setTimeout(done, 50));
  now -= 1;
});
app.http("most", { handler: () => ({ jsonBody: most }) });
listen("at-stop", async (message, context) => { await new Promise((done) => setTimeout(done, 5000)); context.log("finished " + message); });

const outputTo = (queueName) => output.storageQueue({ queueName, connection: "MyStorage" });
const outputs = { out: outputTo("%OUT_QUEUE%"), large: outputTo("large"), small: outputTo("small") };
app.storageQueue("forwarding", { queueName: "forwarding", connection: "MyStorage", return: outputs.large, handler: (message, context) => {
  seen.push({ queue: "forwarding", message, metadata: context.triggerMetadata });
  return "x".repeat(49153);
} });
app.http("send", { methods: ["POST"], extraOutputs: Object.values(outputs), handler: async (request, context) => {
  const values = new Function("return " + (await request.text()))();
  for (const [name, output] of Object.entries(outputs)) context.extraOutputs.set(output, values[name]);
  if (values.fail) throw new Error("after setting outputs");
  return { status: values.status ?? 202 };
} });
`;

/** Ends its process in every way there is. */
export const ENDING = `
const { app } = require("@azure/functions");
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
app.http("pid", { handler: () => ({ jsonBody: process.pid }) });
app.http("hang", { handler: () => new Promise(() => {}) });
app.http("wait", { handler: () => new Promise(() => {}) });
app.http("exit", { handler: (req) => { process.exit(Number(req.query.get("status"))); } });
app.http("uncaught", { handler: () => { setTimeout(() => { throw new Error("nobody caught this"); }); return sleep(60000); } });
app.storageQueue("stuck", { queueName: "stuck", connection: "", handler: (message, context) => { context.log("began " + message); return new Promise(() => {}); } });
`;

/** One timer that is due once a night, two that fire every second, one of them disabled, and a queue function that takes longer than its message is invisible. */
export const TICKING = `
const { app } = require("@azure/functions");
const seen = [];
app.http("seen", { handler: () => ({ jsonBody: seen }) });
app.timer("nightly", { schedule: "%SCHEDULE%", handler: (timer, context) => { seen.push({ timer, metadata: context.triggerMetadata ?? null }); } });
app.timer("every-second", { schedule: "* * * * * *", handler: () => console.log("tick") });
app.timer("off-timer", { schedule: "* * * * * *", handler: () => console.log("off-timer ran") });
app.storageQueue("elsewhere", { queueName: "elsewhere", connection: "", handler: (message) => console.log("got " + message) });
app.storageQueue("slow", { queueName: "slow", connection: "", handler: (message, context) => {
  console.log("slow, time " + context.triggerMetadata.dequeueCount);
  return new Promise((done) => setTimeout(done, 5000));
} });
`;

/** Listens to two queues at the pace of host.json's defaults. */
export const QUIET = `
const { app, output } = require("@azure/functions");
app.http("by-its-name", { handler: () => ({ body: "here" }) });
const woken = output.storageQueue({ queueName: "woken", connection: "" });
app.http("wake", { methods: ["POST"], extraOutputs: [woken], handler: (req, context) => {
  context.extraOutputs.set(woken, "by an output");
  return { status: 202 };
} });
app.storageQueue("echoing", { queueName: "echoing", connection: "", return: output.storageQueue({ queueName: "echoed", connection: "" }), handler: (message) => message });
for (const name of ["woken", "waiting"]) app.storageQueue(name, { queueName: name, connection: "", handler: (message) => console.log(name + ": " + message) });
`;

/** Stops its own event loop, without taking the processor's time. */
export const BLOCKED = `
const { app } = require("@azure/functions");
app.http("block", { handler: () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); } });
app.http("hello", { handler: () => ({ body: "hello" }) });
`;
