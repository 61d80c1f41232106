import { expect, test } from "vitest";
import { throttled } from "../../local/acr/fault-actions.ts";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("429 to scheduleRun: waits as long as ACR asks, then goes on with the same attempt", async () => {
  const story = await scenario.story("schedule");
  const fault = scenario.twin.acr.faults.add({ operation: "scheduleRun", times: 2 }, throttled(3));
  await story.pushed({ web: {} });
  const run = await story.ended("web");
  expect(fault.struck).toBe(2);
  expect(run).toMatchObject({ status: "Succeeded", attempts: [{ number: 1 }] });
  expect(run.attempts).toHaveLength(1);
  expect(scenario.acrRunsOf(run.id)).toHaveLength(1);
  expect(Date.parse(run.times.Queued!) - Date.parse(run.times.Scheduling!)).toBeGreaterThanOrEqual(6000);
});

test("429 to everything else is waited out too", async () => {
  const story = await scenario.story("the-rest");
  const operations = ["listRuns", "getRun", "listBuildSourceUploadUrl", "listLogSasUrl"] as const;
  const faults = operations.map((operation) => scenario.twin.acr.faults.add({ operation }, throttled(1)));
  await story.pushed({ web: {} });
  expect(await story.ended("web")).toMatchObject({ status: "Succeeded" });
  expect(faults.map((f) => f.struck)).toEqual([1, 1, 1, 1]);
  expect(await (await scenario.ask(`runs/${(await story.ended("web")).id}/log`)).text()).toContain("Run ID: ");
});
