import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canSandbox } from "../local/engine/support.ts";
import { answers, output } from "../local/registry/clients.ts";
import { type CloudWorld, startCloudWorld } from "./cloud-world.ts";

const available = canSandbox && (await answers("curl", "--version"));
const script = join(import.meta.dirname, "../../local/docs/exercise-by-curl.sh");
let world: CloudWorld | undefined;
beforeAll(async () => {
  if (available) world = await startCloudWorld("token");
});
afterAll(() => world?.close());

test.skipIf(!available)(
  "curl alone does Microsoft's ACR Tasks exercise, and sees what az would show (needs curl and Linux namespaces)",
  async () => {
    const { env, acr } = world!;
    const shown = await output("bash", [script, "curlregistry"], env);
    const [, made = "", built = "", repositories = "", tags = "", ran = ""] =
      /== create a registry\n([^=]*)== build and push\n(.*)== repositories\n(.*)== tags\n(.*)== run\n(.*)== delete/s.exec(
        shown,
      ) ?? [];
    const login = made.trim().split("\n").at(-1)!;
    expect(login).toMatch(/^127\.0\.0\.1:\d+$/);
    // The list of the exercise's own page: what was built, what it stands on, and how it went.
    const image = (registry: string, repository: string, tag: string) =>
      `    registry: ${registry}\n    repository: ${repository}\n    tag: ${tag}\n    digest: sha256:`;
    expect(built).toContain(`- image:\n${image(login, "sample/hello-world", "v1")}`);
    expect(built).toContain(`  runtime-dependency:\n${image("mcr.microsoft.com", "hello-world", "latest")}`);
    expect(built).toMatch(/\nRun ID: cf1 was successful after \d+s\n== log complete: successful; run: Succeeded\n$/);
    expect(JSON.parse(repositories)).toEqual({ repositories: ["sample/hello-world"] });
    expect(JSON.parse(tags)).toMatchObject({ imageName: "sample/hello-world", tags: [{ name: "v1" }] });
    expect(ran).toContain("\nHello from Docker!\nThis message shows that your installation appears to be working");
    expect(ran).toMatch(/\nRun ID: cf2 was successful after \d+s\n== log complete: successful; run: Succeeded\n$/);
    expect(acr.registries().map(({ name }) => name)).toEqual(["firstregistry"]);
  },
);
