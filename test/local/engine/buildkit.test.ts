import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { buildWithBuildKit, needOfBuildKit } from "../../../local/engine/docker/buildkit.ts";
import { firstBuildKitClient } from "../../../local/engine/docker/find-buildkit-client.ts";

const request = { contextDir: "/", dockerfile: "Dockerfile", tags: [], buildArgs: {}, labels: {}, noCache: false };

test.each([
  ["RUN --mount=type=cache,target=/c true", "RUN --mount"],
  ["RUN --network=none true", "RUN --network"],
  ["RUN <<EOF\ntrue\nEOF", "a here-document in RUN"],
  ["COPY <<a /a\nx\na", "a here-document in COPY"],
  ["COPY --chmod=755 a /a", "COPY --chmod"],
  ["COPY --chown=1 a /a", undefined],
  ["RUN echo --mount && cat 2<&1", undefined],
  ["FROM not valid at all", undefined],
])("%j needs BuildKit: %j", (line, need) => {
  expect(needOfBuildKit(request, `FROM scratch\n${line}\n`)).toBe(need);
});

test("build secrets need BuildKit, and without a client the reason and the remedy are told", async () => {
  const withSecret = { ...request, secrets: { key: "/key" } };
  const need = needOfBuildKit(withSecret, "FROM scratch\n");
  expect(need).toBe("build secrets");
  const build = buildWithBuildKit(undefined, "/none.sock", request, need!, () => {}, new AbortController().signal);
  await expect(build).rejects.toThrow(/^build secrets needs BuildKit.*install Debian's docker\.io, or docker-buildx/);
});

test("a docker command that can ask for BuildKit is one before 23, or one with the plugin", async () => {
  const dir = await mkdtemp(join(tmpdir(), "slipway-clients-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const client = async (name: string, version: string, plugin: boolean) => {
    const path = join(dir, name);
    const buildx = plugin ? "echo v0.12; exit 0" : "exit 1";
    await writeFile(
      path,
      `#!/bin/sh\n[ "$1" = buildx ] && { ${buildx}; }\necho "Docker version ${version}, build x"\n`,
    );
    await chmod(path, 0o755);
    return path;
  };
  const [old, plain, plugged] = [
    await client("old", "20.10.24+dfsg1", false),
    await client("plain", "28.2.2", false),
    await client("plugged", "28.2.2", true),
  ];
  expect(await firstBuildKitClient([join(dir, "absent"), plain, old])).toEqual({ command: old, plugin: false });
  expect(await firstBuildKitClient([plain, plugged])).toEqual({ command: plugged, plugin: true });
  expect(await firstBuildKitClient([plain, join(dir, "absent")])).toBeUndefined();
});

test("what a client notes down of a build stays out of the user's folders, and goes with the build", async () => {
  const dir = await mkdtemp(join(tmpdir(), "slipway-clients-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const command = join(dir, "docker");
  await writeFile(command, '#!/bin/sh\necho "$DOCKER_CONFIG,$BUILDX_CONFIG"\ntouch "$BUILDX_CONFIG/.buildNodeID"\n');
  await chmod(command, 0o755);
  for (const plugin of [false, true]) {
    let said = "";
    const log = (text: string) => (said += text);
    await buildWithBuildKit({ command, plugin }, "/none.sock", request, "it", log, new AbortController().signal);
    const [config, notes] = said.trim().split(",") as [string, string];
    expect(config === notes).toBe(!plugin);
    expect(existsSync(notes)).toBe(false);
  }
});
