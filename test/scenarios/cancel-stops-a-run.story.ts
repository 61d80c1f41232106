import { expect, test } from "vitest";
import { stuckInQueue } from "../../local/acr/fault-actions.ts";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("a planned run is cancelled at once, says what it waited for until then, and never reaches ACR", async () => {
  const story = await scenario.story("planned");
  const hold = scenario.twin.acr.faults.add({ operation: "execute" }, stuckInQueue);
  const first = await story.push({ web: {} });
  const active = await story.reached("web", (run) => run.status === "Queued", first);
  const second = await story.push({ web: { content: "web 2\n" } });
  const planned = await story.reached("web", (run) => run.status === "Planned", second);
  expect(planned.hold).toEqual({ kind: "track-busy", run: active.id });

  expect((await scenario.tell(`runs/${planned.id}/cancel`)).status).toBe(202);
  expect(await story.ended("web", second)).toMatchObject({
    id: planned.id,
    status: "Canceled",
    ended: { code: "canceled" },
  });
  hold.lift();
  await scenario.rest();
  expect(await story.run(active.id)).toMatchObject({ status: "Succeeded" });
  expect(scenario.acrRunsOf(planned.id)).toEqual([]);
  expect((await story.runs()).map((r) => r.status)).toEqual(["Canceled", "Succeeded"]);
  expect(story.statuses(second)["slipway/web"]).toMatchObject({ state: "error" });
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
    decisions: [{ cause: { kind: "request", action: "cancel" }, done: `canceling ${running.id} (web)` }],
  });
  // Once more: it has ended, and the decision says so.
  const again = (await (await scenario.tell(`runs/${running.id}/cancel`)).json()) as { id: string };
  await scenario.rest();
  expect(await story.decisionOf(again.id)).toMatchObject({ skipped: [{ reason: "run-already-ended" }] });
});
