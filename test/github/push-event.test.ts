import examples from "@octokit/webhooks-examples";
import { describe, expect, test } from "vitest";
import { readPushEvent } from "../../src/github/push-event.ts";

const before = "a".repeat(40);
const after = "b".repeat(40);
const zeros = "0".repeat(40);
const commit = { added: ["a.txt"], removed: [], modified: ["b/c.txt"] };

function payload(change: Record<string, unknown> = {}) {
  return {
    ref: "refs/heads/main",
    before,
    after,
    created: false,
    deleted: false,
    forced: false,
    commits: [commit],
    repository: { id: 186853002, full_name: "Codertocat/Hello-World", pushed_at: 1558118747, extra: true },
    pusher: { name: "Codertocat", email: null },
    sender: { login: "Codertocat", id: 21031067 },
    installation: { id: 7, node_id: "x" },
    ...change,
  };
}
function eventOf(change: Record<string, unknown> = {}) {
  const read = readPushEvent(payload(change));
  if (read.ok !== true) throw new Error(JSON.stringify(read));
  return read.event;
}
const pathsOf = (change: Record<string, unknown>) => eventOf(change).changedPaths;

describe("readPushEvent", () => {
  test("a push to a branch", () => {
    expect(eventOf()).toEqual({
      sourceRepository: { provider: "github", id: 186853002, fullName: "Codertocat/Hello-World" },
      ref: "refs/heads/main",
      before,
      after,
      deleted: false,
      changedPaths: ["a.txt", "b/c.txt"],
      pusher: "Codertocat",
    });
  });

  test("reads every push GitHub publishes as an example", () => {
    const pushes = (examples as unknown as { name: string; examples: unknown[] }[]).find(({ name }) => name === "push");
    expect(pushes!.examples.length).toBeGreaterThan(2);
    for (const example of pushes!.examples) expect(readPushEvent(example)).toMatchObject({ ok: true });
  });

  test("a deleted ref", () => {
    const event = eventOf({ after: zeros, deleted: true, commits: [], head_commit: null });
    expect(event).toMatchObject({ deleted: true, after: zeros });
  });

  test("zeros mean deleted whatever the flag says", () => {
    expect(eventOf({ after: zeros })).toMatchObject({ deleted: true });
  });

  test("what nobody reads may be missing or of any shape", () => {
    expect(eventOf({ installation: "none", pusher: undefined })).toEqual(eventOf());
  });

  test("SHA-256 repositories", () => {
    expect(eventOf({ before: "1".repeat(64), after: "2".repeat(64) }).after).toBe("2".repeat(64));
  });

  describe("changed paths are unknown", () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => `f${index}`);
    test.each<[string, Record<string, unknown>]>([
      ["for a new branch at an old commit", { created: true, before: zeros, commits: [] }],
      ["for a new branch even with commits", { created: true, before: zeros }],
      ["when only the zeros tell that it is new", { before: zeros }],
      ["for a tag", { ref: "refs/tags/v1", commits: [] }],
      ["after a force-push", { forced: true }],
      ["when GitHub cut the commits", { commits: Array.from({ length: 2048 }, () => commit) }],
      ["when GitHub cut a list", { commits: [{ ...commit, modified: many(3000) }] }],
      ["when a list is missing", { commits: [{ added: ["a"], removed: [] }] }],
      ["when commits are missing", { commits: undefined }],
      ["when a merge commit names nothing", { commits: [{ added: [], removed: [], modified: [] }] }],
      ["beyond 50 paths", { commits: [{ ...commit, added: many(51) }] }],
      ["beyond 16 KiB of paths", { commits: [{ ...commit, added: many(20).map((path) => path + "ü".repeat(500)) }] }],
    ])("%s", (_what, change) => {
      expect(pathsOf(change)).toBe("unknown");
    });
    test("but not for 50 paths, each counted once", () => {
      expect(
        pathsOf({
          commits: [
            { ...commit, added: many(49) },
            { ...commit, added: many(49) },
          ],
        }),
      ).toHaveLength(50);
    });
  });

  test.each(["refs/notes/commits", "refs/pull/1/head", "refs/heads/", "HEAD", "main"])("ignores %s", (ref) => {
    expect(readPushEvent(payload({ ref }))).toMatchObject({ ok: "ignored" });
  });

  test.each<[string, unknown]>([
    ["no object", "x"],
    ["null", null],
    ["a short SHA", payload({ after: "abc" })],
    ["an upper-case SHA", payload({ after: "A".repeat(40) })],
    ["a SHA with a line break", payload({ after: `${after}\n` })],
    ["an over-long ref", payload({ ref: `refs/heads/${"x".repeat(250)}` })],
    ["control characters in the ref", payload({ ref: "refs/heads/a\u0007b" })],
    ["a line break after the ref", payload({ ref: "refs/heads/a\n" })],
    ["no repository", payload({ repository: undefined })],
    ["an id beyond what a number holds", payload({ repository: { id: 2 ** 60, full_name: "a/b" } })],
    ["a name that would climb", payload({ repository: { id: 1, full_name: "a/.." } })],
    ["a name of three parts", payload({ repository: { id: 1, full_name: "a/b/c" } })],
  ])("refuses %s", (_what, value) => {
    const read = readPushEvent(value);
    expect(read.ok).toBe(false);
  });

  test("takes names that shells would not like: who uses them must check", () => {
    expect(eventOf({ ref: "refs/heads/$(id);`x`" }).ref).toBe("refs/heads/$(id);`x`");
  });
});
