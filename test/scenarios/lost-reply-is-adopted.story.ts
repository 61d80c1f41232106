import { expect, test } from "vitest";
import { lostReply, serverErrorAfterEffect } from "../../local/acr/fault-actions.ts";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

for (const [name, action] of [
  ["connection-lost", lostReply],
  ["server-error", serverErrorAfterEffect(500)],
] as const)
  test(`ACR's reply is lost (${name}): each run finds its own ACR run by its marker, and no second one is asked for`, async () => {
    const story = await scenario.story(name);
    const before = scenario.twin.acr.runs().length;
    // Two at once: the newest ACR run is not the right one for both.
    const fault = scenario.twin.acr.faults.add({ operation: "scheduleRun", times: 2 }, action);
    await story.pushed({ one: {}, two: {} });
    expect(fault.struck).toBe(2);
    expect(scenario.twin.acr.runs()).toHaveLength(before + 2);
    for (const image of ["one", "two"]) {
      const run = await story.ended(image);
      const acrRuns = scenario.acrRunsOf(run.id);
      expect(acrRuns).toHaveLength(1);
      expect(run).toMatchObject({
        status: "Succeeded",
        notes: [expect.stringContaining("ACR's reply was lost")],
        attempts: [{ number: 1, acrRunId: acrRuns[0]!.runId, acrStatus: "Succeeded" }],
      });
      expect(acrRuns[0]!.network).toBe(`slipway-${run.id}-1`);
      expect(acrRuns[0]!.outputImages?.[0]?.digest).toBe(run.digest);
      expect(await scenario.files(story.imageRepository(image))).toEqual({ [image]: `${image} 1\n` });
    }
  });
