import { describe, expect, test } from "vitest";
import {
  expandImageAlias,
  readAliases,
  replaceAliases,
  separateAliases,
  usesAliases,
} from "../../../../local/acr/task/alias.ts";

const files: Readonly<Record<string, string>> = {
  "first.yaml": "a: first\nb: first\nc: first\nID: first\n",
  "https://example.org/second": "b: second\nc: second\n",
  "bad.yaml": "a: {nested: no}\n",
};
const read = async (location: string) => files[location]!;

describe("aliases", () => {
  test("need version v1.1.0", () => {
    expect(usesAliases("version: v1.1.0\nsteps: []")).toBe(true);
    expect(usesAliases("# version: v1.1.0\nversion: 'v1.0.0'")).toBe(false);
    expect(usesAliases("steps: []")).toBe(false);
  });

  test("replace names by values, own ones first, and leave what nobody knows", async () => {
    const text =
      "version: v1.1.0\nalias:\n  values:\n    app: web\n    ID: mine\n# gone\nsteps:\n  - cmd: $app $ID $$x $foo ${y}$app$app";
    const { block, rest } = separateAliases(text);
    expect(replaceAliases(rest, await readAliases(block, read))).toBe(
      "version: v1.1.0\nsteps:\n  - cmd: web mine $x $foo ${y}webweb",
    );
  });

  test("lose a name that stands right behind an unknown one, as in ACR", async () => {
    const aliases = await readAliases("", read);
    expect(replaceAliases("$none$Registry $OS", aliases)).toBe("$none$Registry {{.Run.OS}}");
  });

  test("may use another directive", async () => {
    const { block, rest } = separateAliases("alias:\n  directive: '?'\nsteps: ?Registry $Registry ??");
    expect(replaceAliases(rest, await readAliases(block, read))).toBe("steps: {{.Run.Registry}} $Registry ?");
  });

  test("come from files and URLs too: own values beat later sources, later ones earlier ones, all of them ACR's", async () => {
    const block = "alias:\n  src: [first.yaml, https://example.org/second]\n  values: {c: own}\n";
    const { values } = await readAliases(block, read);
    expect(values).toMatchObject({ a: "first", b: "second", c: "own", ID: "first", OS: "{{.Run.OS}}" });
  });

  test("name images at the beginning of a cmd without a directive", async () => {
    const aliases = await readAliases("alias: {values: {tool: acme/tool}}", read);
    expect(expandImageAlias("tool run tool", aliases)).toBe("acme/tool run tool");
    expect(expandImageAlias("bash -c x", aliases)).toBe("mcr.microsoft.com/acr/bash:2ff604c -c x");
    expect(expandImageAlias("mytool x", aliases)).toBe("mytool x");
  });

  test.each([
    ["alias: {directive: '%%'}", /single character/],
    ["alias: {directive: a}", /may not be alphanumeric/],
    ["alias: {values: {a-b: c}}", /only support alphanumeric/],
    ["alias: {src: [bad.yaml]}", /the value of a is not text/],
    ["alias: [", /error during alias unmarshaling/],
    ["alias: text", /not a mapping/],
  ])("%s is an error", async (block, problem) => {
    await expect(readAliases(block, read)).rejects.toThrow(problem);
  });

  test("cannot grow a task without end", async () => {
    const aliases = await readAliases(`alias: {values: {a: ${"x".repeat(10_000)}}}`, read);
    expect(() => replaceAliases("$a".repeat(10_000), aliases)).toThrow(/with its aliases replaced/);
  });
});
