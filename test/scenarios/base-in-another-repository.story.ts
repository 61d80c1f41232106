import { expect, test } from "vitest";
import { useScenario } from "../support/scenario.ts";

const scenario = useScenario();

test("an image is rebuilt when the image it stands on is pushed from another source repository", async () => {
  const grounds = await scenario.story("grounds");
  const house = await scenario.story("house");
  await grounds.pushed({ base: {} });
  const houseCommit = await house.pushed({ web: { from: ["platform/grounds/base:main"] } });
  const before = await house.ended("web");

  const groundsCommit = await grounds.pushed({ base: { content: "base 2\n" } });
  const after = await house.ended("web");
  expect(after.id).not.toBe(before.id);
  expect(after).toMatchObject({ status: "Succeeded", commit: houseCommit });
  const reference = `${scenario.twin.registry.loginServer}/platform/grounds/base:main`;
  const base = await grounds.ended("base", groundsCommit);
  expect(after.reasons).toEqual([
    { kind: "base", reference, from: before.bases[reference], to: base.digest, run: base.id },
  ]);
  expect(after.cause.map((c) => c.kind)).toEqual(["run", "delivery"]);
  expect(await scenario.files("platform/house/web")).toEqual({ base: "base 2\n", web: "web 1\n" });
});
