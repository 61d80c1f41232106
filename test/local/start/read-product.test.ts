import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type ProductSources, readProduct } from "../../../local/screen/read-product.ts";
import { isSettled, isTold, verdict } from "../../../local/start/verdict.ts";
import { commit, digest, push, runOf, seenOf, succeeded } from "./view-of.ts";

let server: Server | undefined;
afterEach(async () => {
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

async function product(answers: Record<string, unknown>): Promise<{ sources: ProductSources; asked: string[] }> {
  const asked: string[] = [];
  server = createServer((request, response) => {
    const path = request.url!.slice("/api/".length);
    asked.push(path);
    const answer = request.headers["x-functions-key"] === "read" ? answers[path.split("?")[0]!] : undefined;
    response.statusCode = answer === undefined ? 404 : 200;
    response.setHeader("connection", "close");
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const sources = {
    api: `http://127.0.0.1:${port}/api`,
    readKey: "read",
    statuses: () => [
      { context: "slipway/base", state: "success", description: "Built" },
      { context: "slipway/base", state: "pending", description: "Building" },
    ],
    head: async () => commit,
  };
  return { sources, asked };
}

test("shows open runs and the newest of each image, oldest first, and asks for an ended run once", async () => {
  const runs = [runOf("base", 4), succeeded("app", 3), succeeded("base", 2), succeeded("app", 1)];
  const details = Object.fromEntries(runs.map((run) => [`runs/${run.id}`, run]));
  const { sources, asked } = await product({ decisions: { decisions: [push] }, runs: { runs }, ...details });
  const seen = await readProduct(sources, undefined);
  expect(seen.runs.map((run) => run.id)).toEqual(["local-3", "local-4"]);
  expect(seen.open).toBe(1);
  expect(seen.statuses).toEqual([{ context: "slipway/base", state: "success", description: "Built" }]);
  asked.length = 0;
  expect(await readProduct(sources, seen)).toEqual(seen);
  expect(asked.filter((path) => path.startsWith("runs/"))).toEqual(["runs/local-4"]);
});

test("what people wrote cannot steer the terminal", async () => {
  const nasty = { ...push, cause: { ...push.cause, by: "\u001b[2Jeve\u009b31m\u202e" } };
  const { sources } = await product({ decisions: { decisions: [nasty] }, runs: { runs: [] } });
  const seen = await readProduct(sources, undefined);
  expect(seen.decisions[0]?.cause.by).toBe(" [2Jeve 31m ");
});

test("an API that refuses is an error that names the question", async () => {
  const { sources } = await product({});
  await expect(readProduct(sources, undefined)).rejects.toThrow(/GET decisions.*404/);
});

test("settled: the head was decided about and nothing is open", () => {
  expect(isSettled(seenOf([succeeded("base", 1)]))).toBe(true);
  expect(isSettled(seenOf([succeeded("base", 1), runOf("app", 2)]))).toBe(false);
  expect(isSettled(seenOf([succeeded("base", 1)], { commit: "another" }))).toBe(false);
  expect(isSettled(seenOf([succeeded("base", 1)], { decisions: [] }))).toBe(false);
});

test("told: GitHub shows no pending status of that commit", () => {
  const status = (state: string) => ({ context: `slipway/${state}`, state, description: null });
  expect(isTold(seenOf([], { statuses: [] }))).toBe(false);
  expect(isTold(seenOf([], { statuses: [status("success"), status("pending")] }))).toBe(false);
  expect(isTold(seenOf([], { statuses: [status("success"), status("failure")] }))).toBe(true);
});

test("the verdict: one line per image, and nothing more when all succeeded or had nothing to do", () => {
  const idle = { code: "nothing-changed", message: "nothing changed" };
  const runs = [succeeded("base", 1), runOf("app", 2, { status: "Skipped", ended: idle, digest: digest("c") })];
  expect(verdict(seenOf(runs))).toEqual({
    lines: [`base main Succeeded ${digest("a")}`, `app  -    Skipped   ${digest("c")}`],
    failures: [],
  });
});

test("the verdict names what did not succeed, and why", () => {
  const failed = runOf("base", 1, { status: "Failed", ended: { code: "failed", message: "RUN ended with 1" } });
  const skipped = [
    { reason: "dockerfile-missing", count: 1, images: ["app"], message: "there is no images/app/Dockerfile" },
  ];
  const decisions = [{ ...push, skipped, problems: [{ message: "unknown key" }] }];
  expect(verdict(seenOf([failed], { decisions }))).toEqual({
    lines: ["base - Failed -"],
    failures: [
      "base (local-1) Failed: RUN ended with 1",
      "slipway.yaml: unknown key",
      "app: there is no images/app/Dockerfile",
    ],
  });
  expect(verdict(seenOf([])).failures).toEqual(["nothing was built"]);
});

test("the verdict names a mistake of slipway.yaml once", () => {
  const message = "slipway.yaml line 4, version: is missing; write `version: 1`";
  const skipped = [{ reason: "invalid-config", count: 1, images: [], message }];
  const problems = [{ line: 4, key: "version", message: "is missing", fix: "write `version: 1`" }];
  const decisions = [{ ...push, planned: [], plannedCount: 0, skipped, problems }];
  expect(verdict(seenOf([], { decisions })).failures).toEqual([message]);
});
