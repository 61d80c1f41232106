import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canSandbox } from "../local/engine/support.ts";
import { answers } from "../local/registry/clients.ts";
import { type CloudWorld, startCloudWorld } from "./cloud-world.ts";

const run = promisify(execFile);
// Asked for its version, az would write into the ~/.azure of whoever runs the tests.
const available = canSandbox && (await answers("sh", "-c", "command -v az"));
const script = join(import.meta.dirname, "../../local/docs/exercise-by-az.sh");
let world: CloudWorld | undefined;
// Open, as the twin's registry is: az needs to be sent for a token there, too.
beforeAll(async () => {
  if (available) world = await startCloudWorld("open");
});
afterAll(() => world?.close());

test.skipIf(!available)(
  "az does Microsoft's ACR Tasks exercise as it is written (needs az and Linux namespaces)",
  async () => {
    const { env, acr } = world!;
    const told = await run("bash", [script, "azregistry"], { env: { ...process.env, ...env } });
    const [stdout, stderr] = [told.stdout, told.stderr].map((text) => text.replaceAll("\r", "")) as [string, string];
    expect(stderr).toMatch(/Packing source code into tar to upload\.\.\.\n.*Uploading archived source code from '/);
    expect(stderr).toContain("Queued a build with ID: cf1\n");
    expect(stdout).toContain("    repository: hello-world\n    tag: latest\n    digest: sha256:");
    expect(stdout).toMatch(/\nRun ID: cf1 was successful after \d+s\n/);
    expect(stdout).toMatch(/\nResult\n-+\nsample\/hello-world\nResult\n-+\nv1\n/);
    expect(stderr).toContain("Queued a run with ID: cf2\n");
    expect(stdout).toContain("\nHello from Docker!\nThis message shows that your installation appears to be working");
    expect(stdout).toMatch(/\nRun ID: cf2 was successful after \d+s\n/);
    await expect.poll(() => acr.registries().map(({ name }) => name)).toEqual(["firstregistry"]);
  },
  300_000,
);
