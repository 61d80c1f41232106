import fc from "fast-check";
import { expect, test } from "vitest";
import { mergePatch } from "../../../../local/acr/arm/merge-patch.ts";
import { withoutSecrets } from "../../../../local/acr/arm/task-resource.ts";
import type { Json } from "../../../../local/acr/task-record.ts";

const json = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.jsonValue({ maxDepth: 3 })) as fc.Arbitrary<Json>;

test("a PATCH that says nothing changes nothing, and saying it twice is saying it once", () => {
  fc.assert(
    fc.property(json, json, (old, patch) => {
      expect(mergePatch(old, {})).toEqual(old);
      const once = mergePatch(old, patch);
      expect(mergePatch(once, patch)).toEqual(once);
    }),
  );
});

test("no property is ever lost", () => {
  fc.assert(
    fc.property(json, json, (old, patch) => {
      expect(Object.keys(mergePatch(old, patch))).toEqual(expect.arrayContaining(Object.keys(old)));
    }),
  );
});

test("a step of another kind replaces the old one", () => {
  const old = { step: { type: "Docker", dockerFilePath: "D", contextPath: "c" } };
  expect(mergePatch(old, { step: { type: "docker", target: "t" } }).step).toEqual({ ...old.step, target: "t" });
  const file = { type: "FileTask", taskFilePath: "acb.yaml" };
  expect(mergePatch(old, { step: file }).step).toEqual(file);
});

test("what is secret is hidden wherever it stands", () => {
  const secrets = { arguments: [{ name: "A", value: "hush", isSecret: true }], contextAccessToken: "hush" };
  fc.assert(
    fc.property(fc.array(fc.constantFrom("step", "runRequest", "properties"), { maxLength: 4 }), (path) => {
      const nested = path.reduce<Json>((inner, key) => ({ [key]: inner, open: "seen" }), secrets);
      const shown = JSON.stringify(withoutSecrets(nested));
      expect(shown).not.toContain("hush");
      expect(shown).toContain('"A"');
    }),
  );
});
