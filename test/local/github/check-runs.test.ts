import { expect, it } from "vitest";
import { commitFiles } from "../../../local/github/commit-files.ts";
import { asApp, pullScene } from "./pull-scene.ts";

const path = "/repos/octo/hello/check-runs";

async function scene(options: Parameters<typeof pullScene>[0] = {}) {
  const made = await pullScene(options);
  const bot = await asApp(made.github);
  const create = (more: object = {}) => bot("POST", path, { name: "slipway/web", head_sha: made.head, ...more });
  const update = (id: number, body: object) => bot("PATCH", `${path}/${id}`, body);
  const list = async (query = "") => (await bot("GET", `/repos/octo/hello/commits/feature/check-runs${query}`)).body;
  return { ...made, bot, create, update, list };
}

const annotation = { path: "a", start_line: 1, end_line: 1, annotation_level: "warning", message: "m" };
const output = (more: object = {}) => ({ title: "t", summary: "s", ...more });

it("a run goes from queued to completed, is found by its external id, and both ends are told", async () => {
  const { create, update, list, told, head } = await scene();
  const { status, body } = await create({ external_id: "run-1", details_url: "https://x/1" });
  expect(status).toBe(201);
  expect(body).toMatchObject({ status: "queued", conclusion: null, head_sha: head, pull_requests: [] });
  expect((await update(body.id, { status: "in_progress" })).body.status).toBe("in_progress");
  const done = await update(body.id, { conclusion: "success", output: output() });
  expect(done.body).toMatchObject({ status: "completed", conclusion: "success", completed_at: expect.any(String) });
  const { total_count, check_runs } = await list();
  expect(total_count).toBe(1);
  expect(check_runs[0]).toMatchObject({ id: body.id, external_id: "run-1", details_url: "https://x/1" });
  expect((await told("check_run")).map(({ action }) => action)).toEqual(["created", "completed"]);
  // GitHub lets a late update take a conclusion back: whoever reports must not send one.
  expect((await update(body.id, { status: "in_progress" })).body).toMatchObject({
    conclusion: null,
    completed_at: null,
  });
});

it("annotations are added by every update, fifty at most each time", async () => {
  const { create, update, bot } = await scene();
  const fifty = Array.from({ length: 50 }, () => annotation);
  const { id } = (await create({ output: output({ annotations: fifty }) })).body;
  const refused = await update(id, { output: output({ annotations: [...fifty, annotation] }) });
  expect(refused).toMatchObject({ status: 422, body: { message: expect.stringContaining("No more than 50") } });
  expect((await update(id, { output: output({ annotations: [annotation] }) })).body.output.annotations_count).toBe(51);
  expect((await bot("GET", `${path}/${id}/annotations?per_page=100`)).body).toHaveLength(51);
});

it("updates at the same time all count", async () => {
  const { create, update, bot } = await scene();
  const { id } = (await create()).body;
  const annotated = () => update(id, { output: output({ annotations: [annotation] }) });
  await Promise.all([annotated(), annotated(), annotated(), update(id, { external_id: "kept" })]);
  expect((await bot("GET", `${path}/${id}`)).body).toMatchObject({
    external_id: "kept",
    output: { annotations_count: 3 },
  });
});

it.each([
  ["no head", { head_sha: undefined }, /./],
  ["an unknown head", { head_sha: "a".repeat(40) }, /^No commit found for SHA/],
  ["an unknown status", { status: "done" }, /./],
  ["GitHub's own conclusion", { conclusion: "stale" }, /./],
  ["completed without a conclusion", { status: "completed" }, /./],
  ["an output without summary", { output: { title: "t" } }, /./],
  ["a summary of 65,536 characters", { output: output({ summary: "x".repeat(65_536) }) }, /./],
  ["a text of 65,536 characters", { output: output({ text: "x".repeat(65_536) }) }, /./],
  ["a message over 64 KB", { output: output({ annotations: [{ ...annotation, message: "é".repeat(32_769) }] }) }, /./],
  ["four actions", { actions: Array(4).fill({ label: "l", description: "d", identifier: "i" }) }, /./],
  ["a label of 21 characters", { actions: [{ label: "x".repeat(21), description: "d", identifier: "i" }] }, /./],
  ["a details_url that is not http", { details_url: "javascript:alert(1)" }, /./],
])("refuses %s", async (_, body, message) => {
  const { create, list } = await scene();
  const answer = await create(body);
  expect(answer.status).toBe(422);
  expect(answer.body.message).toMatch(message);
  expect((await list()).total_count).toBe(0);
});

it("takes a summary and a text of exactly 65,535 characters", async () => {
  const { create } = await scene();
  const long = "x".repeat(65_535);
  expect((await create({ output: output({ summary: long, text: long }) })).status).toBe(201);
});

it("only an App writes check runs, and only with the permission", async () => {
  const { github, asOcto, head } = await scene();
  const wanted = { name: "x", head_sha: head };
  expect((await asOcto("POST", path, wanted)).body.message).toBe("You must authenticate via a GitHub App.");
  const reader = await asApp(github, { permissions: { checks: "read" } });
  expect(await reader("POST", path, wanted)).toMatchObject({
    status: 403,
    body: { message: "Resource not accessible by integration" },
  });
});

it("the latest of a name counts, all are there on request, and the thousand-and-first pushes out the first", async () => {
  const { create, list, bot } = await scene({ limits: { checkRunsPerName: 3 } });
  const ids: number[] = [];
  for (let n = 0; n < 4; n += 1) ids.push((await create()).body.id);
  expect((await list()).check_runs.map(({ id }: { id: number }) => id)).toEqual([ids[3]]);
  expect((await list("?filter=all")).check_runs.map(({ id }: { id: number }) => id)).toEqual(ids.slice(1).reverse());
  expect((await list("?filter=all&check_name=other")).total_count).toBe(0);
  expect((await bot("GET", `${path}/${ids[0]}`)).status).toBe(404);
});

it("a run asked for again is told to the App and leaves the run as it was, its suite queued", async () => {
  const { create, update, told, asOcto } = await scene();
  const { id, check_suite: suite } = (await create({ conclusion: "failure" })).body;
  const at = `/repos/octo/hello/check-suites/${suite.id}`;
  expect((await asOcto("GET", at)).body).toMatchObject({ status: "completed", conclusion: "failure" });
  expect((await asOcto("POST", `${path}/${id}/rerequest`)).status).toBe(201);
  expect((await told("check_run")).at(-1)).toMatchObject({
    action: "rerequested",
    check_run: { id, status: "completed", conclusion: "failure" },
    sender: { login: "octo" },
  });
  expect((await asOcto("GET", at)).body).toMatchObject({ status: "queued", conclusion: null });
  await update(id, { conclusion: "success" });
  expect((await asOcto("GET", at)).body).toMatchObject({ status: "completed", conclusion: "success" });
});

it("a suite asked for again and a pressed button reach the App, whatever it subscribed to", async () => {
  const { github, create, told, asOcto } = await scene({ app: { id: 4242, events: ["push"] } });
  const actions = [{ label: "Again", description: "Build again", identifier: "rebuild" }];
  const { id, check_suite: suite } = (await create({ actions })).body;
  await asOcto("POST", `/repos/octo/hello/check-suites/${suite.id}/rerequest`);
  github.requestAction(id, "rebuild", "octo");
  expect(() => github.requestAction(id, "other", "octo")).toThrow(/no action/);
  expect(await told("check_suite")).toMatchObject([{ action: "rerequested", check_suite: { head_branch: "feature" } }]);
  expect(await told("check_run")).toMatchObject([
    { action: "requested_action", requested_action: { identifier: "rebuild" } },
  ]);
});

it("an App that subscribed to suites hears of one for every push to a branch, and when it is completed", async () => {
  const { create, told, commitTo } = await scene({ app: { id: 4242, events: ["push", "check_suite"] } });
  const sha = await commitTo("feature", { c: "1" });
  await create({ head_sha: sha, conclusion: "success" });
  expect(await told("check_suite")).toMatchObject([
    { action: "requested", check_suite: { head_sha: sha, status: "queued", head_commit: { id: sha } } },
    { action: "completed", check_suite: { head_sha: sha, conclusion: "success" } },
  ]);
  expect(await told("check_run")).toEqual([]);
});

it("a run names the open pull requests of its own repository, and none for a fork's head", async () => {
  const { open, create, asMallory, github } = await scene();
  await open();
  expect((await create()).body.pull_requests).toMatchObject([{ number: 1 }]);
  await asMallory("POST", "/repos/octo/hello/forks");
  const fork = await github.createRepository("mallory/hello");
  const sha = await commitFiles(fork.gitDir, { branch: "main", files: { z: "1" }, message: "z" });
  await github.announce("mallory/hello");
  const theirs = { title: "z", head: "mallory:main", base: "main" };
  expect((await asMallory("POST", "/repos/octo/hello/pulls", theirs)).body.head.sha).toBe(sha);
  const { body } = await create({ head_sha: sha });
  expect(body).toMatchObject({ head_sha: sha, pull_requests: [] });
});
