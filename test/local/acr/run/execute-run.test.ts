import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FakeEngine, untilStopped } from "../../../support/fake-engine.ts";
import { testGitOverHttp } from "../../../support/git-over-http.ts";
import { git, gitHub } from "../../github/github-fixture.ts";
import { makeDeep } from "../../make-deep.ts";
import { execute } from "./execute.ts";
import { tarOf } from "./tar-of.ts";
import { temporaryFolder } from "./task-run.ts";

const upload = "source/202603240000/x.tar.gz";
const encoded = (content: string, more = {}) => ({ kind: "encoded-task" as const, content, ...more });

describe("a run", () => {
  test("renders its task with variables, values of file and request, and aliases of a file in the source", async () => {
    const source = await tarOf(
      { name: "tasks/acr-task.yaml", content: task },
      { name: "values.yaml", content: "image: {name: web, tags: [v1, v2]}\ngreeting: from the file\nother: kept\n" },
      { name: "aliases.yaml", content: "tool: acme/tool\n" },
    );
    const { run, engine, log } = await execute(
      {
        kind: "file-task",
        sourceLocation: upload,
        taskFilePath: "tasks/acr-task.yaml",
        valuesFilePath: "values.yaml",
        values: { greeting: "from the request" },
      },
      { source, task: "nightly" },
    );
    expect(log).toContain("Alias support enabled for version >= 1.1.0");
    expect(run.status).toBe("Succeeded");
    expect(engine.runs.map(({ reference, args }) => [reference, ...args])).toEqual([
      ["acme/tool", "acme.azurecr.io/web:v1", "cf1"],
      ["acme/tool", "acme.azurecr.io/web:v2", "cf1"],
      ["mcr.microsoft.com/acr/bash:2ff604c", "echo", "from the request", "kept", "nightly", "linux/amd64"],
    ]);
  });

  const task = `# {{ this is no template
version: v1.1.0
alias:
  src: [aliases.yaml]
steps:
{{- range .Values.image.tags }}
  - cmd: $tool {{ $.Run.Registry }}/{{ $.Values.image.name }}:{{ . }} {{ $.Run.ID }}
{{- end }}
  - cmd: bash echo "{{ .Values.greeting }}" {{ .Values.other | default "lost" }} {{ .Run.TaskName }} $OS/$Architecture
`;

  test("leaves nothing behind, not even paths too long for a call", async () => {
    const engine = new FakeEngine();
    engine.onRun = async ({ mounts }) => {
      for (const { hostPath } of mounts!) makeDeep(hostPath);
      return 0;
    };
    const { run } = await execute(encoded("steps: [{cmd: img}]"), { engine });
    expect(run.status).toBe("Succeeded");
  });

  test("whose task file cannot be read fails in words", async () => {
    const source = await tarOf(
      { name: "dir/x", content: "" },
      { name: "link", type: "symlink", linkname: "/etc/passwd" },
    );
    const file = { kind: "file-task" as const, sourceLocation: upload };
    for (const [taskFilePath, why] of [
      ["none.yaml", "open none.yaml: no such file or directory"],
      ["dir", "read dir: is a directory"],
      ["link", "open link: no such file or directory"],
      ["../../../../etc/passwd", "no such file or directory"],
    ] as const) {
      const { run, mark, log } = await execute({ ...file, taskFilePath }, { source });
      expect([run.status, mark]).toEqual(["Failed", "failed"]);
      expect(run.runErrorMessage).toBe("failed during run, err: exit status 1");
      expect(log).toContain(why);
      expect(log).not.toContain("root:");
    }
  });

  test.each([
    [
      "a loop of whens",
      "steps: [{id: one, cmd: x, when: [two]}, {id: two, cmd: x, when: [one]}]",
      "two does not exist as a vertex [from: two, to: one]",
    ],
    ["an unknown id", "steps: [{id: one, cmd: x, when: [none]}]", "none does not exist as a vertex"],
    ["a template error", "steps: [{cmd: '{{.Values.a.b}}'}]", "nil pointer evaluating interface {}.b"],
    [
      "an alias in a range, where it is a field of something else",
      "version: v1.1.0\nsteps:\n{{range .Values.list}}- cmd: $ID\n{{end}}",
      "can't evaluate field Run in type string",
    ],
    ["nothing left of it", "{{if .Values.none}}steps: []{{end}}", "rendered template was empty"],
    ["a Key Vault", "secrets: [{id: s, keyvault: https://v}]\nsteps: []", "the local twin has no Key Vault"],
    [
      "an alias nobody serves",
      "version: v1.1.0\nalias: {src: ['http://127.0.0.1:1/x']}\nsteps: []",
      "unable to search/replace aliases in task",
    ],
  ])("fails with %s", async (_, content, why) => {
    const { run, mark, lines } = await execute(encoded(content, { valuesContent: "list: [a]" }));
    expect([run.status, mark]).toEqual(["Failed", "failed"]);
    expect(lines.find((line) => line.includes(why))).toBeDefined();
    expect(lines.slice(-3)).toEqual([
      "",
      expect.stringMatching(/^Run ID: cf1 failed after \d+s\. Error: failed during/),
      "",
    ]);
  });

  test.each([
    ["that climbs out", { name: "../up", content: "x" }, /leaves the archive/],
    [
      "that goes through a link",
      [{ name: "up", type: "symlink", linkname: ".." } as const, { name: "up/x" }],
      /not a directory/,
    ],
    ["with too many files", Array.from({ length: 11 }, (_, at) => ({ name: `f${at}` })), /more than 10 entries/],
  ])("fails with an archive %s, in ACR's words and with the reason in the log", async (_, entries, why) => {
    const source = await tarOf(...[entries].flat());
    const limits = { archiveEntries: 10 };
    const { run, lines } = await execute(encoded("steps: []", { sourceLocation: upload }), { source, limits });
    expect(run).toMatchObject({
      status: "Failed",
      runErrorMessage:
        "failed to download context. Please check if the URL is incorrect. If it has credentials, please check if they are expired",
    });
    expect(lines.at(-4)).toMatch(why);
  });

  test("keeps no more of a log than its limit, but its last lines always", async () => {
    const engine = new FakeEngine();
    engine.onRun = async (_, log) => {
      for (let at = 0; at < 1000; at += 1) log("a line of thirty characters...\n");
      return 1;
    };
    const { log, lines, mark } = await execute(encoded("steps: [{cmd: x}]"), {
      engine,
      limits: { logCharacters: 2000 },
    });
    expect(log.length).toBeLessThan(2600);
    expect(log.match(/keeps no more than 2000 characters/g)).toHaveLength(1);
    expect(lines.at(-2)).toMatch(/^Run ID: cf1 failed after/);
    expect(mark).toBe("failed");
  });

  test("is stopped when it fills the disk", async () => {
    const engine = new FakeEngine();
    engine.onRun = async ({ mounts }, _, signal) => {
      const workspace = mounts![0]!.hostPath;
      mkdirSync(join(workspace, "deep/er"), { recursive: true });
      for (const at of [1, 2, 3]) writeFileSync(join(workspace, `deep/er/${at}`), "x".repeat(40_000));
      return await untilStopped(signal);
    };
    const limits = { diskBytes: 100_000, diskCheckMs: 5 };
    const { run, log } = await execute(encoded("steps: [{cmd: x, ignoreErrors: true}]"), {
      engine,
      limits,
    });
    expect(run.status).toBe("Failed");
    expect(log).toContain("no space left on device: this run holds more than 100000 bytes on disk");
  });
});

testGitOverHttp("a run from a folder of a Git repository works there and knows its commit and branch", async () => {
  const github = await gitHub();
  const { cloneUrl } = await github.createRepository("acme/mono");
  const work = join(temporaryFolder(), "work");
  await git("/", "clone", "--quiet", cloneUrl, work);
  mkdirSync(join(work, "web"));
  writeFileSync(join(work, "web/Dockerfile"), "FROM scratch\n");
  writeFileSync(
    join(work, "web/acr-task.yaml"),
    "steps: [{build: -t {{.Run.Registry}}/web:{{.Run.Commit}} .}, {cmd: 'img {{.Run.Branch}}'}]",
  );
  await git(work, "add", "--all");
  await git(work, "commit", "--quiet", "--message", "x");
  await git(work, "push", "--quiet", "origin", "HEAD:main");
  const commit = await git(work, "rev-parse", "HEAD");
  const sourceLocation = `${cloneUrl}#main:web`;

  const { run, engine, log } = await execute({ kind: "file-task", sourceLocation, taskFilePath: "acr-task.yaml" });
  expect(run.status).toBe("Succeeded");
  expect(engine.builds[0]!.tags).toEqual([`acme.azurecr.io/web:${commit}`]);
  expect(engine.runs[0]).toMatchObject({ args: ["main"], workingDirectory: "/workspace/web" });
  expect(log).toContain(`  git:\r\n    git-head-revision: ${commit}\r\n`);

  const build = {
    kind: "docker-build" as const,
    sourceLocation,
    dockerFilePath: "Dockerfile",
    arguments: [],
    push: true,
  };
  const quick = await execute({ ...build, imageNames: ["quick:{{.Run.Commit}}"], noCache: false });
  expect(quick.engine.pushes).toEqual([`acme.azurecr.io/quick:${commit}`]);
  expect(quick.engine.builds[0]).not.toHaveProperty("platform");
  expect(quick.log).toContain("Executing step ID: build. Timeout(sec): 28800, Working directory: 'web', Network: ''");
});
