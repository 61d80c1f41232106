import { chmodSync, mkdirSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { StateFile } from "../../local/state-file.ts";
import { temporaryDirectory } from "./registry/support.ts";

test("what could not be saved never was", async () => {
  const path = join(await temporaryDirectory(), "state.json");
  const file = new StateFile(path, () => ({ runs: ["first"] }));
  mkdirSync(`${path}.next`);
  file.value.runs.push("lost");
  expect(() => file.save()).toThrow("EISDIR");
  expect(file.value.runs).toEqual(["first"]);
  rmdirSync(`${path}.next`);
  file.value.runs.push("second");
  file.save();
  mkdirSync(`${path}.next`);
  file.value.runs.length = 0;
  expect(() => file.save()).toThrow("EISDIR");
  expect(file.value.runs).toEqual(["first", "second"]);
});

test("a state is its owner's alone, also one that was not, and is there for the next process", async () => {
  const path = join(await temporaryDirectory(), "deep/state.json");
  const file = new StateFile(path, () => ({ secret: "a" }));
  file.save();
  writeFileSync(path, JSON.stringify({ secret: "b" }));
  chmodSync(path, 0o644);
  const next = new StateFile(path, () => ({ secret: "c" }));
  expect(next.value).toEqual({ secret: "b" });
  next.save();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
