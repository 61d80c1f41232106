import { beforeEach, expect, it } from "vitest";
import type { Look } from "../../src/core/image/digest-lookup.ts";
import { TransientError } from "../../src/errors.ts";
import { type AskPorts, askRegistry } from "../../src/handlers/ask-registry.ts";
import { createRegistries } from "../../src/handlers/registries.ts";
import { Outside, platformOf } from "./outside.ts";

const found: Look = { lookup: { kind: "found", digest: `sha256:${"1".repeat(64)}` } };
const forbidden = { lookup: { kind: "unknown", forbidden: true, why: expect.stringContaining("is not listed under") } };

let outside: Outside;
let armAsked: string[];
let away: readonly string[];

beforeEach(() => {
  outside = new Outside();
  armAsked = [];
  away = [];
});

/** As a process that has done nothing yet. */
function cold(aliases: readonly string[] = ["aa", "bb"]): AskPorts {
  const registries = createRegistries({
    platform: platformOf(aliases),
    rows: outside.rows,
    factsOf: async (alias) => {
      armAsked.push(alias);
      if (away.includes(alias)) throw new TransientError("ARM: 503");
      return { loginServer: `${alias}.azurecr.io`, createdAt: "2026-01-01T00:00:00Z" };
    },
    now: outside.clock,
  });
  return { registries, isListed: (host) => host === "docker.io", look: async () => found };
}

it("asks each configured registry, also when nobody has needed it yet", async () => {
  const ports = cold();
  await ports.registries.find("aa");
  expect(await askRegistry("bb.azurecr.io/team/base:1", ports)).toEqual(found);
});

it("asks hosts that are listed, and no others", async () => {
  const ports = cold();
  expect(await askRegistry("docker.io/library/debian:12", ports)).toEqual(found);
  for (const host of ["evil.example", "aa.azurecr.io.example", "10.0.0.8", "localhost:5000"])
    expect(await askRegistry(`${host}/team/base:1`, ports)).toMatchObject(forbidden);
});

it("does not know whose host it is while a registry cannot be had, and then asks nobody, but may be asked again", async () => {
  away = ["bb"];
  const ports = cold();
  const base = "bb.azurecr.io/team/base:1";
  const unknown = (await askRegistry(base, ports)).lookup;
  expect(unknown).toMatchObject({ kind: "unknown" });
  expect(unknown).not.toHaveProperty("forbidden");
  expect(await askRegistry("aa.azurecr.io/team/base:1", ports), "the others are as before").toEqual(found);
  away = [];
  outside.now += 10_000;
  expect(await askRegistry(base, ports)).toEqual(found);
});

it("asks ARM once for many looks, had or not", async () => {
  away = ["bb"];
  const ports = cold();
  const looks = Array.from({ length: 20 }, (_, i) => askRegistry(`aa.azurecr.io/team/base:${i}`, ports));
  expect(await Promise.all(looks)).toEqual(looks.map(() => found));
  await askRegistry("cc.azurecr.io/team/base:1", ports);
  expect(armAsked.sort()).toEqual(["aa", "bb"]);
});
