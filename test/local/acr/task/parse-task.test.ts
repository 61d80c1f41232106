import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { parseTask } from "../../../../local/acr/task/parse-task.ts";
import { TaskError } from "../../../../local/acr/task/task-error.ts";

const volume = "volumes: [{name: v, secret: {a: eA==}}]\n";

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

  test("gives volumes to the steps that mount them", () => {
    const { volumes, steps } = parseTask(`${volume}steps: [{cmd: x, volumeMounts: [{name: v, mountPath: /run/v}]}]`);
    expect(volumes).toEqual([{ name: "v", files: { a: "eA==" } }]);
    expect(steps[0]).toMatchObject({ mounts: [{ volume: "v", path: "/run/v" }] });
  });

  test("works in the folder of the source context unless it names another", () => {
    const folders = (text: string) =>
      parseTask(text, { workingDirectory: "app" }).steps.map((step) => step.workingDirectory);
    expect(folders("steps: [{cmd: x}, {cmd: x, workingDirectory: own}]")).toEqual(["app", "own"]);
    expect(folders("workingDirectory: all\nsteps: [{cmd: x}]")).toEqual(["all"]);
  });

  test("accepts what makes no difference here", () => {
    const text =
      "steps: [{cmd: x, privileged: true, cpus: 2, isolation: default, keep: true, pull: true, ports: ['80:80'], expose: ['80'], exitedWith: [1]}]";
    expect(parseTask(text).steps[0]).toMatchObject({ keep: true, pull: true });
  });

  test("turns BuildKit on with cache or the environment", () => {
    const kits = (text: string) => parseTask(text).steps.map((step) => step.kind === "build" && step.usesBuildKit);
    expect(kits('steps: [{build: ".", cache: enabled}, {build: ".", env: [DOCKER_BUILDKIT=1]}, {build: "."}]')).toEqual(
      [true, true, false],
    );
    expect(kits('env: [DOCKER_BUILDKIT=1]\nsteps: [{build: "."}]')).toEqual([true]);
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
    ["volumes: [{name: v}]\nsteps: []", /currently only support for source type secret/],
    ["volumes: [{name: v, secret: {}}]\nsteps: []", /secret is empty/],
    ["volumes: [{secret: {a: eA==}}]\nsteps: []", /volume name is empty/],
    ["volumes: [{name: ../v, secret: {a: eA==}}]\nsteps: []", /volume name is not well formed/],
    ["volumes: [{name: v, secret: {../a: eA==}}]\nsteps: []", /file name, ..\/a, is not well formed/],
    ["volumes: [{name: v, secret: {..: eA==}}]\nsteps: []", /file name, ..,/],
    ["volumes: [{name: v, secret: {a: eA==}}, {name: v, secret: {a: eA==}}]\nsteps: []", /duplicate name/],
    ["steps: [{cmd: x, volumeMounts: [{name: v, mountPath: /v}]}]", /mount name, v, does not correspond to a volume/],
    [`${volume}steps: [{cmd: x, volumeMounts: [{name: v}]}]`, /mount path is empty/],
    [`${volume}steps: [{push: [x], volumeMounts: [{name: v, mountPath: /v}]}]`, /only used for cmd or build/],
    [
      `${volume}steps: [{cmd: x, volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /v}]}]`,
      /duplicate container file path/,
    ],
    ["secrets: [{id: s, keyvault: 'https://v'}]\nsteps: []", /s: the local twin has no Key Vault/],
    ["secrets: [{keyvault: 'https://v'}]\nsteps: []", /secret is missing an ID/],
    ["secrets: [{id: s}, {id: s}]\nsteps: []", /duplicate secret found with ID: s/],
    ["steps: [{id: a, cmd: x}, {cmd: x, when: [a, a]}]", /names a twice/],
    ["steps: [", /failed to deserialize task and validate: yaml/],
  ])("%s is an error", (text, problem) => {
    expect(() => parseTask(text)).toThrow(problem);
  });
});

test("whatever a task file holds, it is read or refused in words", () => {
  const word = fc.constantFrom("a", "b", "-", "", "1", "-1", "true", "x y", "A=1", "acb_root");
  const value = fc.oneof(word, fc.array(word, { maxLength: 3 }), fc.constant({ a: "b" }), fc.constant(null));
  const step = fc.dictionary(
    fc.constantFrom(
      "id",
      "cmd",
      "build",
      "push",
      "when",
      "env",
      "timeout",
      "retries",
      "repeat",
      "detach",
      "volumeMounts",
      "cache",
    ),
    value,
    { maxKeys: 4 },
  );
  const file = fc.record(
    {
      version: fc.oneof(word, fc.constant("v1.1.0")),
      steps: fc.oneof(fc.array(fc.oneof(step, value), { maxLength: 4 }), value),
      networks: fc.oneof(fc.array(fc.dictionary(fc.constantFrom("name", "isDefault", "driver"), value)), value),
      volumes: fc.oneof(fc.array(fc.dictionary(fc.constantFrom("name", "secret"), value)), value),
      secrets: fc.oneof(fc.array(fc.dictionary(fc.constantFrom("id", "keyvault"), value)), value),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        file.map((task) => stringify(task)),
        fc.string(),
      ),
      (text) => {
        try {
          for (const { id, after } of parseTask(text).steps) expect(after).not.toContain(id);
        } catch (error) {
          expect(error).toBeInstanceOf(TaskError);
        }
      },
    ),
    { numRuns: 400 },
  );
});
