import { expect, it } from "vitest";
import { setFaults } from "../../../local/github/faults.ts";
import { api, type Received } from "./github-fixture.ts";
import { pullScene } from "./pull-scene.ts";

const branchesOf = (pushes: Received[]) => pushes.map(({ payload }) => payload.ref.slice("refs/heads/".length));
const guidsOf = (pushes: Received[]) => pushes.map(({ headers }) => headers["x-github-delivery"]);

it("the next three webhooks arrive in reverse, and those after them as they come", async () => {
  const { github, hook, commitTo } = await pullScene();
  await github.settled();
  github.faults.reverse = 3;
  for (const branch of ["one", "two"]) await commitTo(branch, { x: "1" });
  await github.settled();
  expect(hook.pushes()).toEqual([]);
  await commitTo("three", { x: "1" });
  await github.settled();
  await commitTo("four", { x: "1" });
  await github.settled();
  expect(branchesOf(hook.pushes())).toEqual(["three", "two", "one", "four"]);
});

it("an event repeated comes under a GUID of its own with the same body", async () => {
  const { github, hook, commitTo } = await pullScene();
  await github.settled();
  github.faults.repeat = 1;
  await commitTo("one", { x: "1" });
  await github.settled();
  const pushes = hook.pushes();
  expect(new Set(guidsOf(pushes)).size).toBe(2);
  expect(new Set(pushes.map(({ body }) => body)).size).toBe(1);
  expect(github.deliveries().filter(({ event }) => event === "push")).toHaveLength(2);
});

it("a redelivery may come unsigned, and what is not a redelivery never does", async () => {
  const { github, hook, commitTo } = await pullScene();
  await github.settled();
  github.faults.unsigned = 1;
  await commitTo("one", { x: "1" });
  await github.settled();
  github.redeliver(github.deliveries()[0]!.id);
  await github.settled();
  expect(hook.pushes().map(({ headers }) => headers["x-hub-signature-256"] !== undefined)).toEqual([true, false]);
});

it("a lost event of any kind is in no log, and the ledger knows", async () => {
  const { github, open, told } = await pullScene();
  await github.settled();
  github.faults.lose = 1;
  await open();
  expect(await told("pull_request")).toEqual([]);
  expect(github.deliveries().some(({ event }) => event === "pull_request")).toBe(false);
  expect(github.ledger()).toContainEqual(
    expect.objectContaining({ kind: "webhook-withheld", event: "pull_request", action: "opened", why: "fault: lost" }),
  );
});

it("faults and people are set over HTTP, wrong ones refused whole, and a web page may not", async () => {
  const { github, open } = await pullScene();
  await open({ draft: true });
  const admin = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
    const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
    const response = await fetch(`${github.url}/_twin${path}`, init);
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
  const set = await admin("PATCH", "/faults", { reverse: 2, api: [{ status: 502, times: 1 }] });
  expect(set.body).toMatchObject({ reverse: 2, lose: 0 });
  expect((await api(github, "/repos/octo/hello")).status).toBe(502);
  expect((await admin("PATCH", "/faults", { lose: 5, typo: 1 })).status).toBe(422);
  expect((await admin("PATCH", "/faults", { lose: -1 })).status).toBe(422);
  expect((await admin("PATCH", "/faults", { api: [{ status: 200, times: 1 }] })).status).toBe(422);
  expect(github.faults.lose).toBe(0);
  expect((await admin("PATCH", "/faults", { lose: 1 }, { origin: "https://evil.example" })).status).toBe(403);

  const { body } = await admin("POST", "/accounts", { login: "zoe" });
  const zoe = { authorization: `Bearer ${body.token}` };
  expect((await api(github, "/repos/octo/hello", { headers: zoe })).status).toBe(200);
  expect((await admin("POST", "/accounts", { login: "not a login" })).status).toBe(422);
  expect((await admin("POST", "/repositories", { full_name: "zoe/thing", private: true })).status).toBe(201);
  expect((await admin("POST", "/installations", { login: "zoe", repositories: ["zoe/thing"] })).status).toBe(201);
  const draft = { draft: false, login: "octo" };
  expect((await admin("POST", "/repositories/octo/hello/pulls/1/draft", draft)).status).toBe(204);
  expect((await api(github, "/repos/octo/hello/pulls/1")).body.draft).toBe(false);
});

it("the ledger has every granted change with who asked, and no refused one, and no secret", async () => {
  const { github, asOcto, asMallory, mallory, octo } = await pullScene();
  const from = github.ledger().length;
  const repo = "/repos/octo/hello";
  await asOcto("POST", `${repo}/pulls`, { title: "t", head: "feature", base: "main" });
  await asMallory("POST", `${repo}/issues/1/comments`, { body: "hi" });
  await asMallory("DELETE", repo);
  await asOcto("GET", repo);
  await asOcto("POST", `${repo}/issues/1/labels`, { labels: ["x"] });
  const requests = github
    .ledger()
    .slice(from)
    .filter(({ kind }) => kind === "request");
  expect(requests).toMatchObject([
    { by: "user octo", method: "POST", path: `${repo}/pulls`, status: 201, did: { number: 1 } },
    { by: "user mallory", path: `${repo}/issues/1/comments`, status: 201 },
    { by: "user octo", path: `${repo}/issues/1/labels`, did: { labeled: ["x"] } },
  ]);
  const served = await (await fetch(`${github.url}/_twin/ledger?after=${from}`)).text();
  expect(JSON.parse(served)).toEqual(JSON.parse(JSON.stringify(github.ledger().slice(from))));
  expect(served).not.toContain(octo.token);
  expect(served + JSON.stringify(github.state)).not.toContain(mallory.token);
});

it("a fault by a name that Object has is no fault", async () => {
  const { github } = await pullScene();
  expect(() => setFaults(github.faults, { toString: 1 })).toThrow(/no fault is called/);
});
