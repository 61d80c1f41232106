import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { StateFile } from "../../local/state-file.ts";
import { temporaryDirectory } from "./registry/support.ts";

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
