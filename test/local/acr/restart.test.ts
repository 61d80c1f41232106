import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ContainerRegistryManagementClient } from "@azure/arm-containerregistry";
import { BlobClient } from "@azure/storage-blob";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadCertificate } from "../../../local/acr/certificate.ts";
import { type RunningAzurite, startAzurite } from "../../../local/azurite.ts";
import { readLog, runEnded, startAcrWorld } from "../../support/acr-world.ts";

let azurite: RunningAzurite;
const dir = mkdtempSync(join(tmpdir(), "acr-restart-"));

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(async () => {
  await azurite?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Starts the twin in a process of its own, schedules a run there, and returns once half of its work is in the log. */
async function startAndSchedule() {
  const script = fileURLToPath(new URL("../../support/acr-child.ts", import.meta.url));
  const args = ["--import", import.meta.resolve("tsx"), script, dir, azurite.connectionString];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const { url, token } = JSON.parse(line) as { url: string; token: string };
  const { cert } = await loadCertificate(join(dir, "tls"));
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const client = new ContainerRegistryManagementClient(credential, "00000000-0000-4000-8000-000000000001", {
    endpoint: url,
    tlsOptions: { ca: cert },
  });
  const run = await client.registries.beginScheduleRunAndWait("local", "acmeprod", {
    type: "EncodedTaskRunRequest",
    encodedTaskContent: Buffer.from("steps: [{cmd: img}]").toString("base64"),
    platform: { os: "Linux" },
  });
  const logOf = async () => {
    const { logLink } = await client.runs.getLogSasUrl("local", "acmeprod", run.runId!);
    return await new BlobClient(logLink!).downloadToBuffer().then(String, () => "no log yet");
  };
  await expect.poll(logOf).toContain("half of the work");
  return { child, runId: run.runId! };
}

test("a run under way when the twin is killed is run again, under the same id and with a fresh log", async () => {
  const { child, runId } = await startAndSchedule();
  child.kill("SIGKILL");
  await once(child, "exit");
  // As if it had been killed in the middle of a line, too.
  appendFileSync(join(dir, "acr", "ledger.jsonl"), '{"kind":"run-sch');

  const world = await startAcrWorld(azurite.connectionString, { dir });
  try {
    expect((await runEnded(world, runId)).status).toBe("Succeeded");
    const { text, mark } = await readLog(world, runId);
    expect(mark).toBe("successful");
    expect(text).not.toContain("half of the work");
    expect(text.match(/Launching container/g)).toHaveLength(1);
  } finally {
    await world.close();
  }
});

test("the ledger is whole after a crash, numbered without gaps", () => {
  const lines = readFileSync(join(dir, "acr", "ledger.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  const changes = lines.map((line) => JSON.parse(line) as { sequence: number; kind: string });
  expect(changes.map(({ sequence }) => sequence)).toEqual(changes.map((_, index) => index + 1));
  expect(changes.filter(({ kind }) => kind === "run-scheduled")).toHaveLength(1);
  expect(changes.filter(({ kind }) => kind === "step-started")).toHaveLength(2);
});
