import { beforeEach, describe, expect, it } from "vitest";
import { skipReasons } from "../../src/core/plan/reason.ts";
import { TransientError } from "../../src/errors.ts";
import { runOf } from "../core/state/rows-of.ts";
import { ApiWorld } from "./api-world.ts";

let world: ApiWorld;
beforeEach(() => {
  world = new ApiWorld();
});

describe("a path", () => {
  it.each(["nowhere", "runs/acme-1/log/more", "runs//log", "runs/%zz"])(
    "%s that leads nowhere is 404",
    async (path) => {
      const answer = await world.get(path);
      expect(answer.status).toBe(404);
      expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
      expect(answer.json).toMatchObject({ type: "about:blank", status: 404, title: "Not found" });
    },
  );

  it("asked with another method is 405 and says which it takes", async () => {
    const answer = await world.ask("DELETE", "runs");
    expect(answer.json).toMatchObject({ status: 405, detail: "runs takes GET" });
    expect(answer.headers.allow).toBe("GET");
    expect((await world.ask("GET", "runs/acme-1/retry")).json).toMatchObject({
      status: 405,
      detail: expect.stringContaining("POST"),
    });
  });

  it("is found with escapes in it, in other letters and with a slash at its end", async () => {
    await world.store([runOf()]);
    expect((await world.get("RUNS/acme%2D12/")).status).toBe(200);
  });

  it.each(["acme-13", "acme-0", "acme-012", "acme--12", "nowhere-12", "acme", "acme-12x", "acme-1e1", "-12"])(
    "to run %s, which is none, is 404",
    async (id) => {
      await world.store([runOf()]);
      expect((await world.get(`runs/${id}`)).status).toBe(404);
    },
  );
});

describe("a request that is wrong", () => {
  it("hears everything that is wrong with it at once", async () => {
    const answer = await world.get("runs", { limit: "1000", commit: "HEAD", colour: "red" });
    expect(answer.status).toBe(400);
    const errors = answer.json.errors as unknown as readonly { at: string; message: string }[];
    expect(errors.map((e) => e.at).toSorted()).toEqual(["query", "query.commit", "query.limit"]);
    expect(errors.find((e) => e.at === "query")?.message).toContain("colour");
    for (const { message } of errors) expect(answer.json.detail).toContain(message);
  });

  it("in its query and its body hears both", async () => {
    const answer = await world.ask("POST", "images/web/rebuild", {
      query: { ref: "x" },
      body: { ref: "main", force: true },
    });
    const errors = answer.json.errors as unknown as readonly { at: string }[];
    expect(errors.map((e) => e.at).toSorted()).toEqual(["body", "body.ref", "query"]);
  });

  it.each([
    ["GET", "runs", { limit: "many" }, 'query.limit: must be a whole number, found "many"'],
    ["GET", "runs", { limit: "1.5" }, 'query.limit: must be a whole number, found "1.5"'],
    ["GET", "runs", { limit: "0" }, 'query.limit: must be at least 1, found "0"'],
    ["GET", "runs", { limit: "1000" }, 'query.limit: must be at most 100, found "1000"'],
    ["GET", "runs", { commit: "HEAD" }, 'query.commit: must be 40 hex digits, found "HEAD"'],
    ["GET", "runs", { image: "" }, "query.image: must not be empty"],
    ["GET", "runs", { image: "x".repeat(201) }, "query.image: may have at most 200 characters"],
    ["GET", "graph", { format: "svg" }, 'query.format: must be json or dot, found "svg"'],
    ["GET", "graph", { colour: "red" }, 'query: "colour": not known here, there is format'],
    ["GET", "pauses", { image: "web" }, 'query: "image": not known here, nothing is taken'],
    ["GET", "why", {}, /^query.reference: reference is missing: say repo:tag, /],
    ["POST", "pause", {}, "body.why: why is missing: say what people who wait should read"],
    ["POST", "pause", { why: 7 }, "body.why: must be text, found 7"],
    ["POST", "pause", [], "body: must be a JSON object, found a list"],
    ["POST", "pause", { why: null }, "body.why: must be text, found null"],
    [
      "POST",
      "plans",
      { image: "web", ref: "main" },
      /^body.ref: must be a full ref, such as refs.heads.main, found "main"$/,
    ],
    ["POST", "plans", { source: "acme/platform" }, "body.ref: ref is missing: say a full ref, such as refs/heads/main"],
    ["POST", "plans", {}, /^body: one of /],
    ["POST", "plans", { base: "debian:12", force: true }, /^body: "force": not known here, there is base, digest, /],
    [
      "POST",
      "plans",
      { base: "debian:12", digest: "abc" },
      /^body.digest: must be sha256: and 64 hex digits, found "abc"$/,
    ],
  ])("%s %s %j is told in words what belongs there", async (method, path, given, detail) => {
    const asked = method === "GET" ? { query: given as Record<string, string> } : { body: given };
    const answer = await world.ask(method, path, asked);
    expect(answer.json).toMatchObject({
      status: 400,
      detail: typeof detail === "string" ? detail : expect.stringMatching(detail),
    });
    expect(answer.json.errors as unknown).toHaveLength(1);
  });

  it("hears a long list of values once, beside what is wrong", async () => {
    const { text, json } = await world.get("decisions", { reason: "none" });
    expect(json).toMatchObject({ errors: [{ at: "query.reason", takes: [...skipReasons] }] });
    expect(text.split("keeps-failing")).toHaveLength(2);
  });

  it("but not for the key that Functions takes in the query", async () => {
    expect((await world.get("runs", { code: "key" })).status).toBe(200);
  });

  it.each([
    [413, `{"ref":"${"x".repeat(65_536)}"}`],
    [400, "{not json"],
    [400, "[]"],
    [400, '"text"'],
  ])("is answered %i for its body", async (status, body) => {
    expect((await world.ask("POST", "images/web/rebuild", { body })).status).toBe(status);
  });
});

describe("storage that is away", () => {
  it("is 503, try again", async () => {
    world.rows.list = async () => {
      throw new TransientError("table storage: 503");
    };
    expect((await world.get("runs")).json).toMatchObject({ status: 503, detail: "table storage: 503" });
  });
});

describe("the OpenAPI document", () => {
  it("has every route with its parameters, and says which must be given", () => {
    const document = world.openApi() as {
      paths: Record<string, Record<string, { parameters: { name: string; in: string; required: boolean }[] }>>;
    };
    const written = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.slice(1)}`),
    );
    expect(written.toSorted()).toEqual(
      world
        .routes()
        .map((r) => `${r.method} ${r.template}`)
        .toSorted(),
    );
    const parameters = (path: string, method = "get") =>
      document.paths[path]![method]!.parameters.map((p) => `${p.in} ${p.name}${p.required ? "!" : ""}`);
    expect(parameters("/runs/{id}/log")).toEqual(["path id!", "query offset", "query follow"]);
    expect(parameters("/why")).toEqual(["query reference!"]);
    expect(parameters("/runs")).toContain("query limit");
    expect(JSON.stringify(document), "an answer that may have anything in it").not.toContain(
      '"additionalProperties":{}',
    );
  });
});
