import examples from "@octokit/webhooks-examples" with { type: "json" };
import { expect, it } from "vitest";
import { commitFiles } from "../../../local/github/commit-files.ts";
import { pushFiles } from "../../../local/github/push-files.ts";
import { testGitOverHttp } from "../../support/git-over-http.ts";
import { gitHub, receiver } from "./github-fixture.ts";

type Json = Record<string, unknown>;
const events = examples as unknown as { name: string; examples: Json[] }[];
const samples = events.find(({ name }) => name === "push")!.examples;
const branchSample = samples.find((each) => (each.commits as unknown[]).length > 0 && "installation" in each)!;
const organizationSample = samples.find((each) => "organization" in each)!;

/** Fields the samples of 2019 do not have and today's payloads do. */
const newer = [
  "allow_forking",
  "custom_properties",
  "has_discussions",
  "is_template",
  "topics",
  "visibility",
  "web_commit_signoff_required",
];

/** "repository.owner.id: number" for every leaf; null stands for any type, as GitHub's nullable fields do. */
function shape(value: unknown, path = ""): Map<string, string> {
  if (Array.isArray(value))
    return new Map([[path, "array"], ...(value.length > 0 ? shape(value[0], `${path}[]`) : [])]);
  if (typeof value !== "object" || value === null) return new Map([[path, value === null ? "null" : typeof value]]);
  return new Map(
    Object.entries(value).flatMap(([key, each]) => [...shape(each, path === "" ? key : `${path}.${key}`)]),
  );
}

/** What differs, both ways: keys missing, keys too many, other types. */
function differences(ours: unknown, theirs: unknown): string[] {
  const [a, b] = [shape(ours), shape(theirs)];
  const extra = [...a.keys()].filter(
    (key) => !b.has(key) && !newer.some((each) => key.startsWith(`repository.${each}`)),
  );
  const missing = [...b.keys()].filter((key) => !a.has(key));
  const other = [...b].filter(
    ([key, type]) => a.has(key) && ![a.get(key), type].includes("null") && a.get(key) !== type,
  );
  return [
    ...extra.map((key) => `only ours: ${key}`),
    ...missing.map((key) => `only GitHub's: ${key}`),
    ...other.map(([key, type]) => `${key}: ${a.get(key)}, not ${type}`),
  ];
}

async function pushed(ownerType: "User" | "Organization"): Promise<Json> {
  const hook = await receiver();
  const github = await gitHub({ webhook: { url: hook.url, secret: "s" } });
  const { cloneUrl } = await github.createRepository("octo/hello", { ownerType });
  const author = { name: "Octo", email: "9+octo@users.noreply.github.com" };
  await pushFiles(cloneUrl, { branch: "main", files: { "README.md": "hi" }, message: "first", author });
  await github.settled();
  return hook.pushes()[0]!.payload;
}

testGitOverHttp("has the keys and types of GitHub's own sample for a branch of a person's repository", async () => {
  expect(differences(await pushed("User"), branchSample)).toEqual([]);
});

testGitOverHttp("has those of an organization's repository, organization included", async () => {
  const payload = await pushed("Organization");
  // The sample is a deletion by a hook without an App.
  const { installation: _, commits: __, head_commit: ___, ...ours } = payload;
  const { commits: ____, head_commit: _____, ...theirs } = organizationSample;
  expect(differences(ours, theirs).filter((each) => !each.includes("repository.custom_properties"))).toEqual([]);
  expect(payload.organization).toMatchObject({ login: "octo" });
});

testGitOverHttp("gives repository times as GitHub does in pushes: epoch seconds, except updated_at", async () => {
  const { repository } = (await pushed("User")) as { repository: Json };
  expect(repository.created_at).toBeGreaterThan(1_700_000_000);
  expect(repository.pushed_at).toBeLessThan(100_000_000_000);
  expect(repository.updated_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

it("lists the newest 2048 commits and at most so many files of each", async () => {
  const hook = await receiver();
  const limits = { pushCommits: 2, pushFiles: 3 };
  const github = await gitHub({ webhook: { url: hook.url, secret: "s" }, limits });
  const { gitDir } = await github.createRepository("octo/hello");

  for (const message of ["one", "two"]) await commitFiles(gitDir, { branch: "main", files: { a: message }, message });
  const files = { b: "1", c: "1", d: "1", e: "1" };
  await commitFiles(gitDir, { branch: "main", files, message: "three" });
  await github.announce("octo/hello");
  await github.settled();
  const { commits } = hook.pushes()[0]!.payload;
  expect(commits.map(({ message }: Json) => message)).toEqual(["two", "three"]);
  expect(commits[1].added).toEqual(["b", "c", "d"]);
});
