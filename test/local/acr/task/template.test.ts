import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { templateData } from "../../../../local/acr/task/run-values.ts";
import { TaskError } from "../../../../local/acr/task/task-error.ts";
import { renderTemplate } from "../../../../local/acr/task/template/render.ts";
import type { ValueMap } from "../../../../local/acr/task/template/value.ts";
import { readValues } from "../../../../local/acr/task/values-file.ts";

const data = templateData({
  runId: "cf7",
  loginServer: "acme.azurecr.io",
  date: new Date("2026-03-24T10:15:30.999Z"),
  sharedVolume: "acb_vol_1",
  os: "linux",
  architecture: "amd64",
  commit: "c0ffee",
  branch: "main",
  taskName: "nightly",
  values: { command: "img --help", nested: { list: ["x", "y"] }, version: "1.2" },
});

describe("templates", () => {
  test.each([
    ["{{.Run.ID}} {{ .Build.ID }}", "cf7 cf7"],
    ["{{.Run.Registry}}/{{.Run.RegistryName}}", "acme.azurecr.io/acme"],
    ["{{.Run.Date}}", "20260324-101530z"],
    ["{{.Run.Commit}} {{.Run.Branch}} {{.Run.TaskName}} {{.Run.SharedVolume}}", "c0ffee main nightly acb_vol_1"],
    ["[{{.Run.GitTag}}{{.Run.Nothing}}{{.Values.none}}]", "[]"],
    ["cmd: {{.Values.command}}", "cmd: img --help"],
    ['{{range .Values.nested.list}}- {{.}}:{{default "latest" $.Values.tag}} {{end}}', "- x:latest - y:latest "],
    ['{{if and (eq .Run.OS "linux") (not .Values.none)}}yes{{else}}no{{end}}', "yes"],
    // Newer than the Go that recorded the table below, and in the Go that ACR's engine is built with.
    ["{{with .Values.none}}a{{else with .Values.version}}{{.}}{{end}}", "1.2"],
    ["{{if eq .Values.none .Values.version}}same{{else}}not{{end}}", "not"],
    ["{{$n := 1}}{{range .Values.nested.list}}{{$n = add $n 1}}{{end}}{{$n}} {{add .Values.version 0}}", "3 0"],
  ])("%s", (text, rendered) => {
    expect(renderTemplate(text, data)).toBe(rendered);
  });

  test.each([
    ["{{.Nothing.At.All}}", /nil pointer evaluating/],
    ["{{.Values.my-key}}", /unexpected "-"/],
    ['{{now | date "2006"}}', /function "now" not defined/],
    ['{{define "x"}}{{end}}', /define.* is not rendered by the local twin/],
    ['{{printf "%x" 3}}', /printf %x is not rendered by the local twin/],
    ["{{b64enc 3}}", /b64enc of int is not rendered/],
    ["{{.Run.ID", /unclosed action/],
    ["{{if .Run.ID}}", /unexpected EOF/],
    ["{{$x}}", /undefined variable "\$x"/],
  ])("%s is an error, not a guess", (text, problem) => {
    expect(() => renderTemplate(text, data)).toThrow(problem);
  });

  test("nested deeper than our own stack fail like others", () => {
    expect(() => renderTemplate(`{{${"(".repeat(50_000)}`, data)).toThrow(/nested deeper than the local twin goes/);
  });

  test.each([
    ["loops in loops", `${"{{range $.Values.many}}".repeat(9)}${"{{end}}".repeat(9)}`],
    ["text that doubles", '{{$s := "x"}}{{range .Values.many}}{{$s = print $s $s}}{{end}}'],
    ["lists that double", "{{$l := list 1}}{{range .Values.many}}{{$l = list $l $l}}{{end}}{{$l}}"],
    ["replacements by long text", '{{$s := replace "" .Values.long .Values.long}}'],
    ["wide indents", "{{indent 100000000 .Values.long}}"],
    ["long output", "{{range .Values.many}}{{$.Values.long}}{{end}}"],
  ])("cannot hold the twin up by %s", (_, text) => {
    const values = { many: Array.from({ length: 100 }, (_, at) => BigInt(at)), long: "long ".repeat(10_000) };
    expect(() => renderTemplate(text, { Values: values })).toThrow(/renders no more than|more work than/);
  });

  test("render or fail, whatever they are made of", () => {
    const piece = fc.constantFrom(
      "{{",
      "}}",
      "{{-",
      "-}}",
      " ",
      "if ",
      "end",
      "else",
      "range ",
      ".Values",
      ".a",
      "$",
      "|",
      "(",
      ")",
      '"',
      "`",
      "eq ",
      "3",
      ":=",
      "\\",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 12 }), (pieces) => {
        try {
          renderTemplate(pieces.join(""), data);
        } catch (error) {
          expect(error).toBeInstanceOf(TaskError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("leave text without actions alone", () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes("{{")),
        (text) => {
          expect(renderTemplate(text, data)).toBe(text);
        },
      ),
    );
  });
});

/** `[template, what Go printed]`, the second missing where Go gave an error. */
interface Recorded {
  readonly values: string;
  readonly cases: readonly (readonly [string, string?])[];
}
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, "recorded/go-templates.json"), "utf8")) as Recorded;

/** Recorded with Go 1.19's text/template, Sprig 2.22 and yaml.v2 2.4 as they are vendored by ACR's engine, by hand and by chance. */
test("templates and values files mean what they mean to Go, Sprig and yaml.v2", () => {
  const Values = readValues(recorded.values);
  const base: ValueMap = { Run: { ID: "cf7", Registry: "acme.azurecr.io", Commit: "", Branch: "main" }, Values };
  const ours = (text: string) => {
    try {
      return [text, renderTemplate(text, base)];
    } catch (error) {
      expect(error).toBeInstanceOf(TaskError);
      return [text];
    }
  };
  expect(recorded.cases.map(([text]) => ours(text))).toEqual(recorded.cases);
  expect(recorded.cases.length).toBeGreaterThan(200);
});

describe("a values file", () => {
  test("may be nested, empty, and typed", () => {
    expect(readValues("a: {b: [1, yes, 1.5, ~, text]}\nc: 017\n")).toEqual({
      a: { b: [1n, true, 1.5, undefined, "text"] },
      c: 15n,
    });
    expect(readValues("")).toEqual({});
  });

  const bomb = [
    "a: &a [x,x]",
    ..."bcdefghijklmnopqrstuvwxyz".split("").map((name, at) => {
      const before = String.fromCharCode(97 + at);
      return `${name}: &${name} [*${before},*${before},*${before}]`;
    }),
  ].join("\n");
  test.each([
    ["a list", "- a", /not a mapping/],
    ["no YAML", "a: [", /yaml/],
    ["aliases that grow without end", bomb, /yaml/],
  ])("%s is refused", (_, text, problem) => {
    expect(() => readValues(text)).toThrow(problem);
    expect(() => readValues(text)).toThrow(TaskError);
  });
});
