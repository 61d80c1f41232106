import { expect, test } from "vitest";
import { git } from "../../local/github/git.ts";
import type { TrackView } from "../../src/api/image-routes.ts";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();
const push = `{ branches: [main, "release/*"], tags: ["v*"] }`;

async function tracks(image: string) {
  const found = await scenario.readIfAny<{ tracks: TrackView[] }>(`images/${image}`);
  return found?.tracks ?? [];
}

test("two branches are two tracks: each has its own stable tag, and a push to one does not touch the other", async () => {
  const story = await scenario.story("branches");
  await story.pushed({ page: { content: "page main\n" } }, { push });
  await story.pushed({ page: { content: "page release\n" } }, { push, branch: "release/1" });
  const release = (await tracks("page")).find((t) => t.ref === "refs/heads/release/1")!;
  const releaseTag = release.stableTags[0]!.replace(/^.*:/, "");
  expect(releaseTag).not.toBe("main");
  expect(await scenario.files("platform/branches/page", "main")).toEqual({ page: "page main\n" });
  expect(await scenario.files("platform/branches/page", releaseTag)).toEqual({ page: "page release\n" });

  const digest = await scenario.digest("platform/branches/page", "main");
  await story.pushed({ page: { content: "page release 2\n" } }, { push, branch: "release/1" });
  expect(await scenario.files("platform/branches/page", releaseTag)).toEqual({ page: "page release 2\n" });
  expect(await scenario.digest("platform/branches/page", "main")).toBe(digest);
  expect((await story.runs({ branch: "release/1" })).map((r) => r.status)).toEqual(["Succeeded", "Succeeded"]);

  // A branch that no pattern names is nobody's business.
  const topic = await story.push({ page: { content: "page topic\n" } }, { push, branch: "topic" });
  expect((await story.decision(topic, "refs/heads/topic")).skipped).toMatchObject([{ reason: "ref-not-watched" }]);
});

test("a Git tag builds its own track, whether it is a plain or an annotated one", async () => {
  const story = await scenario.story("tags");
  const commit = await story.pushed({ book: {} }, { push });
  await story.pushRef(`${commit}:refs/tags/v1`);
  await story.reached("book", (run) => run.ref === "refs/tags/v1" && run.status === "Succeeded");
  const tag = `object ${commit}\ntype commit\ntag v2\ntagger A <a@example.org> 1700000000 +0000\n\nTwo\n`;
  const written = await git(["--git-dir", story.repository.gitDir, "hash-object", "-t", "tag", "-w", "--stdin"], {
    input: tag,
  });
  await story.pushRef(`${written.toString().trim()}:refs/tags/v2`);
  const annotated = await story.reached("book", (run) => run.ref === "refs/tags/v2" && run.status === "Succeeded");
  expect(annotated.commit).toBe(commit);
  await scenario.rest();
  expect((await tracks("book")).map((t) => t.ref).sort()).toEqual(["refs/heads/main", "refs/tags/v1", "refs/tags/v2"]);
  for (const name of ["main", "v1", "v2"])
    expect(await scenario.files("platform/tags/book", name)).toEqual({ book: "book 1\n" });
  // A tag that is not to be built.
  await story.pushRef(`${commit}:refs/tags/nightly`);
  expect((await story.decision(commit, "refs/tags/nightly")).skipped).toMatchObject([{ reason: "ref-not-watched" }]);
});

test("a deleted branch retires its tracks; what it built and its history stay", async () => {
  const story = await scenario.story("deleted");
  await story.pushed({ leaf: {} }, { push });
  const commit = await story.pushed({ leaf: { content: "leaf 2\n" } }, { push, branch: "release/2" });
  const run = await story.ended("leaf", commit);
  await story.pushRef(":refs/heads/release/2");
  expect((await story.decision(undefined, "refs/heads/release/2")).skipped).toMatchObject([
    { reason: "ref-deleted", images: ["leaf"] },
  ]);
  expect((await tracks("leaf")).map((t) => t.ref)).toEqual(["refs/heads/main"]);
  expect(await story.run(run.id)).toMatchObject({ status: "Succeeded" });
  expect(await scenario.files("platform/deleted/leaf", run.tags.at(-1)!.replace(/^.*:/, ""))).toEqual({
    leaf: "leaf 2\n",
  });
  // Pushed again, it is a first build again.
  const again = await story.pushed({ leaf: { content: "leaf 3\n" } }, { push, branch: "release/2" });
  expect((await story.ended("leaf", again)).why).toEqual(["first build of this image from this ref"]);
});
