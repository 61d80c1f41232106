import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test.each([403, 429])(
  "GitHub's limits (%d with Retry-After) are waited out: everything is built once and told",
  async (status) => {
    const story = await scenario.story(`limited-${status}`);
    const { acr, github } = scenario.twin;
    const acrRuns = acr.runs().length;
    github.faults.enforceRateLimits = true;
    // Reading, fetching and telling: all that is asked of GitHub meets it.
    github.faults.api.push(
      ...["/git/ref/", "/tarball/", "/statuses/"].map((path) => ({ status, times: 2, retryAfter: 2, path })),
    );
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
  },
);
