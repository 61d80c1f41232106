import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { BuildahEngine } from "../../../local/engine/buildah/buildah-engine.ts";
import type { Limits } from "../../../local/engine/built-in/limits.ts";
import { pushShellBase } from "../../../local/engine/shell-base.ts";
import { describeEngine } from "./engine-contract.ts";
import { attemptsOnTheMachine, buildah, World } from "./support.ts";

const needed = "buildah, as root";

describeEngine("buildah engine", (registry, scratchDir) => new BuildahEngine(registry, scratchDir, buildah!), {
  all: buildah ? undefined : needed,
});

async function buildahWorld(limits: Partial<Limits> = {}): Promise<World> {
  const world = await World.make((registry, scratchDir) => new BuildahEngine(registry, scratchDir, buildah!, limits));
  onTestFinished(() => world.remove());
  await pushShellBase(world.registry.store);
  return world;
}

test.skipIf(!buildah)(`a container sees no device and no control group of the machine (needs ${needed})`, async () => {
  const world = await buildahWorld();
  await world.build("inside:1", { Dockerfile: "FROM {base}\n" });
  const look =
    "ls /dev; ls /sys/fs/cgroup; cat /proc/net/dev | grep -c :; ls -d /proc/[0-9]* | wc -l; " +
    `echo x 2>/dev/null > /proc/sys/kernel/hostname || echo read-only; test -e ${world.dir} || echo not there`;
  expect(await world.run("inside:1", ["sh", "-c", look])).toBe(0);
  const [processes] = /^\d{1,2}$/m.exec(world.log.split("\n").slice(10).join("\n"))!;
  expect(Number(processes)).toBeLessThan(15);
  expect(world.log.replace(/^\d{1,2}\nread-only/m, "few\nread-only").split("\n")).toEqual([
    ...[
      "fd",
      "full",
      "null",
      "random",
      "shm",
      "start",
      "start.out",
      "stderr",
      "stdin",
      "stdout",
      "tty",
      "urandom",
      "zero",
    ],
    ...["1", "few", "read-only", "not there", ""],
  ]);
});

test.skipIf(!buildah)(`root of an image changes nothing of the machine (needs ${needed})`, async () => {
  const world = await buildahWorld();
  const files = { attempts: attemptsOnTheMachine, Dockerfile: "FROM {base}\nCOPY attempts /\nRUN sh /attempts\n" };
  await world.build("attempts:1", files);
  expect(world.log).toMatch(/^done$/m);
  expect(world.log).not.toMatch(/^could:/m);
  expect(await world.run("attempts:1", ["sh", "/attempts"])).toBe(0);
  expect(world.log).toBe("done\n");
});

test.skipIf(!buildah)(`what short commands print side by side is all there (needs ${needed})`, async () => {
  const world = await buildahWorld();
  await world.build("words:1", { Dockerfile: "FROM {base}\n" });
  const commands = Array.from({ length: 10 }, async (_, n) => {
    const request = { reference: world.reference("words:1"), args: ["sh", "-c", `echo ${n}; echo end >&2`], env: [] };
    let said = "";
    expect(await world.engine.run(request, (text) => (said += text), new AbortController().signal)).toBe(0);
    return said;
  });
  expect(await Promise.all(commands)).toEqual(commands.map((_, n) => `${n}\nend\n`));
});

test.skipIf(!buildah)(`a command ends with its signal, or with its memory (needs ${needed})`, async () => {
  const world = await buildahWorld({ memory: 96 * 1024 * 1024 });
  await world.build("ends:1", { Dockerfile: "FROM {base}\n" });
  expect(await world.run("ends:1", ["sh", "-c", "echo words; printf more >&2; kill -9 $$"])).toBe(137);
  expect(world.log).toBe("words\nmore");
  expect(await world.run("ends:1", ["sh", "-c", "head -c 300000000 /dev/zero | tail > /dev/null"])).toBe(137);
  expect(world.log).toMatch(/used all of its 96 MiB/);
});

test.skipIf(!buildah)(
  `what a killed engine left goes, and nothing lies outside the scratch (needs ${needed})`,
  async () => {
    const outside = ["/var/lib/containers", "/run/containers"].map((path) => [path, existsSync(path)]);
    const world = await buildahWorld();
    const store = join(world.dir, "scratch/buildah");
    await mkdir(store, { recursive: true });
    await writeFile(join(store, "left-over"), "");
    await world.build("clean:1", { Dockerfile: "FROM {base}\nRUN echo > /x\n" });
    await world.push("clean:1");
    await world.run("clean:1", ["true"]);
    await expect(world.run("never:1", ["true"])).rejects.toThrow(/no image/);
    expect(await readdir(store)).not.toContain("left-over");
    expect(existsSync(join(store, "home/.local/share/containers/cache/blob-info-cache-v1.boltdb"))).toBe(true);
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(world.dir);
    expect(outside.map(([path]) => [path, existsSync(String(path))])).toEqual(outside);
    await world.engine.close();
    expect(await readdir(join(world.dir, "scratch"))).toEqual([]);
  },
);
