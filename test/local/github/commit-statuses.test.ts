import { expect, it } from "vitest";
import { commitFiles } from "../../../local/github/commit-files.ts";
import type { GitHubOptions } from "../../../local/github/start-github.ts";
import { api, gitHub } from "./github-fixture.ts";

async function scene(options: Partial<GitHubOptions> = {}) {
  const github = await gitHub({ personalTokens: { ghp_octo: "octo" }, ...options });
  const { gitDir } = await github.createRepository("demo/platform");
  const sha = await commitFiles(gitDir, { branch: "main", files: { a: "1" }, message: "one" });
  await github.announce("demo/platform");
  const headers = { authorization: "token ghp_octo" };
  const post = (body: unknown, at = sha) =>
    api(github, `/repos/demo/platform/statuses/${at}`, { method: "POST", headers, body: JSON.stringify(body) });
  const get = (path: string) => api(github, `/repos/demo/platform/commits/${path}`);
  return { github, sha, post, get };
}

it("a status is posted, listed newest first and combined by its latest per context", async () => {
  const { github, sha, post, get } = await scene();
  expect((await get("main/status")).body).toMatchObject({ state: "pending", total_count: 0, sha });
  const posted = await post({
    state: "pending",
    context: "slipway/web",
    description: "waits",
    target_url: "https://x/1",
  });
  expect(posted).toMatchObject({
    status: 201,
    body: {
      state: "pending",
      context: "slipway/web",
      description: "waits",
      target_url: "https://x/1",
      creator: { login: "octo" },
    },
  });
  await post({ state: "success", context: "Slipway/WEB" });
  await post({ state: "success" });
  expect((await get(`${sha}/statuses`)).body.map(({ context }: { context: string }) => context)).toEqual([
    "default",
    "Slipway/WEB",
    "slipway/web",
  ]);
  expect((await get("heads/main/status")).body).toMatchObject({ state: "success", total_count: 2 });
  await post({ state: "error", context: "other" });
  expect((await get(`${sha}/status`)).body.state).toBe("failure");
  expect(github.statuses("demo/platform", sha)).toHaveLength(4);
  expect(github.ledger().filter(({ kind }) => kind === "status-posted")).toHaveLength(4);
});

it.each([
  ["an unknown state", { state: "done" }, "state"],
  ["no state", {}, "state"],
  ["a description of 141 characters", { state: "success", description: "x".repeat(141) }, "description"],
  ["a target that is not http", { state: "success", target_url: "javascript:alert(1)" }, "target_url"],
])("refuses %s", async (_, body, field) => {
  const { post } = await scene();
  expect(await post(body)).toMatchObject({
    status: 422,
    body: { message: "Validation Failed", errors: [{ resource: "Status", field }] },
  });
});

it("takes a description of exactly 140 characters, counted as characters", async () => {
  const { post } = await scene();
  expect((await post({ state: "success", description: "\u{1F6A2}".repeat(140) })).status).toBe(201);
});

it("refuses an unknown or short sha, a body that is no object, and callers without a token", async () => {
  const { github, sha, post } = await scene();
  expect((await post({ state: "success" }, "a".repeat(40))).body.message).toMatch(/^No commit found for SHA/);
  expect((await post({ state: "success" }, sha.slice(0, 7))).status).toBe(422);
  expect((await post([])).status).toBe(422);
  const path = `/repos/demo/platform/statuses/${sha}`;
  expect(await api(github, path, { method: "POST", body: "{}" })).toMatchObject({
    status: 401,
    body: { message: "Requires authentication" },
  });
  const headers = { authorization: "token ghp_octo" };
  expect((await api(github, path, { method: "POST", headers, body: "{" })).status).toBe(400);
  expect(
    (await api(github, path, { method: "POST", headers: { authorization: "token nope" }, body: "{}" })).status,
  ).toBe(401);
});

it("takes so many statuses per commit and context, and as many again for another context", async () => {
  const { post } = await scene({ limits: { statusesPerContext: 2 } });
  const codes: number[] = [];
  for (let n = 0; n < 3; n += 1) codes.push((await post({ state: "pending", context: "a" })).status);
  expect(codes).toEqual([201, 201, 422]);
  expect((await post({ state: "pending", context: "b" })).status).toBe(201);
});
