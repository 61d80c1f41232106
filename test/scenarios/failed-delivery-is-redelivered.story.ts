import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("a push while the host is down is redelivered by GitHub at our request when it is back", async () => {
  // Never seen before: the sweep does not know this repository, so only the delivery can tell of it.
  const story = await scenario.story("down");
  const { twin } = scenario;
  await twin.host().stop();
  const commit = await story.push({ web: {} });
  await twin.github.settled();
  expect(story.delivery(commit)).toMatchObject({ redelivery: false, outcome: { statusCode: 502 } });

  await twin.startHost();
  const run = await story.ended("web", commit);
  const redelivered = story.delivery(commit)!;
  expect(redelivered).toMatchObject({ redelivery: true, outcome: { statusCode: 202 } });
  expect(run).toMatchObject({ status: "Succeeded", cause: [{ kind: "delivery", id: redelivered.guid }] });
  await scenario.rest();
  expect(twin.github.deliveries().filter((d) => d.guid === redelivered.guid)).toHaveLength(2);
});
