import { expect, test } from "vitest";
import { stuckInQueue } from "../../local/acr/fault-actions.ts";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("a force-push to the old commit builds the old content again, and the stable tag goes back to it", async () => {
  const story = await scenario.story("rollback");
  const a = await story.pushed({ web: { content: "web A\n" } });
  const b = await story.pushed({ web: { content: "web B\n" } });
  expect(await scenario.files("platform/rollback/web")).toEqual({ web: "web B\n" });

  await story.pushRef(`${a}:refs/heads/main`);
  const back = await story.reached("web", (run) => run.commit === a && run.status === "Succeeded");
  await scenario.rest();
  expect(await scenario.files("platform/rollback/web")).toEqual({ web: "web A\n" });
  expect(back.reasons).toMatchObject([{ kind: "commit", from: b, to: a }]);
  // Unique tags of everything that was built stay where they were.
  const [uniqueOfB] = (await story.ended("web", b)).tags.map((tag) => tag.slice(tag.lastIndexOf(":") + 1));
  expect(await scenario.files("platform/rollback/web", uniqueOfB)).toEqual({ web: "web B\n" });
});

test("A, B and back to A while B is at ACR: the stable tag ends at A", async () => {
  const story = await scenario.story("back-at-acr");
  const a = await story.pushed({ web: { content: "web A\n" } });
  const hold = scenario.twin.acr.faults.add({ operation: "execute" }, stuckInQueue);
  const b = await story.push({ web: { content: "web B\n" } });
  await story.reached("web", (run) => run.status === "Queued", b);
  await story.pushRef(`${a}:refs/heads/main`);
  await story.reached("web", (run) => run.status === "Planned", a);
  hold.lift();
  await scenario.rest();
  expect(await scenario.files("platform/back-at-acr/web")).toEqual({ web: "web A\n" });
  expect((await story.runs()).map((r) => [r.commit, r.status])).toEqual([
    [a, "Succeeded"],
    [b, "Succeeded"],
    [a, "Succeeded"],
  ]);
});

test("A, B and back to A before B has begun: nothing is built, and the stable tag never leaves A", async () => {
  const story = await scenario.story("back-at-once");
  const busy = await scenario.story("busy");
  const a = await story.pushed({ web: { content: "web A\n" } });
  const digest = await scenario.digest("platform/back-at-once/web");
  // Both of the registry's slots are taken by somebody else.
  const hold = scenario.twin.acr.faults.add({ operation: "execute" }, stuckInQueue);
  await busy.push({ one: {}, two: {} });
  await busy.reached("one", (run) => run.status === "Queued");
  await busy.reached("two", (run) => run.status === "Queued");

  const b = await story.push({ web: { content: "web B\n" } });
  await story.reached("web", (run) => run.status === "Planned", b);
  await story.pushRef(`${a}:refs/heads/main`);
  const superseded = await story.reached("web", (run) => run.status === "Superseded", b);
  hold.lift();
  await scenario.rest();
  const last = (await story.runs())[0]!;
  expect(superseded.supersededBy).toBe(last.id);
  expect(await story.run(last.id)).toMatchObject({ commit: a, status: "Skipped", ended: { code: "nothing-changed" } });
  expect(await scenario.digest("platform/back-at-once/web")).toBe(digest);
  expect(story.statuses(a)["slipway/web"]).toMatchObject({ state: "success" });
  expect(scenario.acrRunsOf(last.id)).toEqual([]);
});
