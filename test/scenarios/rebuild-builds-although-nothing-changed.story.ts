import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("a rebuild builds what has not changed; the same Idempotency-Key again is the same rebuild", async () => {
  const story = await scenario.story("rebuild");
  const before = scenario.twin.acr.runs().length;
  await story.pushed({ again: {} });
  const ask = async (idempotencyKey: string) => {
    const answer = await scenario.tell("images/again/rebuild", { body: { ref: "refs/heads/main" }, idempotencyKey });
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as { id: string };
    await scenario.rest();
    return id;
  };
  const id = await ask("monday");
  expect(await ask("monday")).toBe(id);
  const [rebuilt, ...earlier] = await story.runs();
  expect(earlier).toHaveLength(1);
  const view = await story.run(rebuilt!.id);
  expect(view).toMatchObject({
    status: "Succeeded",
    why: ["rebuild was asked for"],
    cause: [{ kind: "request", action: "rebuild", id }],
  });
  expect(scenario.acrRunsOf(view.id)).toHaveLength(1);

  await ask("tuesday");
  expect((await story.runs()).map((r) => r.status)).toEqual(["Succeeded", "Succeeded", "Succeeded"]);
  expect(scenario.twin.acr.runs()).toHaveLength(before + 3);
});
