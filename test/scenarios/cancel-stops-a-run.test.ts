import { expect, test } from "vitest";
import { stuckInQueue } from "../../local/acr/fault-actions.ts";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("a planned run is cancelled at once, says what it waited for until then, and never reaches ACR", async () => {
  const story = await scenario.story("planned");
  const hold = scenario.twin.acr.faults.add({ operation: "execute" }, stuckInQueue);
  const commit = await story.push({ base: {}, web: { from: ["base"] } });
  const base = await story.reached("base", (run) => run.status === "Queued");
  const web = await story.reached("web", (run) => run.status === "Planned");
  expect(web.hold).toEqual({ kind: "base", runs: [base.id] });

  expect((await scenario.tell(`runs/${web.id}/cancel`)).status).toBe(202);
  expect(await story.ended("web")).toMatchObject({ id: web.id, status: "Canceled", ended: { code: "canceled" } });
  hold.lift();
  await scenario.rest();
  expect(await story.ended("base")).toMatchObject({ status: "Succeeded" });
  expect(scenario.acrRunsOf(web.id)).toEqual([]);
  expect(story.statuses(commit)["slipway/web"]).toMatchObject({ state: "error" });
});

test("a run at ACR is cancelled there and pushes nothing", async () => {
  const story = await scenario.story("live");
  const commit = await story.push({ web: { run: "echo begun; sleep 60" } });
  const running = await story.reached("web", (run) => run.status === "Running");
  const answer = await scenario.tell(`runs/${running.id}/cancel`);
  expect(answer.status).toBe(202);
  const { decision } = (await answer.json()) as { decision: string };
  expect(await story.ended("web")).toMatchObject({ id: running.id, status: "Canceled" });
  await scenario.rest();
  const [acrRun] = scenario.acrRunsOf(running.id);
  expect(acrRun).toMatchObject({ status: "Canceled" });
  expect(scenario.twin.acr.ledger()).toContainEqual(
    expect.objectContaining({ kind: "run-cancel-requested", runId: acrRun!.runId }),
  );
  expect(scenario.tags("platform/live/web")).toEqual([]);
  expect(story.statuses(commit)["slipway/web"]).toMatchObject({ state: "error" });
  expect(await scenario.read(decision)).toMatchObject({
    decisions: [{ cause: { kind: "request", action: "cancel" }, planned: [{ run: running.id }] }],
  });
  // Once more: it has ended, and the decision says so.
  const again = (await (await scenario.tell(`runs/${running.id}/cancel`)).json()) as { id: string };
  await scenario.rest();
  expect(await story.decisionOf(again.id)).toMatchObject({ skipped: [{ reason: "run-already-ended" }] });
});
