import { beforeAll, expect, test } from "vitest";
import { authorizationFailed } from "../../local/acr/fault-actions.ts";
import type { RunSummary } from "../../src/core/state/rows.ts";
import { useScenario } from "../support/scenario.ts";
import type { RunView, Story } from "../support/scenario-story.ts";

const scenario = useScenario();
let story: Story;
let first: string;
let second: string;
let topic: string;

interface RunsPage {
  readonly runs: RunSummary[];
  readonly next?: string;
}

// Six runs, told once and asked about by every test: two images on main, one of them rebuilt with its base, one on a branch.
beforeAll(async () => {
  story = await scenario.story("api");
  const push = "{ branches: [main, topic] }";
  const images = { base: {}, web: { from: ["base"] } };
  first = await story.pushed(images, { push });
  second = await story.pushed({ ...images, base: { content: "base 2\n" } }, { push });
  topic = await story.pushed({ page: { run: "echo one; echo two; echo three; exit 4" } }, { push, branch: "topic" });
  const other = await scenario.story("api-other");
  await other.pushed({ web: {} });
});

async function list(query: Readonly<Record<string, string>>): Promise<RunSummary[]> {
  return (await scenario.read<RunsPage>(`runs?${new URLSearchParams(query)}`)).runs;
}

const shown = (runs: readonly RunSummary[]) =>
  runs.map((r) => `${r.source} ${r.image} ${r.commit.slice(0, 7)} ${r.status}`);

test("runs by image, source, commit, branch and status, alone and together, newest first", async () => {
  const [a, b, t] = [first, second, topic].map((sha) => sha.slice(0, 7));
  expect(shown(await list({ source: "demo/api" }))).toEqual([
    `demo/api page ${t} Failed`,
    `demo/api web ${b} Succeeded`,
    `demo/api base ${b} Succeeded`,
    `demo/api web ${a} Succeeded`,
    `demo/api base ${a} Succeeded`,
  ]);
  expect(await list({ source: String(story.repository.id) })).toEqual(await list({ source: "DEMO/api" }));
  expect(shown(await list({ image: "base" }))).toEqual([
    `demo/api base ${b} Succeeded`,
    `demo/api base ${a} Succeeded`,
  ]);
  expect(shown(await list({ commit: first }))).toEqual([`demo/api web ${a} Succeeded`, `demo/api base ${a} Succeeded`]);
  expect(shown(await list({ branch: "topic" }))).toEqual([`demo/api page ${t} Failed`]);
  expect(shown(await list({ status: "Failed" }))).toEqual([`demo/api page ${t} Failed`]);
  expect(shown(await list({ image: "web", source: "demo/api", commit: second }))).toEqual([
    `demo/api web ${b} Succeeded`,
  ]);
  expect(shown(await list({ image: "web" }))).toHaveLength(3);
  expect((await scenario.ask("runs?source=demo/unknown")).status).toBe(404);
  expect(await list({ image: "unknown" })).toEqual([]);
  expect(await list({ status: "Planned" })).toEqual([]);
});

test("pages of two give every run once, in order, whatever is asked for", async () => {
  const queries: Record<string, string>[] = [
    {},
    { source: "demo/api" },
    { image: "web" },
    { source: "demo/api", status: "Succeeded" },
  ];
  for (const query of queries) {
    const whole = await list({ ...query, limit: "100" });
    const paged: RunSummary[] = [];
    let after: string | undefined;
    do {
      const search = new URLSearchParams({ ...query, limit: "2", ...(after ? { after } : {}) });
      const page = await scenario.read<RunsPage>(`runs?${search}`);
      expect(page.runs.length).toBeLessThanOrEqual(2);
      paged.push(...page.runs);
      after = page.next;
    } while (after);
    expect(paged).toEqual(whole);
  }
});

test("one run: reasons with old and new values, the chain of causes, times, attempts, digests and bases", async () => {
  const base = await story.ended("base", second);
  const web = await story.ended("web", second);
  expect(base.reasons).toEqual([{ kind: "commit", from: first, to: second, paths: ["images/base/base"] }]);
  const delivery = { kind: "delivery", id: story.delivery(second)!.guid, event: "push" };
  expect(base.cause).toEqual([expect.objectContaining(delivery)]);

  const reference = `${scenario.twin.registry.loginServer}/platform/api/base:main`;
  const before = await story.ended("base", first);
  expect(web.reasons).toEqual([{ kind: "base", reference, from: before.digest, to: base.digest, run: base.id }]);
  expect(web.cause).toEqual([{ kind: "run", id: base.id }, expect.objectContaining(delivery)]);
  expect(web.bases).toEqual({ [reference]: base.digest });
  expect(web.digest).toBe(await scenario.digest("platform/api/web"));
  expect(web.tags).toContain(`${scenario.twin.registry.loginServer}/platform/api/web:main`);
  const [acrRun] = scenario.acrRunsOf(web.id);
  expect(web.attempts).toEqual([
    expect.objectContaining({ number: 1, stage: "ended", acrRunId: acrRun!.runId, ended: "Succeeded" }),
  ]);
  const steps = ["Planned", "Preparing", "Scheduling", "Queued", "Succeeded"] as const;
  const times = steps.map((status) => web.times[status]);
  expect(times).not.toContain(undefined);
  expect([...times].sort()).toEqual(times);
});

test("a log: whole, from an offset, and beyond its end", async () => {
  const run = await story.ended("page", topic);
  const whole = await scenario.ask(`runs/${run.id}/log`);
  const text = await whole.text();
  expect(text).toMatch(/one\r?\ntwo\r?\nthree\r?\n/);
  expect(whole.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  const bytes = Buffer.byteLength(text);
  expect(whole.headers.get("x-slipway-log-next")).toBe(String(bytes));
  expect(whole.headers.get("x-slipway-log-complete")).toBe("true");
  const at = text.indexOf("two");
  expect(await (await scenario.ask(`runs/${run.id}/log?offset=${at}`)).text()).toBe(text.slice(at));
  for (const offset of [bytes, bytes + 1000]) {
    const rest = await scenario.ask(`runs/${run.id}/log?offset=${offset}&follow=true`);
    expect([rest.status, await rest.text(), rest.headers.get("x-slipway-log-complete")]).toEqual([200, "", "true"]);
  }
});

test("why, by tag and by digest", async () => {
  const why = async (reference: string) =>
    (await scenario.read<{ run: RunView }>(`why?reference=${encodeURIComponent(reference)}`)).run;
  const old = await story.ended("base", first);
  const now = await story.ended("base", second);
  const { loginServer } = scenario.twin.registry;
  expect((await why("platform/api/base:main")).id).toBe(now.id);
  expect((await why(`${loginServer}/platform/api/base:main`)).id).toBe(now.id);
  const unique = old.tags.find((tag) => !tag.endsWith(":main"))!;
  expect((await why(unique)).id).toBe(old.id);
  expect((await why(old.digest!)).id).toBe(old.id);
  expect((await why(`platform/api/base@${now.digest}`)).id).toBe(now.id);
  expect((await scenario.ask("why?reference=platform/nobody:main")).status).toBe(404);
});

test("health tells what is well, and in words what is not", async () => {
  const healthy = await scenario.read<{ ok: boolean; checks: { name: string; ok: boolean }[] }>("health");
  expect(healthy).toMatchObject({ ok: true });
  expect(healthy.checks.map((c) => [c.name, c.ok])).toEqual([
    ["storage", true],
    ["github", true],
    ["registry local", true],
  ]);

  const { acr, github } = scenario.twin;
  acr.faults.add({ operation: "getRegistry" }, authorizationFailed("read", acr.resourceId));
  github.faults.api.push({ status: 503, times: 3, path: "/app" });
  const ill = await scenario.ask("health");
  acr.faults.clear();
  github.faults.api.length = 0;
  expect(ill.status).toBe(503);
  expect(await ill.json()).toMatchObject({
    ok: false,
    checks: [
      { name: "storage", ok: true },
      { name: "github", ok: false, detail: expect.stringContaining("503") },
      { name: "registry local", ok: false, detail: expect.stringContaining("AuthorizationFailed") },
    ],
  });
});

test("keys: none is refused, the read key cannot write, and the keys are not each other's", async () => {
  const { readKey, writeKey } = scenario.twin.endpoints;
  const run = await story.ended("web");
  expect((await scenario.ask("runs", "")).status).toBe(401);
  expect((await scenario.ask("runs", "wrong")).status).toBe(401);
  expect((await scenario.ask("runs", writeKey)).status).toBe(401);
  expect((await scenario.tell(`runs/${run.id}/retry`, { key: readKey })).status).toBe(401);
  expect((await scenario.tell(`runs/${run.id}/retry`, { key: "" })).status).toBe(401);
  await scenario.rest();
  expect((await story.ended("web")).id).toBe(run.id);
});

test("what is wrong with a request is a problem document that names the part", async () => {
  const wrong: [string, number, string][] = [
    ["runs?limit=0", 400, "query.limit"],
    ["runs?limit=many&commit=abc", 400, "query.commit"],
    ["runs?colour=blue", 400, "colour"],
    ["runs?after=nonsense", 400, "query.after"],
    ["runs/local-999999", 404, "local-999999"],
    ["runs/local-1e3", 404, "local-1e3"],
    ["runs/elsewhere-1", 404, "elsewhere-1"],
    ["images/unknown", 404, "unknown"],
    ["decisions/unknown", 404, "unknown"],
    ["nothing/here", 404, "nothing/here"],
  ];
  for (const [path, status, named] of wrong) {
    const answer = await scenario.ask(path);
    const problem = (await answer.json()) as { title: string; status: number; detail: string };
    expect([path, answer.status, answer.headers.get("content-type")]).toEqual([
      path,
      status,
      expect.stringContaining("application/problem+json"),
    ]);
    expect(problem).toMatchObject({ status, detail: expect.stringContaining(named) });
  }
  const rebuild = await scenario.tell("images/web/rebuild", { body: { ref: "main" } });
  expect([rebuild.status, await rebuild.text()]).toEqual([400, expect.stringContaining("body.ref")]);
  const key = await scenario.tell("images/web/rebuild", { idempotencyKey: "not a key" });
  expect([key.status, await key.text()]).toEqual([400, expect.stringContaining("Idempotency-Key")]);
});

test("the OpenAPI document is valid JSON and names every route", async () => {
  const document = await scenario.read<{ openapi: string; paths: Record<string, object> }>("openapi.json");
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths).sort()).toEqual([
    "/decisions",
    "/decisions/{id}",
    "/decisions/{id}/replay",
    "/failures",
    "/failures/{id}/forget",
    "/failures/{id}/retry",
    "/graph",
    "/health",
    "/images",
    "/images/{name}",
    "/images/{name}/rebuild",
    "/pause",
    "/pauses",
    "/plans",
    "/resume",
    "/runs",
    "/runs/{id}",
    "/runs/{id}/cancel",
    "/runs/{id}/log",
    "/runs/{id}/retry",
    "/waves",
    "/waves/{id}",
    "/waves/{id}/continue",
    "/waves/{id}/stop",
    "/why",
  ]);
});
