import { expect, test } from "vitest";
import { CrashBudget } from "../../../local/host/crash-budget.ts";

const MINUTE = 60_000;

test.each([
  [[0, 1, 2], true],
  [[0, 30, 60], true],
  [[0, 1, 31.1], false],
  [[0, 1, 32, 33], false],
  [[0, 1, 32, 33, 34], true],
])("crashes after %j minutes: spent is %s", (minutes, spent) => {
  const budget = new CrashBudget();
  for (const minute of minutes) budget.crashed(1e12 + minute * MINUTE);
  expect(budget.isSpent).toBe(spent);
});
