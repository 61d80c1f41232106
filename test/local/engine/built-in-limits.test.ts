import { readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cappedLog } from "../../../local/engine/built-in/capped-log.ts";
import { ControlGroup } from "../../../local/engine/built-in/control-group.ts";
import { usualLimits } from "../../../local/engine/built-in/limits.ts";
import { builtInWorld } from "./built-in-world.ts";
import { canSandbox, type World } from "./support.ts";

const mebi = 1024 * 1024;
const probe = await ControlGroup.make(usualLimits);
await probe?.remove();
const canGroup = canSandbox && probe !== undefined;

let world: World;
beforeAll(async () => {
  world = await builtInWorld({ memory: 96 * mebi, processes: 40, output: 1000, disk: 48 * mebi });
  if (canSandbox) await world.build("limited:v1", { Dockerfile: "FROM {base}\n" });
});
afterAll(() => world.remove());

const grouped = test.skipIf(!canGroup);
const needsGroups = "(needs control groups)";

grouped(
  `a step that forks for ever gets no further than its processes, and the engine goes on ${needsGroups}`,
  async () => {
    const bomb = "i=0; while [ $i -lt 200 ]; do sleep 600 & i=$((i+1)); done; echo survived";
    await expect(world.build("bomb:v1", { Dockerfile: `FROM {base}\nRUN ${bomb}\n` })).rejects.toThrow(/non-zero/);
    expect(world.log).toMatch(/fork/i);
    expect(await world.run("limited:v1", ["echo", "still here"])).toBe(0);
  },
);

grouped(`a step that takes too much memory is ended, and the log says why ${needsGroups}`, async () => {
  const code = await world.run("limited:v1", ["sh", "-c", "head -c 300000000 /dev/zero | tail -n 1 | wc -c; exit 9"]);
  expect(code).toBe(9);
  expect(world.log).toContain("[the step used all of its 96 MiB of memory]");
});

grouped(`the groups of steps are gone afterwards, and those of killed engines too ${needsGroups}`, async () => {
  const group = (await ControlGroup.make(usualLimits))!;
  const [entrance] = group.entrances;
  const parent = join(entrance!, "../..");
  const left = join(parent, "slipway-999999999-1");
  await mkdir(left);
  await group.remove();
  await (await ControlGroup.make(usualLimits))!.remove();
  expect(readdirSync(parent).filter((name) => name.startsWith(`slipway-${process.pid}-`))).toEqual([]);
  expect(readdirSync(parent)).not.toContain("slipway-999999999-1");
});

test.skipIf(!canSandbox)("a step that fills the disk is stopped (needs Linux namespaces)", async () => {
  const fill = { Dockerfile: "FROM {base}\nRUN head -c 150000000 /dev/zero > /big; sleep 600\n" };
  await expect(world.build("big:v1", fill)).rejects.toThrow(/wrote more than 48 MiB to the disk/);
});

test.skipIf(!canSandbox)("a tmpfs is no larger than its step's memory (needs Linux namespaces)", async () => {
  for (const size of ["0", "500g"]) {
    const run = `RUN --mount=type=tmpfs,target=/t,size=${size} echo size $(( $(stat -f -c "%b * %S" /t) / 1048576 ))`;
    await world.build("tmpfs:v1", { Dockerfile: `FROM {base}\n${run}\n` });
    expect(world.log).toContain("size 96\n");
  }
});

test.skipIf(!canSandbox)("the output of a step is cut at its limit, with a line that says so", async () => {
  expect(await world.run("limited:v1", ["sh", "-c", "head -c 5000 /dev/zero | tr '\\0' x; echo end"])).toBe(0);
  expect(world.log).toBe(`${"x".repeat(1000)}\n[output over 1000 bytes is left out]\n`);
});

test("what is cut is cut between characters and told once", () => {
  let said = "";
  const log = cappedLog((text) => (said += text), 6);
  for (const text of ["aé", "éé", "more"]) log(text);
  expect(said).toBe("aéé\n[output over 6 bytes is left out]\n");
});
