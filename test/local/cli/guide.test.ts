import { expect, test } from "vitest";
import { guide } from "../../../local/cli/guide.ts";
import type { CloudEndpoints } from "../../../local/cloud.ts";

const told = (dir: string) => guide({} as CloudEndpoints, { dir, root: "/home/me/slipway", engine: "built-in" });

test("a twin in the usual folder needs no --dir, one elsewhere is named so that a shell can read it", () => {
  expect(told("/home/me/slipway/.local")).toContain('eval "$(npm --prefix /home/me/slipway run -s twin -- env)"');
  expect(told("/home/me/it's mine")).toContain(`run -s twin -- env --dir '/home/me/it'\\''s mine')"`);
});
