import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FetchSource } from "../../../../local/acr/run/source.ts";
import { SourceError } from "../../../../local/acr/run/source-error.ts";
import { Workspace } from "../../../../local/acr/run/workspace.ts";
import { EngineError } from "../../../../local/engine/engine.ts";
import { taskRun } from "./task-run.ts";

/** A run whose workspace holds these files. */
async function buildRun(files: Readonly<Record<string, string>>, surroundings: Parameters<typeof taskRun>[0] = {}) {
  const made = await taskRun(surroundings);
  const { dir } = made.folder.workspace;
  /** The folders that were built. */
  const contexts: string[] = [];
  made.engine.onBuild = async ({ contextDir }) => void contexts.push(realpathSync(contextDir));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), content);
  }
  return { ...made, dir, contexts };
}

const scratch = { Dockerfile: "FROM scratch\n" };

describe("a build step", () => {
  test("takes the Dockerfile from the working directory, inside the context", async () => {
    const { engine, run, dir, lines, contexts } = await buildRun({
      "svc/Dockerfile": "FROM a\n",
      "svc/app/docker/web": "FROM b\n",
    });
    await run("workingDirectory: svc\nsteps: [{build: '-f app/docker/web app'}]");
    expect(engine.builds[0]).toMatchObject({ dockerfile: "docker/web" });
    expect(contexts).toEqual([join(dir, "svc/app")]);
    await expect(run("workingDirectory: svc\nsteps: [{build: '-f Dockerfile app'}]")).rejects.toThrow("exit status 2");
    expect(lines.join()).toContain("outside its build context");
  });

  test("does not reach out of the workspace", async () => {
    const { engine, run, dir, lines } = await buildRun(scratch);
    symlinkSync("/etc", join(dir, "etc"));
    symlinkSync("/etc/passwd", join(dir, "stolen"));
    for (const build of ["-f ../../etc/passwd .", "-f etc/passwd .", "-f stolen .", "etc"]) {
      await expect(run(`steps: [{build: "${build}"}]`)).rejects.toThrow("failed to scan dependencies");
    }
    await expect(run('steps: [{build: "-f Dockerfile etc"}]')).rejects.toThrow("exit status 2");
    await expect(run("steps: [{build: ., workingDirectory: /etc}]")).rejects.toThrow("failed to scan dependencies");
    expect(engine.builds).toEqual([]);
    expect(lines.join()).not.toContain("root:");
  });

  test("is not held up by a pipe where the Dockerfile should be, nor by a Dockerfile without end", async () => {
    const { run, dir, lines } = await buildRun({ large: "#".repeat(1024 * 1024 + 1) });
    execFileSync("mkfifo", [join(dir, "Dockerfile")]);
    await expect(run("steps: [{build: .}]")).rejects.toThrow("failed to scan dependencies");
    expect(lines.join()).toContain("not a regular file");
    await expect(run("steps: [{build: '-f large .'}]")).rejects.toThrow("failed to scan dependencies");
    expect(lines.join()).toContain("longer than the 1048576 bytes");
  });

  test("fails the run at FROM --platform, as ACR's scanner does", async () => {
    const { engine, run, lines } = await buildRun({ Dockerfile: "FROM --platform=linux/amd64 a\n" });
    await expect(run("steps: [{id: web, build: -t r.io/x .}]")).rejects.toThrow(
      "failed to run step ID: web: failed to scan dependencies: exit status 1",
    );
    expect(lines.join("\n")).toContain("unable to understand line FROM --platform=linux/amd64 a");
    expect(engine.builds).toEqual([]);
  });

  test("fails as docker's process does, with 1, and is tried again", async () => {
    const { engine, run, lines } = await buildRun(scratch);
    engine.onBuild = async () => {
      throw new EngineError("no such instruction");
    };
    await expect(run("steps: [{build: ., retries: 1}]")).rejects.toThrow("exit status 1");
    expect(engine.builds).toHaveLength(2);
    expect(lines).toContain("no such instruction");
  });

  test("hands over secrets from what its container sees, and nothing else", async () => {
    const { engine, run, lines } = await buildRun({ ...scratch, "app/token": "t" });
    const read: string[] = [];
    engine.onBuild = async ({ secrets }) => void read.push(readFileSync(secrets!.s!, "utf8"));
    const yaml = (secret: string) => `env: [DOCKER_BUILDKIT=1]
volumes: [{name: keys, secret: {pw: eA==}}]
steps: [{build: "--secret id=s,${secret} --network none -f Dockerfile .", volumeMounts: [{name: keys, mountPath: /run/keys}]}]`;
    await run(yaml("src=app/token"));
    await run(yaml("src=/run/keys/pw").replaceAll("name: keys", "name: keys2"));
    expect(read).toEqual(["t", "x\n"]);
    expect(engine.builds[0]).toMatchObject({ network: "none" });
    for (const [at, src] of ["/etc/passwd", "../../outside", "/run/keys/../../etc/passwd"].entries()) {
      await expect(run(yaml(`src=${src}`).replaceAll("name: keys", `name: no${at}`))).rejects.toThrow("exit status 2");
    }
    expect(lines.join()).toContain("failed to stat /etc/passwd");
  });
});

test("a step that puts links in the place of what a build uses reaches nothing outside", async () => {
  const { engine, run, dir, folder } = await buildRun({
    Dockerfile: "FROM scratch\n",
    "ctx/file": "mine",
    key: "mine",
  });
  const read: string[] = [];
  engine.onBuild = async ({ contextDir, secrets }) => {
    // As a container would that shares the workspace and runs meanwhile.
    for (const name of ["ctx", "key"]) renameSync(join(dir, name), join(dir, `${name}.moved`));
    symlinkSync(folder.dir, join(dir, "ctx"));
    symlinkSync("/etc/passwd", join(dir, "key"));
    read.push(...readdirSync(contextDir), readFileSync(secrets!.s!, "utf8"));
  };
  writeFileSync(join(dir, "ctx/Dockerfile"), "FROM scratch\n");
  await run('env: [DOCKER_BUILDKIT=1]\nsteps: [{build: "--secret id=s,src=key ctx"}]');
  expect(read).toEqual(["Dockerfile", "file", "mine"]);
  const workspace = await Workspace.at(dir);
  const found = (await workspace.find("ctx.moved/file"))!;
  renameSync(join(dir, "ctx.moved"), join(dir, "away"));
  mkdirSync(join(folder.dir, "outside"));
  writeFileSync(join(folder.dir, "outside/file"), "outside");
  symlinkSync(join(folder.dir, "outside"), join(dir, "ctx.moved"));
  await expect(workspace.copy(found, join(folder.dir, "copy"))).rejects.toThrow(/ENOTDIR|ELOOP/);
});

test("a pipe in the place of a secret holds nothing up", async () => {
  const { run, dir, lines } = await buildRun(scratch);
  execFileSync("mkfifo", [join(dir, "key")]);
  await expect(run('env: [DOCKER_BUILDKIT=1]\nsteps: [{build: "--secret id=s,src=key ."}]')).rejects.toThrow(
    "exit status",
  );
  expect(lines.join()).toContain("not a regular file");
});

describe("a build line whose context is a URL", () => {
  const commit = "c".repeat(40);
  const fetched: string[] = [];
  const fetchSource: FetchSource = async (location, dir) => {
    fetched.push(dir);
    mkdirSync(join(dir, "sub"), { recursive: true });
    writeFileSync(join(dir, "Dockerfile"), "FROM in-root:1\n");
    writeFileSync(join(dir, "sub/Dockerfile"), "FROM in-sub:1\n");
    return location.kind === "git" ? { commit, branch: "main" } : undefined;
  };

  test("is fetched into the workspace under the step's id, and built there", async () => {
    const { engine, run, dir, contexts } = await buildRun({}, { fetchSource });
    const [found] = await run("steps: [{id: web, build: -t r.io/web https://h/o/r.git#main:sub}]");
    expect(fetched).toEqual([join(dir, "web")]);
    expect(engine.builds[0]).toMatchObject({ dockerfile: "Dockerfile" });
    expect(found).toMatchObject({ commit, runtime: { reference: "in-sub:1" } });
    const [archive] = await run("steps: [{id: tar, build: -t r.io/web -f sub/Dockerfile https://h/x.tar.gz}]");
    expect(engine.builds[1]).toMatchObject({ dockerfile: "sub/Dockerfile" });
    expect(contexts).toEqual([join(dir, "web/sub"), join(dir, "tar")]);
    expect(archive).toMatchObject({ runtime: { reference: "in-sub:1" } });
    expect(archive).not.toHaveProperty("commit");
  });

  test("fails the scan when it cannot be had, or when the step's id would lead elsewhere", async () => {
    const failing: FetchSource = async () => {
      throw new SourceError("error fetching: no such host");
    };
    const { run, lines } = await buildRun({}, { fetchSource: failing });
    await expect(run("steps: [{build: https://h/o/r.git}]")).rejects.toThrow("failed to scan dependencies");
    expect(lines.join()).toContain("failed to download source code: error fetching: no such host");
    fetched.length = 0;
    const other = await buildRun({}, { fetchSource });
    await expect(other.run("steps: [{id: ../../up, build: https://h/o/r.git}]")).rejects.toThrow("failed to scan");
    expect(fetched).toEqual([]);
  });

  test("is refused where docker would see it and the scanner does not", async () => {
    const { run, lines } = await buildRun(scratch, { fetchSource });
    await expect(run("steps: [{build: -t r.io/x --no-cache https://h/o/r.git}]")).rejects.toThrow("exit status 2");
    expect(lines.join()).toContain("put it last");
  });

  test("is warned about when it looks like GitHub and not like Git", async () => {
    const { run, lines } = await buildRun({}, { fetchSource });
    await run("steps: [{id: web, build: https://github.com/o/r}]");
    expect(lines.join()).toContain("might not be valid context. Valid Git repositories should end with .git.");
  });
});

test("what was built is said to come from the commit of the run's source", async () => {
  const { run, lines } = await buildRun(scratch, { sourceCommit: "abc123" });
  await run("steps: [{build: -t r.io/x .}]");
  expect(lines.join("\n")).toContain("git:\n    git-head-revision: abc123");
  const plain = await buildRun(scratch);
  await plain.run("steps: [{build: -t r.io/x .}]");
  expect(plain.lines.join("\n")).toContain("git: {}");
});
