import fc from "fast-check";
import { expect, it } from "vitest";
import type { Caller } from "../../../local/github/caller.ts";
import { gitHubLimits } from "../../../local/github/limits.ts";
import { RateLimits } from "../../../local/github/rate-limits.ts";
import { api, gitHub } from "./github-fixture.ts";

const installation: Caller = {
  kind: "installation",
  token: { sha256: "", installationId: 7, permissions: {}, expiresAt: 0 },
};

async function scene(limits: Parameters<typeof gitHub>[0] = {}) {
  let now = Date.parse("2026-11-23T12:00:00Z");
  const github = await gitHub({ personalTokens: { ghp_octo: "octo" }, clock: () => now, ...limits });
  await github.createRepository("demo/one");
  github.faults.enforceRateLimits = true;
  const headers = { authorization: "token ghp_octo" };
  const ask = (path = "/repos/demo/one", init: RequestInit = {}) =>
    api(github, path, { ...init, headers: { ...headers, ...init.headers } });
  const pass = (ms: number) => {
    now += ms;
  };
  return { github, ask, pass };
}

it("the primary limit counts down, refuses at nothing left, and starts anew after an hour", async () => {
  const { ask, pass } = await scene({ limits: { requestsPerHour: 2 } });
  const first = await ask();
  expect(first.headers.get("x-ratelimit-remaining")).toBe("1");
  const etag = first.headers.get("etag")!;
  expect((await ask("/repos/demo/one", { headers: { "if-none-match": etag } })).status).toBe(304);
  expect((await ask()).headers.get("x-ratelimit-remaining")).toBe("0");
  const refused = await ask();
  expect(refused).toMatchObject({ status: 403, body: { message: "API rate limit exceeded for user octo." } });
  expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
  expect(refused.headers.get("retry-after")).toBeNull();
  const { body } = await ask("/rate_limit");
  expect(body.resources.core).toEqual({
    limit: 2,
    used: 2,
    remaining: 0,
    reset: Date.parse("2026-11-23T13:00:00Z") / 1000,
  });
  pass(60 * 60 * 1000);
  expect((await ask()).status).toBe(200);
});

it("who asks without credentials has less, and takes nothing from those who have", async () => {
  const { github, ask } = await scene({ limits: { anonymousRequestsPerHour: 1 } });
  expect((await api(github, "/repos/demo/one")).status).toBe(200);
  expect((await api(github, "/repos/demo/one")).status).toBe(403);
  expect((await ask()).status).toBe(200);
});

it("content is created so often a minute, and points are five for a write", async () => {
  const { ask, pass } = await scene({ limits: { creationsPerMinute: 2, pointsPerMinute: 11 } });
  const write = () => ask("/repos/demo/one/labels-nowhere", { method: "POST", body: "{}" });
  expect([(await write()).status, (await write()).status]).toEqual([404, 404]);
  pass(20_000);
  const refused = await write();
  expect(refused).toMatchObject({ status: 403, body: { message: expect.stringContaining("secondary rate limit") } });
  expect(refused.headers.get("retry-after")).toBe("40");
  pass(40_000);
  expect((await write()).status).toBe(404);
  for (let n = 0; n < 6; n += 1) expect((await ask()).status).toBe(200);
  expect((await ask()).headers.get("retry-after")).toBe("60");
});

it("nothing is refused unless it is asked for", async () => {
  const { github, ask } = await scene({ limits: { requestsPerHour: 1, pointsPerMinute: 1 } });
  github.faults.enforceRateLimits = false;
  for (let n = 0; n < 3; n += 1) expect((await ask()).status).toBe(200);
});

it("content is created so often an hour, however it is spread over the minutes", () => {
  let now = 0;
  const rates = new RateLimits(
    () => now,
    { ...gitHubLimits, creationsPerHour: 2 },
    () => 0,
  );
  const refusals = [0, 30, 59].map((minute) => {
    now = minute * 60_000;
    return rates.begin(installation, "PATCH")?.retryAfter;
  });
  expect(refusals).toEqual([undefined, undefined, 60]);
  expect(rates.begin(installation, "GET")).toBeUndefined();
});

it("so many requests at once are let in, and one that has ended makes room", () => {
  const rates = new RateLimits(
    () => 0,
    { ...gitHubLimits, concurrentRequests: 2 },
    () => 0,
  );
  expect(rates.begin(installation, "GET")).toBeUndefined();
  expect(rates.begin(installation, "GET")).toBeUndefined();
  expect(rates.begin(installation, "GET")).toMatchObject({ retryAfter: 60 });
  rates.end(installation, true);
  rates.end(installation, false);
  expect(rates.begin(installation, "GET")).toBeUndefined();
});

it("an installation's limit grows by 50 with each repository over 20, and ends at 12,500", () => {
  fc.assert(
    fc.property(fc.nat(500), (repositories) => {
      const { limit } = new RateLimits(
        () => 0,
        gitHubLimits,
        () => repositories,
      ).core(installation);
      expect(limit).toBe(repositories <= 20 ? 5000 : repositories >= 170 ? 12_500 : 4000 + 50 * repositories);
    }),
  );
});

it("however time passes, no more than the limit is let in within one window", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30_000), { maxLength: 60 }), (pauses) => {
      let now = 0;
      const rates = new RateLimits(
        () => now,
        { ...gitHubLimits, creationsPerMinute: 3 },
        () => 0,
      );
      const letIn: number[] = [];
      for (const pause of pauses) {
        now += pause;
        const refusal = rates.begin(installation, "POST");
        if (!refusal) letIn.push(now);
        // Whoever waits as told is let in.
        if (refusal?.retryAfter !== undefined) {
          rates.end(installation, true);
          now += refusal.retryAfter * 1000;
          expect(rates.begin(installation, "POST")).toBeUndefined();
          letIn.push(now);
        }
        rates.end(installation, false);
      }
      // Windows are fixed, so twice the limit may fall around an edge and never more.
      for (const at of letIn) expect(letIn.filter((each) => each >= at && each < at + 60_000).length).toBeLessThan(7);
    }),
  );
});
