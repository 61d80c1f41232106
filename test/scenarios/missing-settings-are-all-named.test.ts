import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningAzurite, startAzurite } from "../../local/azurite.ts";
import { startHost } from "../../local/host/start-host.ts";
import { appDir } from "../support/scenario-bundle.ts";

let azurite: RunningAzurite;
let dir: string;

beforeAll(async () => {
  azurite = await startAzurite({});
  dir = await mkdtemp(join(tmpdir(), "slipway-scenario-"));
});
afterAll(async () => {
  await azurite.stop();
  await rm(dir, { recursive: true, force: true });
});

/** What the host says on stderr until it gives up. */
async function failToStart(env: Readonly<Record<string, string>>): Promise<string> {
  const said: string[] = [];
  const starting = startHost({
    appDir,
    env: {
      AzureWebJobsStorage: azurite.connectionString,
      SLIPWAY_SWEEP_SCHEDULE: "0 * * * * *",
      SLIPWAY_BASE_CHECK_SCHEDULE: "0 * * * * *",
      ...env,
    },
    onLog: (entry) => said.push(entry.message),
  });
  await expect(starting).rejects.toThrow("ended before it was ready");
  return said.join("\n");
}

test("with nothing set, the host does not start and names every setting at once", async () => {
  const said = await failToStart({});
  for (const name of ["SlipwayStorage", "SLIPWAY_GITHUB_APP_ID", "SLIPWAY_PLATFORM_FILE"]) expect(said).toContain(name);
});

test("settings that are wrong are all named, and none of their values is shown", async () => {
  const said = await failToStart({
    SlipwayStorage: azurite.connectionString,
    SLIPWAY_GITHUB_WEBHOOK_SECRET: "short-secret",
    SLIPWAY_GITHUB_APP_ID: "not an id",
    SLIPWAY_GITHUB_APP_PRIVATE_KEY: "no-pem-at-all",
    SLIPWAY_ARM_ENDPOINT: "http://somewhere.example",
  });
  const named = ["WEBHOOK_SECRET", "APP_ID", "APP_PRIVATE_KEY", "ARM_ENDPOINT", "PLATFORM_FILE"];
  for (const name of named) expect(said).toContain(name);
  for (const value of ["short-secret", "no-pem-at-all"]) expect(said).not.toContain(value);
});

test("a platform file with mistakes: each is named with its line and its fix", async () => {
  const path = join(dir, "slipway.platform.yaml");
  await writeFile(
    path,
    `version: 1
registries:
  acmeprod:
    resource-id: not-an-id
    max-rums: 2
publish:
  - from: demo/*
    to: "platform/**"
`,
  );
  const said = await failToStart({
    SlipwayStorage: azurite.connectionString,
    SLIPWAY_GITHUB_TOKEN: "a-token-nobody-uses",
    SLIPWAY_PLATFORM_FILE: path,
  });
  expect(said).toContain("line 4");
  expect(said).toContain("line 5");
  expect(said).toContain("did you mean `max-runs`?");
});
