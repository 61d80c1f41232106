import { Webhooks } from "@octokit/webhooks";
import { expect, it } from "vitest";
import { type Json, lacking, samplesOf } from "./payload-shape.ts";
import { asApp, pullScene, writes } from "./pull-scene.ts";

/** Fields of GitHub's samples that are not in GitHub's documentation of today, or that belong to features left out. */
const knownGaps = [
  // The samples of check_run are of 2018 and carry what later moved to check_suite.
  /check_(?:run|suite)\.app\.(?:permissions|events)/,
  // The repository of some samples has what only a push's repository has.
  /repository\.(?:stargazers|master_branch|organization|custom_properties)/,
  // A milestone, an assignee and granted permissions are the sample's own business.
  /^missing: issue\.(?:milestone|assignee|assignees|active_lock_reason|state_reason)/,
  /installation\.permissions\./,
  // Left out: deployments. Only for addresses that belong to an account: the user name of a commit's author.
  /\.deployment$/,
  /head_commit\.\w+\.username$/,
  // What one sample happened to change.
  /^missing: changes\.description$/,
];

const known = (gap: string) => knownGaps.some((each) => each.test(gap));

/** One story that makes the twin send every event it knows. */
async function everyEvent(): Promise<Map<string, Json[]>> {
  const events = ["push", "pull_request", "issue_comment", "check_run", "check_suite", "repository"];
  const scene = await pullScene({ app: { id: 4242, events, permissions: writes } });
  const { github, asOcto, hook, open, commitTo, head } = scene;
  const repo = "/repos/octo/hello";
  await open({ draft: true });
  github.setDraft("octo/hello", 1, false, "octo");
  await asOcto("PATCH", `${repo}/pulls/1`, { title: "t" });
  await asOcto("POST", `${repo}/issues/1/labels`, { labels: ["x"] });
  await asOcto("DELETE", `${repo}/issues/1/labels/x`);
  const { id } = (await asOcto("POST", `${repo}/issues/1/comments`, { body: "hi" })).body;
  await asOcto("PATCH", `${repo}/issues/comments/${id}`, { body: "ho" });
  await asOcto("DELETE", `${repo}/issues/comments/${id}`);
  const bot = await asApp(github);
  const actions = [{ label: "Again", description: "Build again", identifier: "rebuild" }];
  const run = { name: "x", head_sha: head, conclusion: "success", actions };
  const { id: runId, check_suite: suite } = (await bot("POST", `${repo}/check-runs`, run)).body;
  await asOcto("POST", `${repo}/check-runs/${runId}/rerequest`);
  await asOcto("POST", `${repo}/check-suites/${suite.id}/rerequest`);
  github.requestAction(runId, "rebuild", "octo");
  await commitTo("feature", { b: "3" });
  await asOcto("PATCH", `${repo}/pulls/1`, { state: "closed" });
  await asOcto("PATCH", `${repo}/pulls/1`, { state: "open" });
  await asOcto("POST", "/user/repos", { name: "new" });
  await asOcto("PATCH", `${repo}`, { private: true });
  await asOcto("PATCH", `${repo}`, { private: false, default_branch: "feature", name: "renamed" });
  github.install("octo", ["octo/renamed"]);
  github.install("octo", "all");
  github.createAccount("team", { type: "Organization" });
  await asOcto("POST", `${repo.replace("hello", "renamed")}/transfer`, { new_owner: "team" });
  github.install("team", "all");
  await github.settled();
  const webhooks = new Webhooks({ secret: "s3cret" });
  const byName = new Map<string, Json[]>();
  for (const { headers, body, payload } of hook.received) {
    expect(await webhooks.verify(body, headers["x-hub-signature-256"] as string)).toBe(true);
    const name = [headers["x-github-event"], payload.action].filter(Boolean).join(".");
    byName.set(name, [...(byName.get(name) ?? []), payload]);
  }
  return byName;
}

it("every event has the fields that GitHub's own samples of it have, in their types", async () => {
  const sent = await everyEvent();
  const expected = [
    "check_run.created check_run.completed check_run.rerequested check_run.requested_action",
    "check_suite.requested check_suite.rerequested check_suite.completed",
    "installation.created installation_repositories.added installation_repositories.removed",
    "issue_comment.created issue_comment.edited issue_comment.deleted",
    "pull_request.opened pull_request.synchronize pull_request.closed pull_request.reopened pull_request.labeled",
    "pull_request.unlabeled pull_request.ready_for_review",
    "repository.created repository.edited repository.privatized repository.publicized repository.renamed",
  ]
    .join(" ")
    .split(" ");
  expect([...sent.keys()]).toEqual(expect.arrayContaining([...expected, "pull_request.edited", "push", "ping"]));
  const gaps = expected.flatMap((name) => {
    const [event = "", action = ""] = name.split(".");
    const payload = sent.get(name)!.at(-1)!;
    // An organization's repository has one more field; octo is a person, so those samples are compared without it.
    const samples = samplesOf(event, action).map(({ organization: _, ...rest }) => rest);
    return samples.flatMap((sample) => lacking(payload, sample).map((gap) => `${name} ${gap}`));
  });
  expect([...new Set(gaps)].filter((gap) => !known(gap.slice(gap.indexOf(" ") + 1)))).toEqual([]);
});

it("a sample with a field more is noticed", () => {
  const [sample] = samplesOf("pull_request", "opened");
  expect(lacking({ ...sample, number: "2" }, sample)).toEqual(["number: string, not number"]);
  expect(lacking({ ...sample, pull_request: {} }, sample).length).toBeGreaterThan(30);
});
