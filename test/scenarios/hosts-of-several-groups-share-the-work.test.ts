import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";
import type { StoryImages } from "../support/scenario-source.ts";
import { until } from "../support/scenario-until.ts";

/** As on Flex Consumption: a host for the API, one for each queue and timer, and two that plan at the same time. */
const scenario = useScenario({ hosts: "per-group" });
const images: StoryImages = { base: {}, left: { from: ["base"] }, right: { from: ["base"] } };

test("hosts that share nothing but storage build everything once, two of them planning at the same time", async () => {
  const planned = (): Set<string | undefined> =>
    new Set(
      scenario.logs
        .filter((entry) => /^Executed 'Functions.reconcile-registry' \(Succeeded/.test(entry.message))
        .map((entry) => entry.instance),
    );
  const story = await scenario.story("shared");
  const commit = await story.push(images);
  await story.decision(commit);
  await scenario.rest();

  const runs = await story.runs();
  expect(runs.map((run) => `${run.image} ${run.status}`).sort()).toEqual([
    "base Succeeded",
    "left Succeeded",
    "right Succeeded",
  ]);
  for (const run of runs) {
    const accepted = scenario.acrRunsOf(run.id);
    expect([run.image, accepted.filter(({ status }) => status === "Succeeded").length]).toEqual([run.image, 1]);
    expect(story.statuses(commit)[`slipway/${run.image}`]).toMatchObject({ state: "success" });
  }
  // Nothing is left to do: every such word is one more nudge, which either of them may take.
  await until("both of them have planned", async () => {
    await scenario.tell("resume", { body: {} });
    return planned().size === 2;
  });
  expect([...planned()].sort()).toEqual(["function:reconcile-registry#1", "function:reconcile-registry#2"]);
  const elsewhere = scenario.logs.filter(
    ({ instance, message }) =>
      instance !== "http" &&
      message.startsWith("Executing ") &&
      !message.includes(`'Functions.${instance?.replace(/^function:|#\d+$/g, "")}'`),
  );
  expect(elsewhere).toEqual([]);
});
