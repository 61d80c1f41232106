import { expect, test } from "vitest";
import { traceParentFrom } from "../../../local/host/trace-context.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";

test("a caller's trace goes on under a span of its own, flags kept", () => {
  const made = traceParentFrom(`00-${trace}-b7ad6b7169203331-01`);
  expect(made).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  expect(made).not.toContain("b7ad6b7169203331");
});

test.each([
  undefined,
  "nonsense",
  `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  `ff-${trace}-b7ad6b7169203331-01`,
])("without a valid one a trace begins: %s", (incoming) => {
  const [one, other] = [traceParentFrom(incoming), traceParentFrom(incoming)];
  expect(one).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(one).not.toContain(trace);
  expect(one.slice(3, 35)).not.toBe(other.slice(3, 35));
});
