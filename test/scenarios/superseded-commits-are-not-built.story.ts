import { expect, test } from "vitest";
import { stuckInQueue } from "../../local/acr/fault-actions.ts";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("of three quick pushes the first is at ACR, the second is not built, the third is", async () => {
  const story = await scenario.story("quick");
  const before = scenario.twin.acr.runs().length;
  const hold = scenario.twin.acr.faults.add({ operation: "execute" }, stuckInQueue);
  const first = await story.push({ web: { content: "web 1\n" } });
  await story.reached("web", (run) => run.status === "Queued", first);
  const second = await story.push({ web: { content: "web 2\n" } });
  await story.reached("web", (run) => run.status === "Planned", second);
  const third = await story.push({ web: { content: "web 3\n" } });
  await story.reached("web", (run) => run.status === "Planned", third);
  hold.lift();
  await scenario.rest();

  const [newest, middle, oldest] = await story.runs();
  expect([oldest, middle, newest].map((r) => [r!.commit, r!.status])).toEqual([
    [first, "Succeeded"],
    [second, "Superseded"],
    [third, "Succeeded"],
  ]);
  expect(scenario.twin.acr.runs()).toHaveLength(before + 2);
  expect(scenario.acrRunsOf(middle!.id)).toEqual([]);
  const view = await story.run(middle!.id);
  expect(view.supersededBy).toBe(newest!.id);
  expect(story.statuses(second)["slipway/web"]).toMatchObject({
    state: "error",
    description: expect.stringContaining("Not built"),
  });
  // The change of the commit that was passed over is in the reasons of the run that took over.
  expect((await story.run(newest!.id)).reasons).toMatchObject([{ kind: "commit", from: first, to: third }]);
  expect(await scenario.files("platform/quick/web")).toEqual({ web: "web 3\n" });
});
