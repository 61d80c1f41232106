import { expect, test } from "vitest";
import { endsAs } from "../../local/acr/fault-actions.ts";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("dependents of a failed base stay on the last good one; after a retry they catch up", async () => {
  const story = await scenario.story("heal");
  const images = { base: {}, web: { from: ["base"] } };
  await story.pushed(images);
  const good = { base: await scenario.digest("platform/heal/base"), web: await scenario.digest("platform/heal/web") };

  scenario.twin.acr.faults.add({ operation: "execute" }, endsAs("Failed", "the agent ran out of disk"));
  const second = await story.pushed({ ...images, base: { content: "base 2\n" } });
  const failed = await story.ended("base", second);
  expect(failed).toMatchObject({
    status: "Failed",
    ended: { message: expect.stringContaining("the agent ran out of disk") },
  });
  const skipped = await story.ended("web");
  expect(skipped).toMatchObject({
    status: "Skipped",
    ended: { code: "base-failed", message: expect.stringContaining(`${failed.id} ended Failed`) },
  });
  expect(await scenario.digest("platform/heal/base")).toBe(good.base);
  expect(await scenario.digest("platform/heal/web")).toBe(good.web);

  expect((await scenario.tell(`runs/${failed.id}/retry`)).status).toBe(202);
  const retried = await story.reached("base", (run) => run.id !== failed.id && run.status === "Succeeded");
  expect(retried.reasons).toMatchObject([{ kind: "request", action: "retry", of: failed.id }]);
  await scenario.rest();
  const healed = await story.ended("web");
  expect(healed).toMatchObject({ status: "Succeeded", cause: [{ kind: "run", id: retried.id }, { kind: "request" }] });
  expect(await scenario.files("platform/heal/web")).toEqual({ base: "base 2\n", web: "web 1\n" });
});
