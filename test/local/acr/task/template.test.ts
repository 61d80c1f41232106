import { describe, expect, test } from "vitest";
import { replaceAliases, separateAliases, usesAliases } from "../../../../local/acr/task/alias.ts";
import { templateData } from "../../../../local/acr/task/run-values.ts";
import { renderTemplate } from "../../../../local/acr/task/template.ts";

const data = templateData({
  runId: "cf7",
  loginServer: "acme.azurecr.io",
  date: new Date("2026-03-24T10:15:30.999Z"),
  sharedVolume: "acb_vol_1",
  os: "linux",
  architecture: "amd64",
  values: { command: "img --help" },
});

describe("templates", () => {
  test.each([
    ["{{.Run.ID}} {{ .Build.ID }}", "cf7 cf7"],
    ["{{.Run.Registry}}/{{.Run.RegistryName}}", "acme.azurecr.io/acme"],
    ["{{.Run.Date}}", "20260324-101530z"],
    ["[{{.Run.Commit}}{{.Run.Nothing}}{{.Values.none}}]", "[]"],
    ["cmd: {{.Values.command}}", "cmd: img --help"],
    ["a {{- .Run.ID -}} b", "acf7b"],
    ["x{{/* nothing */}}y", "xy"],
    ['{{"{{"}} and {{`}}`}}', "{{ and }}"],
    ["no } braces { here }}", "no } braces { here }}"],
  ])("%s", (text, rendered) => {
    expect(renderTemplate(text, data)).toBe(rendered);
  });

  test.each([
    ["{{.Nothing.At.All}}", /nil pointer evaluating/],
    ["{{.Run.ID | upper}}", /more than the local twin renders/],
    ["{{if .Run.ID}}x{{end}}", /more than the local twin renders/],
    ["{{.Run.ID", /unclosed action/],
  ])("%s is an error, not a guess", (text, problem) => {
    expect(() => renderTemplate(text, data)).toThrow(problem);
  });
});

describe("aliases", () => {
  test("need version v1.1.0", () => {
    expect(usesAliases("version: v1.1.0\nsteps: []")).toBe(true);
    expect(usesAliases("# version: v1.1.0\nversion: 'v1.0.0'")).toBe(false);
    expect(usesAliases("steps: []")).toBe(false);
  });

  test("replace names by values, own ones first, and leave what nobody knows", () => {
    const text =
      "version: v1.1.0\nalias:\n  values:\n    app: web\n    ID: mine\n# gone\nsteps:\n  - cmd: $app $ID $$x $foo ${y}";
    const { aliases, rest } = separateAliases(text);
    expect(replaceAliases(rest, aliases)).toBe("version: v1.1.0\nsteps:\n  - cmd: web mine $x $foo ${y}");
  });

  test("may use another directive", () => {
    const { aliases, rest } = separateAliases("alias:\n  directive: '?'\nsteps: ?Registry $Registry ??");
    expect(replaceAliases(rest, aliases)).toBe("steps: {{.Run.Registry}} $Registry ?");
  });

  test("from files or URLs are refused", () => {
    expect(() => separateAliases("alias:\n  src: [x.yaml]\n")).toThrow(/not emulated/);
  });
});
