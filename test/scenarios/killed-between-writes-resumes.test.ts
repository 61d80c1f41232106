import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";
import type { StoryImages } from "../support/scenario-source.ts";

const scenario = useScenario();
const diamond: StoryImages = {
  base: {},
  runtime: { from: ["base"] },
  tools: { from: ["base"] },
  assets: { from: ["tools"] },
  app: { from: ["assets", "runtime"] },
};
const kills = 5;

test("a host that is killed again and again loses nothing and builds nothing twice", { timeout: 600_000 }, async () => {
  const story = await scenario.story("killed");
  const { twin } = scenario;
  const commit = await story.push(diamond);
  const killedAfterMs: number[] = [];
  for (let i = 0; i < kills; i++) {
    // Where in its work it dies is chance on purpose; test/chaos goes through every place in order.
    const ms = Math.round(100 + Math.random() * 2000);
    killedAfterMs.push(ms);
    await sleep(ms);
    await twin.host().kill();
    await twin.startHost();
  }
  // A dead pass holds its lease for 20 s, and a call that may have been made is waited for longer than that.
  await story.decision(commit);
  await scenario.rest(500_000);

  const told = `killed after ${killedAfterMs.join(", ")} ms`;
  const runs = await story.runs();
  expect(runs.map((r) => `${r.image} ${r.status}`).sort(), told).toEqual(
    Object.keys(diamond)
      .map((image) => `${image} Succeeded`)
      .sort(),
  );
  // One accepted ACR run an attempt, and only one of them built the image.
  const markers = twin.acr.runs().map((run) => run.network);
  expect(new Set(markers).size, told).toBe(markers.length);
  for (const run of runs) {
    const accepted = scenario.acrRunsOf(run.id);
    expect([run.image, accepted.filter((r) => r.status === "Succeeded").length], told).toEqual([run.image, 1]);
    expect(scenario.tags(story.imageRepository(run.image)), told).toHaveLength(2);
    expect(story.statuses(commit)[`slipway/${run.image}`], told).toMatchObject({ state: "success" });
  }
  expect(await scenario.files("platform/killed/app")).toEqual({
    base: "base 1\n",
    runtime: "runtime 1\n",
    assets: "assets 1\n",
    app: "app 1\n",
  });
});
