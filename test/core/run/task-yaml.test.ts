import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { ImageDefinition } from "../../../src/core/config/definition.ts";
import { markerOf, quote, renderTask } from "../../../src/core/run/task-yaml.ts";
import type { Attempt } from "../../../src/core/state/rows.ts";
import { definition } from "../config/definitions.ts";
import { attemptOf } from "../state/rows-of.ts";

interface Step {
  readonly id: string;
  readonly build?: string;
  readonly cmd?: string;
  readonly entryPoint?: string;
  readonly push?: readonly string[];
  readonly timeout: number;
  readonly env?: readonly string[];
  readonly cache?: string;
}
interface Task {
  readonly version: string;
  readonly networks: readonly { readonly name: string; readonly isDefault: boolean }[];
  readonly steps: readonly Step[];
}

const login = "acme.azurecr.io";
function taskOf(change: Partial<ImageDefinition> = {}, attempt: Partial<Attempt> = {}): Task {
  return parse(renderTask(definition(change), login, attemptOf(attempt))) as Task;
}

/** What a POSIX shell makes of a command line: its words, exactly. */
function wordsOf(commandLine: string): readonly string[] {
  const out = execFileSync("/bin/sh", ["-c", `printf '%s\\0' ${commandLine}`], { encoding: "utf8" });
  return out.split("\0").slice(0, -1);
}

describe("the task of an attempt", () => {
  it("builds, tests in the built image, and pushes last", () => {
    const task = taskOf({ test: ["node --version", ["npm", "test"]] });
    expect(task.version).toBe("v1.0.0");
    expect(task.steps.map((s) => s.id)).toEqual(["build", "test-1", "test-2", "push"]);
    expect(task.steps[0]?.env).toEqual(["DOCKER_BUILDKIT=1"]);
    expect(task.steps.every((s) => s.timeout === 3600)).toBe(true);
    const tested = `${login}/web:main-aaaaaaa-12`;
    expect(task.steps[1]).toMatchObject({ entryPoint: "/bin/sh", cmd: `${tested} -c 'node --version'` });
    expect(task.steps[2]).toMatchObject({ entryPoint: "npm", cmd: `${tested} 'test'` });
  });

  it("names the unique tag before the stable one, in the build and in the push", () => {
    const { steps } = taskOf();
    const references = [`${login}/web:main-aaaaaaa-12`, `${login}/web:main`];
    expect(steps.at(-1)?.push).toEqual(references);
    expect(steps[0]?.build).toBe(`-t ${references[0]} -t ${references[1]} -f Dockerfile .`);
  });

  it("tests the stable tag where there is no unique one", () => {
    const { steps } = taskOf({ test: ["true"] }, { uniqueTags: [] });
    expect(steps[1]?.cmd).toBe(`${login}/web:main -c 'true'`);
  });

  it("passes target, arguments and cache where they are asked for, and only there", () => {
    const { steps } = taskOf({ target: "runtime", cache: true }, { buildArgs: { A: "1", B: "x/y" } });
    expect(steps[0]?.build).toContain(" --target runtime --build-arg A=1 --build-arg B=x/y .");
    expect(steps[0]?.cache).toBe("enabled");
    expect(taskOf().steps[0]).not.toHaveProperty("cache");
  });

  it("has the attempt's marker for its default network, and step ids that the layer cache finds again", () => {
    const [one, two] = [taskOf({ test: ["true"] }), taskOf({ test: ["true"] }, { number: 2 })];
    expect(one.networks).toEqual([{ name: "slipway-acme-12-1", isDefault: true }]);
    expect(two.networks).toEqual([{ name: markerOf("acme-12", 2), isDefault: true }]);
    expect(one.steps.map((s) => s.id)).toEqual(two.steps.map((s) => s.id));
  });
});

describe("a command from outside", () => {
  // No NUL: no command line can hold one. No "{{": refused before rendering.
  const word = fc
    .oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({
        unit: fc.constantFrom("'", '"', "\\", "$", "`", " ", "\n", "!", "*", "~", "#", ";", "(", "\r", "-"),
      }),
    )
    .filter((t) => !t.includes("\0"));

  it("reaches the program word for word, through YAML and a real shell", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), (args) => {
        const step = taskOf({ test: [["/bin/echo", ...args]] }).steps[1];
        const [image, ...words] = wordsOf(step!.cmd!);
        expect(image).toBe(`${login}/web:main-aaaaaaa-12`);
        expect(words).toEqual(args);
      }),
      { numRuns: 60 },
    );
  });

  it("as one line is one argument of the image's own shell", () => {
    fc.assert(
      fc.property(word, (line) => {
        const [, ...words] = wordsOf(taskOf({ test: [line] }).steps[1]!.cmd!);
        expect(words).toEqual(["-c", line]);
      }),
      { numRuns: 40 },
    );
  });

  it("cannot become YAML: it stays one value of one step", () => {
    fc.assert(
      fc.property(word, (line) => {
        const task = taskOf({ test: [line, `\n  - push: ["evil"]\n${line}`] });
        expect(task.steps.map((s) => s.id)).toEqual(["build", "test-1", "test-2", "push"]);
        expect(task.steps[2]?.cmd).toBe(`${login}/web:main-aaaaaaa-12 -c ${quote(`\n  - push: ["evil"]\n${line}`)}`);
      }),
    );
  });

  it("of ours brings no template of ACR's with it", () => {
    expect(renderTask(definition({ test: ["a"], cache: true, target: "t" }), login, attemptOf())).not.toContain("{{");
  });
});
