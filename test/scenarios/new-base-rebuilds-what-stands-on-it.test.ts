import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";
import { pushBase, quickBaseUpdates } from "../support/scenario-base.ts";
import type { StoryImages } from "../support/scenario-source.ts";
import type { RunView } from "../support/scenario-story.ts";
import { until } from "../support/scenario-until.ts";

const scenario = useScenario({ platform: quickBaseUpdates });

/** a → b → z and a → c → e → z, on an image that nobody here builds. */
const uneven: StoryImages = {
  a: { from: ["vendor/os:12"] },
  b: { from: ["a"] },
  c: { from: ["a"] },
  e: { from: ["c"] },
  z: { from: ["b", "e"] },
};
const standsOn = [
  ["b", "a"],
  ["c", "a"],
  ["e", "c"],
  ["z", "b"],
  ["z", "e"],
] as const;

test("a new base rebuilds the uneven diamond in order, each image once, and the API says why", async () => {
  const first = await pushBase(scenario, "vendor/os", "12", "os 1\n");
  const story = await scenario.story("uneven");
  const commit = await story.pushed(uneven);
  const before = new Set((await story.runs()).map((r) => r.id));
  const acrRuns = scenario.twin.acr.runs().length;

  const second = await pushBase(scenario, "vendor/os", "12", "os 2\n");
  await story.reached("z", (run) => !before.has(run.id) && run.status === "Succeeded");
  await scenario.rest();

  const runs = (await story.runs()).filter((r) => !before.has(r.id));
  expect(runs.map((r) => `${r.image} ${r.status} ${r.commit}`).sort()).toEqual(
    Object.keys(uneven).map((image) => `${image} Succeeded ${commit}`),
  );
  expect(scenario.twin.acr.runs()).toHaveLength(acrRuns + 5);
  const views = new Map<string, RunView>();
  for (const { id, image } of runs) views.set(image, await story.run(id));
  for (const [image, base] of standsOn) {
    const [[onTop], [below]] = [image, base].map((name) => scenario.acrRunsOf(views.get(name)!.id)) as [
      ReturnType<typeof scenario.acrRunsOf>,
      ReturnType<typeof scenario.acrRunsOf>,
    ];
    expect(onTop!.startTime! >= below!.finishTime!, `${image} starts after ${base} has finished`).toBe(true);
  }

  const reference = `${scenario.twin.registry.loginServer}/vendor/os:12`;
  expect(views.get("a")!.reasons).toEqual([{ kind: "base", reference, from: first, to: second }]);
  expect(views.get("a")!.cause).toEqual([
    { kind: "registry-event", sender: "acr-webhook", id: expect.any(String), reference, at: expect.any(String) },
  ]);
  expect(views.get("z")!.cause.at(-1)).toEqual(views.get("a")!.cause[0]);
  const [wave, ...more] = new Set([...views.values()].flatMap((v) => v.waves));
  expect(more).toEqual([]);
  expect(await scenario.read(`waves/${wave}`)).toMatchObject({
    waves: [{ planned: 5, open: 0, failed: 0, state: "ended" }],
  });
  expect(await scenario.files("platform/uneven/z")).toMatchObject({ os: "os 2\n", z: "z 1\n" });
});

test("a webhook that is lost is made up for by the timer", { timeout: 240_000 }, async () => {
  await pushBase(scenario, "vendor/lost", "1", "os 1\n");
  const story = await scenario.story("unheard");
  await story.pushed({ web: { from: ["vendor/lost:1"] } });
  const reference = `${scenario.twin.registry.loginServer}/vendor/lost:1`;
  const { acr } = scenario.twin;
  acr.webhooks().faults.lose = 1;
  await pushBase(scenario, "vendor/lost", "1", "os 2\n");
  await until("the timer finds it", async () => (await story.runs({ image: "web" })).length === 2, {
    patienceMs: 200_000,
  });
  const run = await story.ended("web");
  expect(run).toMatchObject({
    status: "Succeeded",
    cause: [{ kind: "registry-event", sender: "base-check", reference }],
  });
  await scenario.rest();
  expect(await scenario.files("platform/unheard/web")).toMatchObject({ os: "os 2\n" });
  expect(acr.webhooks().faults.lose, "the webhook was lost").toBe(0);
});
