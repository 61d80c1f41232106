import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("a missing Dockerfile: the decision and the commit name its path, and the other images are built", async () => {
  const story = await scenario.story("no-dockerfile");
  const commit = await story.pushed({ web: {}, other: {} }, { files: { "images/web/Dockerfile": null } });
  const message = `there is no images/web/Dockerfile at ${commit.slice(0, 7)}`;
  expect((await story.decision(commit)).skipped).toEqual([
    expect.objectContaining({ reason: "dockerfile-missing", images: ["web"], message }),
  ]);
  expect(story.statuses(commit)["slipway/web"]).toEqual({ state: "failure", description: message });
  expect(story.statuses(commit)["slipway/other"]).toMatchObject({ state: "success" });
  expect((await story.runs()).map((r) => r.image)).toEqual(["other"]);
});

test("a base that does not exist: the run names it and never reaches ACR; its dependents are not built", async () => {
  const story = await scenario.story("no-base");
  const before = scenario.twin.acr.runs().length;
  const commit = await story.pushed({ base: { from: ["platform/nobody/made:this"] }, web: { from: ["base"] } });
  const reference = `${scenario.twin.registry.loginServer}/platform/nobody/made:this`;
  const message = `its base ${reference} does not exist in the registry`;
  expect(await story.ended("base")).toMatchObject({ status: "Failed", ended: { code: "base-not-found", message } });
  expect(story.statuses(commit)["slipway/base"]).toEqual({ state: "failure", description: message });
  const web = await story.ended("web");
  expect(web.status).not.toBe("Succeeded");
  expect(story.statuses(commit)["slipway/web"]!.description).toMatch(/base/);
  expect(scenario.twin.acr.runs()).toHaveLength(before);
});

test("a RUN that fails: the run and the commit say what the build said last", async () => {
  const story = await scenario.story("failing-run");
  const commit = await story.pushed({ web: { run: "echo 'no such package: left-pad' >&2; exit 3" } });
  const run = await story.ended("web");
  expect(run).toMatchObject({
    status: "Failed",
    ended: { code: "build-failed", message: expect.stringContaining("no such package: left-pad") },
  });
  expect(story.statuses(commit)["slipway/web"]).toMatchObject({
    state: "failure",
    description: expect.stringContaining("no such package: left-pad"),
  });
  expect(scenario.tags("platform/failing-run/web")).toEqual([]);
});

test("a test that fails: nothing is pushed", async () => {
  const story = await scenario.story("failing-test");
  await story.pushed({ web: { run: "true", yaml: ['test: ["echo the answer is 41; test 41 = 42"]'] } });
  const run = await story.ended("web");
  expect(run).toMatchObject({ status: "Failed", ended: { message: expect.stringContaining("the answer is 41") } });
  expect(scenario.tags("platform/failing-test/web")).toEqual([]);
});
