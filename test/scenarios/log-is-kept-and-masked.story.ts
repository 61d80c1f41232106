import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();
const token = `ghp_${"a1B2c3D4".repeat(4)}abcd`;

test("a token that a build prints is covered while the log grows, in the kept copy, and in what the commit shows", async () => {
  const story = await scenario.story("secret");
  const commit = await story.push({
    web: { run: `echo before; echo token ${token}; sleep 3; echo after ${token}; exit 1` },
  });
  const running = await story.reached("web", (run) => run.status === "Running");
  const live = await follow(running.id);
  expect(live).toContain(`token ${"*".repeat(token.length)}`);
  expect(live).toContain("after");

  const ended = await story.ended("web");
  await scenario.rest();
  const kept = await (await scenario.ask(`runs/${ended.id}/log`)).text();
  expect(kept).toBe(live);
  for (const text of [live, kept, JSON.stringify(await story.run(ended.id)), JSON.stringify(story.statuses(commit))])
    expect(text).not.toContain(token);
  expect(story.statuses(commit)["slipway/web"]!.description).toContain("after");
});

/** The log as somebody sees it who watches: piece by piece, from the offset the last answer gave. */
async function follow(runId: string): Promise<string> {
  let text = "";
  for (let offset = 0, complete = false; !complete; ) {
    const answer = await scenario.ask(`runs/${runId}/log?offset=${offset}&follow=true`);
    expect(answer.status).toBe(200);
    text += await answer.text();
    offset = Number(answer.headers.get("x-slipway-log-next"));
    complete = answer.headers.get("x-slipway-log-complete") === "true";
  }
  return text;
}
