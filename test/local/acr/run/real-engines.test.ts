import { describe, expect, onTestFinished, test } from "vitest";
import { BuildahEngine } from "../../../../local/engine/buildah/buildah-engine.ts";
import { BuiltInEngine } from "../../../../local/engine/built-in/built-in-engine.ts";
import { DockerEngine } from "../../../../local/engine/docker/docker-engine.ts";
import { pushShellBase } from "../../../../local/engine/shell-base.ts";
import { buildah, canSandbox, docker, World } from "../../engine/support.ts";
import { execute } from "./execute.ts";
import { tarOf } from "./tar-of.ts";

const task = `version: v1.1.0
volumes:
  - name: keys
    secret: {password: '{{ "s3cret" | b64enc }}'}
steps:
  - id: service
    cmd: $Registry/local/shell:1 sh -c 'echo up > state; sleep 600'
    detach: true
  - id: image
    build: -t $Registry/app:$ID --build-arg WHO="{{ .Values.who }}" app
    when: ["-"]
  - id: push
    push: [$Registry/app:$ID]
  - id: check
    cmd: $Registry/app:$ID sh -c 'until [ -s state ]; do sleep 0.1; done; cat state /hello /run/keys/password; pwd; touch $HOME/seen'
    env: [FROM_TASK=yes]
    volumeMounts: [{name: keys, mountPath: /run/keys}]
    when: [push, service]
  - id: after
    cmd: $Registry/local/shell:1 sh -c 'echo home has $(ls /acb/home); echo work has *; exit 3'
    entryPoint: ""
    ignoreErrors: true
`;

const engines = [
  [
    "built-in",
    canSandbox ? undefined : "leave to run commands of images",
    (registry, dir) => new BuiltInEngine(registry, dir),
  ],
  ["buildah", buildah ? undefined : "buildah", (registry, dir) => new BuildahEngine(registry, dir, buildah!)],
  ["docker", docker ? undefined : "a docker daemon", (registry) => new DockerEngine(docker!, registry)],
] as const satisfies readonly (readonly [string, string | undefined, Parameters<typeof World.make>[0]])[];

describe("a whole task on a real engine", () => {
  for (const [name, missing, engineFor] of engines) {
    test.skipIf(missing !== undefined)(missing ? `${name} (needs ${missing})` : name, async () => {
      const world = await World.make(engineFor);
      onTestFinished(() => world.remove());
      await pushShellBase(world.registry.store);
      const { loginServer } = world.registry;
      const source = await tarOf({
        name: "app/Dockerfile",
        content: `FROM ${loginServer}/local/shell:1\nARG WHO\nRUN echo "hello $WHO" > /hello\n`,
      });
      const values = { who: "people" };
      const work = { kind: "encoded-task", content: task, values, sourceLocation: "source/x.tar.gz" } as const;
      const { run, lines, log } = await execute(work, { engine: world.engine, loginServer, source });
      expect(run.status, log).toBe("Succeeded");
      const at = lines.indexOf("up");
      expect(lines.slice(at, at + 4), log).toEqual(["up", "hello people", "s3cret", "/workspace"]);
      expect(lines, log).toContain("home has seen");
      expect(lines, log).toContain("work has app keys state");
      expect(log).toContain("Step ID: after encountered an error: exit status 3, but is set to ignore errors");
      expect(run.outputImages).toEqual([
        { registry: loginServer, repository: "app", tag: "cf1", digest: expect.stringMatching(/^sha256:/) },
      ]);
      expect((await world.registry.store.resolve("app", "cf1"))?.digest).toBe(run.outputImages![0]!.digest);
    });
  }
});
