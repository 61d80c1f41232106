import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("webhooks come newest first and the API still shows old refs: what is built in the end is the head", async () => {
  const story = await scenario.story("stale");
  const { github } = scenario.twin;
  await story.pushed({ web: {} });
  github.faults.reverse = 3;
  github.faults.refLagMs = 3000;
  const commits: string[] = [];
  for (const content of ["web 2\n", "web 3\n", "web 4\n"]) commits.push(await story.push({ web: { content } }));
  const head = commits.at(-1)!;
  const run = await story.ended("web", head);
  await scenario.rest();

  const arrived = commits.map((commit) => story.delivery(commit)!.outcome!.deliveredAt);
  expect(arrived).toEqual(arrived.toSorted((a, b) => b - a));
  expect(run.status).toBe("Succeeded");
  const [newest] = await story.runs();
  expect(newest!.id).toBe(run.id);
  expect(await scenario.files("platform/stale/web")).toEqual({ web: "web 4\n" });
  // No commit is built twice, however often it was told of.
  const built = (await story.runs()).filter(({ status }) => status === "Succeeded").map(({ commit }) => commit);
  expect(new Set(built).size).toBe(built.length);
  github.faults.refLagMs = 0;
});
