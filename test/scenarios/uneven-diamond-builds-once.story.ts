import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";
import type { StoryImages } from "../support/scenario-source.ts";

const scenario = useScenario();

// app stands on runtime and, the long way round, on tools and assets.
const diamond: StoryImages = {
  base: {},
  runtime: { from: ["base"] },
  tools: { from: ["base"] },
  assets: { from: ["tools"] },
  app: { from: ["assets", "runtime"] },
};
const standsOn = [
  ["runtime", "base"],
  ["tools", "base"],
  ["assets", "tools"],
  ["app", "assets"],
  ["app", "runtime"],
] as const;

test("a changed base rebuilds the whole diamond in order, each image in exactly one ACR run", async () => {
  const story = await scenario.story("diamond");
  await story.pushed(diamond);
  const scheduledBefore = scenario.twin.acr.runs().length;

  const second = await story.pushed({ ...diamond, base: { content: "base 2\n" } });
  const runs = await story.runs({ commit: second });
  expect(runs.map((r) => `${r.image} ${r.status}`).sort()).toEqual([
    "app Succeeded",
    "assets Succeeded",
    "base Succeeded",
    "runtime Succeeded",
    "tools Succeeded",
  ]);
  expect(scenario.twin.acr.runs()).toHaveLength(scheduledBefore + 5);

  const times = new Map<string, { readonly start: string; readonly finish: string }>();
  for (const run of runs) {
    const [acrRun, ...more] = scenario.acrRunsOf(run.id);
    expect(more).toEqual([]);
    times.set(run.image, { start: acrRun!.startTime!, finish: acrRun!.finishTime! });
  }
  for (const [image, base] of standsOn) {
    const inOrder = times.get(image)!.start >= times.get(base)!.finish;
    expect(inOrder, `${image} starts after ${base} has finished`).toBe(true);
  }
  // Content from the far end of the longer side: app was built on what this wave made.
  expect((await story.run(runs.find((r) => r.image === "app")!.id)).bases).toEqual({
    [`${scenario.twin.registry.loginServer}/platform/diamond/assets:main`]:
      await scenario.digest("platform/diamond/assets"),
    [`${scenario.twin.registry.loginServer}/platform/diamond/runtime:main`]:
      await scenario.digest("platform/diamond/runtime"),
  });
  expect(await scenario.files("platform/diamond/app")).toMatchObject({ base: "base 2\n", app: "app 1\n" });
});
