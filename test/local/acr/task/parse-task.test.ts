import { describe, expect, test } from "vitest";
import { parseTask } from "../../../../local/acr/task/parse-task.ts";

describe("a task file", () => {
  test("has the engine's defaults", () => {
    const { networks, steps } = parseTask("steps:\n  - cmd: img\n  - push: [a, 'a:latest', r.io:1/b]\n");
    expect(networks).toEqual([{ name: "acb_default_network", driver: "bridge", skipCreation: false }]);
    expect(steps[0]).toMatchObject({
      id: "acb_step_0",
      timeout: 600,
      retryDelay: 5,
      network: "acb_default_network",
      after: [],
    });
    expect(steps[1]).toMatchObject({ id: "acb_step_1", after: ["acb_step_0"], push: ["a:latest", "r.io:1/b:latest"] });
  });

  test("orders steps by when", () => {
    const text =
      'steps: [{id: a, cmd: x}, {id: b, cmd: x, when: ["-"]}, {id: c, cmd: x, when: [a, b]}, {id: d, cmd: x}]';
    expect(parseTask(text).steps.map(({ after }) => after)).toEqual([[], [], ["a", "b"], ["c"]]);
  });

  test("gives steps the shared environment, the step's own value winning", () => {
    const text = "env: ['A=1,B=2']\nstepTimeout: 30\nsteps: [{cmd: x, env: [A=9]}, {cmd: x, timeout: 5}]";
    const [first, second] = parseTask(text).steps;
    expect(first).toMatchObject({ env: ["A=9", "B=2"], timeout: 30 });
    expect(second).toMatchObject({ env: ["A=1", "B=2"], timeout: 5 });
  });

  test("gives no network to steps when none of those listed is default", () => {
    expect(parseTask("networks: [{name: n}]\nsteps: [{cmd: x}]").steps[0]!.network).toBe("");
  });

  test("turns BuildKit on with cache or the environment", () => {
    const text = 'steps: [{build: ".", cache: enabled}, {build: ".", env: [DOCKER_BUILDKIT=1]}, {build: "."}]';
    const kits = parseTask(text).steps.map((step) => step.kind === "build" && step.usesBuildKit);
    expect(kits).toEqual([true, true, false]);
  });

  test("ignores keys it does not know", () => {
    expect(parseTask("nonsense: 1\nsteps: [{cmd: x, more: {a: b}}]").steps).toHaveLength(1);
  });

  test.each([
    ["version: v9\nsteps: []", /invalid version specified: "v9"/],
    ["steps: [{id: a}]", /missing a cmd, build, or push/],
    ["steps: [{cmd: x, push: [y]}]", /only contain a single build, cmd, or push/],
    ["steps: [{id: a b, cmd: x}]", /cannot contain spaces/],
    ["steps: [{id: a, cmd: x}, {id: a, cmd: x}]", /a already exists as a vertex/],
    ["steps: [{id: a, cmd: x, when: [b]}, {id: b, cmd: x}]", /b does not exist as a vertex \[from: b, to: a\]/],
    ["steps: [{id: a, cmd: x, when: [a]}]", /self-referenced/],
    ['steps: [{id: a, cmd: x}, {id: b, cmd: x, when: ["-", a]}]', /cannot contain other IDs in when/],
    ["steps: [{cmd: x, retries: -1}]", /retries >= 0/],
    ["steps: [{cmd: x, env: [A]}]", /cannot parse step environment variable A/],
    ["steps: [{cmd: [x]}]", /cmd is not text/],
    ["steps: [{cmd: x, detach: true}]", /detach is not emulated/],
    ["volumes: [{name: v}]\nsteps: []", /volumes are not emulated/],
    ["steps: [", /failed to deserialize task and validate: yaml/],
  ])("%s is an error", (text, problem) => {
    expect(() => parseTask(text)).toThrow(problem);
  });
});
