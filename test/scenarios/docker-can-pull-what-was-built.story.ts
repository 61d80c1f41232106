import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { apiVersion } from "../support/docker-daemon.ts";
import { useScenario } from "../support/scenario.ts";

const exec = promisify(execFile);
const scenario = useScenario();
const hasDocker = apiVersion !== undefined && (await answers("docker"));
const hasSkopeo = await answers("skopeo");

function answers(command: string): Promise<boolean> {
  return exec(command, ["--version"]).then(
    () => true,
    () => false,
  );
}

test.skipIf(!hasDocker)("docker pulls and runs what was built (needs a docker daemon)", async () => {
  const story = await scenario.story("docker");
  await story.pushed({ web: { run: "echo built > /made" } });
  const reference = `${scenario.twin.registry.loginServer}/platform/docker/web:main`;
  await exec("docker", ["pull", "--quiet", reference]);
  try {
    const { stdout } = await exec("docker", ["run", "--rm", "--entrypoint", "/bin/cat", reference, "/made", "/web"]);
    expect(stdout).toBe("built\nweb 1\n");
  } finally {
    await exec("docker", ["rmi", "--force", reference]);
  }
});

test.skipIf(!hasSkopeo)("skopeo reads what was built (needs skopeo)", async () => {
  const story = await scenario.story("skopeo");
  await story.pushed({ web: {} });
  const reference = `docker://${scenario.twin.registry.loginServer}/platform/skopeo/web:main`;
  const { stdout } = await exec("skopeo", ["inspect", "--tls-verify=false", reference]);
  expect(JSON.parse(stdout)).toMatchObject({ Digest: await scenario.digest("platform/skopeo/web") });
});
