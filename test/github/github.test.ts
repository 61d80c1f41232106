import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { PermanentError, TransientError } from "../../src/errors.ts";
import { createGitHubAuth } from "../../src/github/auth.ts";
import { createGitHub } from "../../src/github/github.ts";
import { Secret } from "../../src/secret.ts";
import { type Answer, type Peer, type SeenRequest, startPeer } from "../support/scripted-peer.ts";

const sha = "c".repeat(40);
const tagSha = "d".repeat(40);
const source = { provider: "github", id: 42, fullName: "acme/web" } as const;
const token = "github_pat_hunter2hunter2hunter2";

const peers: Peer[] = [];
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});
async function peer(answer: (request: SeenRequest, index: number) => Answer): Promise<Peer> {
  const started = await startPeer(answer);
  peers.push(started);
  return started;
}
async function gitHubOver(answer: (request: SeenRequest, index: number) => Answer) {
  const api = await peer(answer);
  const auth = createGitHubAuth({ apiUrl: api.url, credential: { kind: "token", token: new Secret(token) } });
  return { api, gitHub: createGitHub({ apiUrl: api.url, auth }) };
}
const failureOf = async (promise: Promise<unknown>) =>
  await promise.then(
    () => undefined,
    (error) => error,
  );

describe("every request", () => {
  test("pins the API version and carries the token", async () => {
    const { api, gitHub } = await gitHubOver(() => ({
      body: { id: 42, full_name: "acme/web", default_branch: "main" },
    }));
    await gitHub.repository(42);
    expect(api.seen[0]).toMatchObject({
      url: "/repositories/42",
      headers: {
        authorization: `Bearer ${token}`,
        "x-github-api-version": "2022-11-28",
        "user-agent": expect.stringContaining("slipway"),
      },
    });
  });

  test.each<[string, Answer, object]>([
    ["401", { status: 401 }, { name: "PermanentError", code: "github-credentials" }],
    ["403 for want of permission", { status: 403 }, { name: "PermanentError", code: "github-forbidden" }],
    [
      "403 with Retry-After",
      { status: 403, headers: { "retry-after": "31" } },
      { name: "TransientError", retryAfterSeconds: 31 },
    ],
    [
      "403 with nothing left",
      {
        status: 403,
        headers: {
          "x-ratelimit-remaining": "0",
          "x-ratelimit-reset": String(Date.parse("2026-01-01T00:10:00Z") / 1000),
          date: "Thu, 01 Jan 2026 00:00:00 GMT",
        },
      },
      { name: "TransientError", retryAfterSeconds: 600 },
    ],
    ["403 with some left", { status: 403, headers: { "x-ratelimit-remaining": "9" } }, { code: "github-forbidden" }],
    ["429 without a word", { status: 429 }, { name: "TransientError", retryAfterSeconds: 60 }],
    ["422", { status: 422, body: { message: "Validation Failed" } }, { code: "github-refused" }],
    ["451", { status: 451 }, { code: "github-forbidden" }],
    ["502", { status: 502 }, { name: "TransientError" }],
    ["a lost reply", "reset", { name: "TransientError" }],
    ["a page of HTML", { headers: { "content-type": "text/html" }, body: "<html>" }, { name: "TransientError" }],
  ])("%s", async (_what, answer, expected) => {
    const { api, gitHub } = await gitHubOver(() => answer);
    const error = await failureOf(gitHub.refHead(source, "refs/heads/main"));
    expect(error).toMatchObject(expected);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("hunter2");
    expect(api.seen).toHaveLength(1);
  });

  test("what GitHub echoes is redacted", async () => {
    const { gitHub } = await gitHubOver(() => ({ status: 422, body: { message: `bad token ${token}` } }));
    const error = await failureOf(gitHub.refHead(source, "refs/heads/main"));
    expect(error).toBeInstanceOf(PermanentError);
    expect((error as Error).message).toContain("bad token ***");
  });
});

describe("repository", () => {
  test("by id, which is all that its answer must have besides a name", async () => {
    const body = { id: 42, full_name: "acme/web-two", private: true };
    const { gitHub } = await gitHubOver(() => ({ body }));
    expect(await gitHub.repository(42)).toEqual({
      provider: "github",
      id: 42,
      fullName: "acme/web-two",
    });
  });
  test("gone", async () => {
    const { gitHub } = await gitHubOver(() => ({ status: 404, body: { message: "Not Found" } }));
    expect(await gitHub.repository(42)).toBeUndefined();
  });
});

describe("refHead", () => {
  test("a branch, its name encoded", async () => {
    const ref = "refs/heads/feature/a#b?{c}:d é";
    const { api, gitHub } = await gitHubOver(() => ({ body: { ref, object: { type: "commit", sha } } }));
    expect(await gitHub.refHead(source, ref)).toEqual({ kind: "found", sha });
    expect(api.seen[0]!.url).toBe("/repos/acme/web/git/ref/heads/feature/a%23b%3F%7Bc%7D%3Ad%20%C3%A9");
  });
  test("an annotated tag is peeled to its commit", async () => {
    const { api, gitHub } = await gitHubOver(({ url }) =>
      url.includes("/git/ref/")
        ? { body: { ref: "refs/tags/v1", object: { type: "tag", sha: tagSha } } }
        : { body: { object: { type: "commit", sha } } },
    );
    expect(await gitHub.refHead(source, "refs/tags/v1")).toEqual({ kind: "found", sha });
    expect(api.seen[1]!.url).toBe(`/repos/acme/web/git/tags/${tagSha}`);
  });
  test("tags of tags without end, and tags of trees, are absent", async () => {
    const loop = await gitHubOver(() => ({ body: { ref: "refs/tags/v1", object: { type: "tag", sha: tagSha } } }));
    expect(await loop.gitHub.refHead(source, "refs/tags/v1")).toEqual({ kind: "absent" });
    expect(loop.api.seen.length).toBeLessThan(10);
    const tree = await gitHubOver(() => ({ body: { ref: "refs/tags/v1", object: { type: "tree", sha } } }));
    expect(await tree.gitHub.refHead(source, "refs/tags/v1")).toEqual({ kind: "absent" });
  });
  test.each([404, 409])("a %i is absent", async (status) => {
    const { gitHub } = await gitHubOver(() => ({ status }));
    expect(await gitHub.refHead(source, "refs/heads/main")).toEqual({ kind: "absent" });
  });
  test("a ref with dot segments cannot climb", async () => {
    const { api, gitHub } = await gitHubOver(() => ({}));
    await expect(gitHub.refHead(source, "refs/heads/../../x")).rejects.toMatchObject({ code: "bad-path" });
    expect(api.seen).toHaveLength(0);
  });
});

describe("refs", () => {
  const named = (ref: string, type = "commit") => ({ ref, object: { type, sha } });
  test("branches and tags over all pages", async () => {
    const { api, gitHub } = await gitHubOver(({ url }) => {
      if (url.includes("/matching-refs/tags"))
        return { body: [named("refs/tags/v1", "tag"), named("refs/tags/blob", "blob")] };
      if (url.includes("page=2")) return { body: [named("refs/heads/b"), named("refs/heads-up/x")] };
      return {
        body: [named("refs/heads/a")],
        headers: { link: `<${api.url}/repos/acme/web/git/matching-refs/heads?page=2>; rel="next", <x>; rel="last"` },
      };
    });
    expect(await gitHub.refs(source)).toEqual([
      { ref: "refs/heads/a", sha, annotatedTag: false },
      { ref: "refs/heads/b", sha, annotatedTag: false },
      { ref: "refs/tags/v1", sha, annotatedTag: true },
    ]);
  });
  test("an empty repository has none", async () => {
    const { gitHub } = await gitHubOver(() => ({ status: 409 }));
    expect(await gitHub.refs(source)).toEqual([]);
  });
  test("a next page on another host is not asked for", async () => {
    const other = await peer(() => ({ body: [] }));
    const { gitHub } = await gitHubOver(() => ({ body: [], headers: { link: `<${other.url}/x>; rel="next"` } }));
    await expect(gitHub.refs(source)).rejects.toBeInstanceOf(TransientError);
    expect(other.seen).toHaveLength(0);
  });
  test("pages without end are an error, not a short list", async () => {
    const { api, gitHub } = await gitHubOver(() => ({ body: [], headers: { link: `<${api.url}/again>; rel="next"` } }));
    await expect(gitHub.refs(source)).rejects.toBeInstanceOf(TransientError);
    expect(api.seen.length).toBeLessThan(150);
  });
});

describe("tree and file", () => {
  test("every entry of a commit", async () => {
    const entry = { path: "a/Dockerfile", mode: "100644", type: "blob", sha };
    const { api, gitHub } = await gitHubOver(() => ({ body: { sha, tree: [{ ...entry, size: 3 }], truncated: true } }));
    expect(await gitHub.tree(source, sha)).toEqual({ entries: [entry], truncated: true });
    expect(api.seen[0]!.url).toBe(`/repos/acme/web/git/trees/${sha}?recursive=1`);
  });
  test("a commit GitHub does not have yet is worth another try", async () => {
    const { gitHub } = await gitHubOver(() => ({ status: 404 }));
    await expect(gitHub.tree(source, sha)).rejects.toMatchObject({ name: "TransientError", retryAfterSeconds: 10 });
  });
  const raw = { "content-type": "application/vnd.github.raw+json; charset=utf-8" };
  test("a file's text, its path encoded", async () => {
    const { api, gitHub } = await gitHubOver(() => ({ headers: raw, body: "FROM scratch # é\n" }));
    expect(await gitHub.file(source, sha, "images/a b/Docker#file")).toBe("FROM scratch # é\n");
    expect(api.seen[0]!.url).toBe(`/repos/acme/web/contents/images/a%20b/Docker%23file?ref=${sha}`);
    expect(api.seen[0]!.headers.accept).toBe("application/vnd.github.raw+json");
  });
  test("absent, or a directory", async () => {
    const gone = await gitHubOver(() => ({ status: 404 }));
    expect(await gone.gitHub.file(source, sha, "slipway.yaml")).toBeUndefined();
    const directory = await gitHubOver(() => ({ body: [{ name: "x" }] }));
    expect(await directory.gitHub.file(source, sha, "images")).toBeUndefined();
  });
  test("256 KiB and no more", async () => {
    const fits = await gitHubOver(() => ({ headers: raw, body: "x".repeat(256 * 1024) }));
    expect(await fits.gitHub.file(source, sha, "f")).toHaveLength(256 * 1024);
    const over = await gitHubOver(() => ({ headers: raw, body: "x".repeat(256 * 1024 + 1) }));
    await expect(over.gitHub.file(source, sha, "f")).rejects.toMatchObject({ code: "too-large" });
  });
});

describe("tarball", () => {
  test("follows the redirect without the token", async () => {
    const codeload = await peer(() => ({ body: "tar bytes" }));
    const { api, gitHub } = await gitHubOver(() => ({
      status: 302,
      headers: { location: `${codeload.url}/acme/web?token=hunter2` },
    }));
    expect(await text(await gitHub.tarball(source, sha))).toBe("tar bytes");
    expect(api.seen[0]!.url).toBe(`/repos/acme/web/tarball/${sha}`);
    expect(codeload.seen[0]!.url).toBe("/acme/web?token=hunter2");
    expect(codeload.seen[0]!.headers.authorization).toBeUndefined();
  });
  test("an API that answers with the bytes itself", async () => {
    const { gitHub } = await gitHubOver(() => ({ body: "tar bytes" }));
    expect(await text(await gitHub.tarball(source, sha))).toBe("tar bytes");
  });
  test.each<[string, string]>([
    ["plain http on the internet", "http://codeload.example/x?token=hunter2"],
    ["nowhere", ""],
  ])("a redirect to %s is not followed", async (_what, location) => {
    const { gitHub } = await gitHubOver(() => ({ status: 302, headers: { ...(location && { location }) } }));
    const error = await failureOf(gitHub.tarball(source, sha));
    expect(error).toBeInstanceOf(TransientError);
    expect(inspect(error, { depth: 9 })).not.toContain("hunter2");
  });
  test.each<[string, Answer]>([
    ["expired", { status: 404 }],
    ["cut", "reset"],
  ])("a link that is %s is transient and not shown", async (_what, answer) => {
    const codeload = await peer(() => answer);
    const { gitHub } = await gitHubOver(() => ({
      status: 302,
      headers: { location: `${codeload.url}/x?token=hunter2` },
    }));
    const error = await failureOf(gitHub.tarball(source, sha));
    expect(error).toBeInstanceOf(TransientError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hunter2");
  });
  test("a commit not there yet", async () => {
    const { gitHub } = await gitHubOver(() => ({ status: 404 }));
    await expect(gitHub.tarball(source, sha)).rejects.toBeInstanceOf(TransientError);
  });
});

describe("postStatus", () => {
  test("cuts the description to 140 code points", async () => {
    const { api, gitHub } = await gitHubOver(() => ({ status: 201, body: {} }));
    const status = { state: "pending", context: "slipway/web", targetUrl: "https://s/runs/1" } as const;
    await gitHub.postStatus(source, sha, { ...status, description: "🚢".repeat(141) });
    await gitHub.postStatus(source, sha, { ...status, description: "🚢".repeat(140), targetUrl: undefined });
    expect(api.seen[0]).toMatchObject({ method: "POST", url: `/repos/acme/web/statuses/${sha}` });
    expect(JSON.parse(api.seen[0]!.body.toString())).toEqual({
      state: "pending",
      context: "slipway/web",
      description: `${"🚢".repeat(139)}…`,
      target_url: "https://s/runs/1",
    });
    const second = JSON.parse(api.seen[1]!.body.toString());
    expect(second.description).toBe("🚢".repeat(140));
    expect(second).not.toHaveProperty("target_url");
  });
});

test("with a PAT there are no deliveries to ask for", async () => {
  const { api, gitHub } = await gitHubOver(() => ({ status: 500 }));
  expect(await gitHub.failedDeliveries("2026-01-01T00:00:00Z")).toEqual([]);
  await gitHub.redeliver("1");
  expect(api.seen).toHaveLength(0);
});
