import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

// The sweep stays out of it, so that only the deliveries speak.
const scenario = useScenario({ env: { SLIPWAY_SWEEP_SCHEDULE: "0 0 0 29 2 *" } });

test("the same delivery twenty times builds once", async () => {
  const story = await scenario.story("twenty");
  const commit = await story.push({ web: {} });
  const { guid, body } = story.delivery(commit)!;
  const answers = await Promise.all(Array.from({ length: 20 }, () => scenario.deliver(body, { guid })));
  expect(answers.map((a) => a.status)).toEqual(Array(20).fill(202));
  await story.decision(commit);
  await scenario.rest();
  const runs = await story.runs();
  expect(runs.map((r) => r.status)).toEqual(["Succeeded"]);
  expect(scenario.acrRunsOf(runs[0]!.id)).toHaveLength(1);
  expect(scenario.twin.acr.runs()).toHaveLength(1);
});

test("the same push under new GUIDs builds nothing more and says so", async () => {
  const story = await scenario.story("new-guids");
  const commit = await story.pushed({ web: {} });
  const before = scenario.twin.acr.runs().length;
  const guids = Array.from({ length: 5 }, () => randomUUID());
  const { body } = story.delivery(commit)!;
  for (const guid of guids) expect((await scenario.deliver(body, { guid })).status).toBe(202);
  await scenario.rest();
  for (const guid of guids)
    expect(await story.decisionOf(guid)).toMatchObject({
      plannedCount: 0,
      skipped: [{ reason: "nothing-changed", images: ["web"] }],
    });
  expect(await story.runs()).toHaveLength(1);
  expect(scenario.twin.acr.runs()).toHaveLength(before);
});

test("two pushes told in the wrong order end at the newer commit", async () => {
  const story = await scenario.story("reversed");
  await story.pushed({ web: { content: "web 0\n" } });
  scenario.twin.github.faults.refuse = 2;
  const older = await story.push({ web: { content: "web 1\n" } });
  const newer = await story.push({ web: { content: "web 2\n" } });
  for (const commit of [newer, older]) {
    const { guid, body } = story.delivery(commit)!;
    await scenario.deliver(body, { guid });
    await story.decision(commit);
  }
  await scenario.rest();
  expect(await scenario.files("platform/reversed/web")).toEqual({ web: "web 2\n" });
  expect((await story.runs({ commit: newer })).map((r) => r.status)).toEqual(["Succeeded"]);
  expect(await story.runs({ commit: older })).toEqual([]);
  expect((await story.decision(older)).skipped).toMatchObject([{ reason: "nothing-changed" }]);
});
