import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("GitHub's limits, in both their forms, are waited out: everything is built once and told", async () => {
  const story = await scenario.story("limited");
  const { acr, github } = scenario.twin;
  const acrRuns = acr.runs().length;
  github.faults.enforceRateLimits = true;
  // Reading, fetching and telling: all that is asked of GitHub meets one.
  const limits = [
    ["/git/ref/", 403],
    ["/tarball/", 429],
    ["/statuses/", 403],
    ["/statuses/", 429],
  ] as const;
  github.faults.api.push(...limits.map(([path, status]) => ({ status, times: 2, retryAfter: 2, path })));
  const commit = await story.push({ base: {}, web: { from: ["base"] } });
  await story.ended("web", commit);
  await scenario.rest();

  expect(github.faults.api).toEqual([]);
  const runs = await story.runs();
  expect(runs.map((run) => `${run.image} ${run.status}`).sort()).toEqual(["base Succeeded", "web Succeeded"]);
  expect(acr.runs()).toHaveLength(acrRuns + 2);
  for (const image of ["base", "web"])
    expect(story.statuses(commit)[`slipway/${image}`]).toMatchObject({ state: "success" });
  github.faults.enforceRateLimits = false;
});
