import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { Readable } from "node:stream";
import { BlobSASPermissions, BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogReader } from "../../src/azure/run-log.ts";
import { uploadContext } from "../../src/azure/upload-context.ts";
import { Secret } from "../../src/secret.ts";

/** Azurite's published account, the same on every machine. */
const account = "devstoreaccount1";
const key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

let azurite: ChildProcess;
let container: ContainerClient;

beforeAll(async () => {
  const ports = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"];
  const flags = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence", ...ports];
  const script = new URL("../../node_modules/azurite/dist/src/azurite.js", import.meta.url).pathname;
  azurite = spawn(process.execPath, [script, ...flags], { cwd: tmpdir(), stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise<string>((resolve, reject) => {
    let output = "";
    azurite.once("exit", (code) => reject(new Error(`Azurite ended with ${code}: ${output}`)));
    azurite.stdout!.on("data", (chunk) => {
      output += chunk;
      const found = /Blob service is successfully listening at (http:\S+)/.exec(output);
      if (found) resolve(found[1]!);
    });
  });
  const connection = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${url}/${account};`;
  container = BlobServiceClient.fromConnectionString(connection).getContainerClient("acr-tasks");
  await container.create();
});
afterAll(() => {
  azurite.kill();
});

const expiresOn = new Date(Date.now() + 3_600_000);

test("a context of several blocks arrives whole through a create-and-write SAS", async () => {
  const blob = container.getBlockBlobClient("source/a.tar.gz");
  const sas = await blob.generateSasUrl({ permissions: BlobSASPermissions.parse("cw"), expiresOn });
  const data = randomBytes(3_300_000);
  await uploadContext(Readable.from([data.subarray(0, 100), data.subarray(100)]), new Secret(sas));
  expect((await blob.downloadToBuffer()).equals(data)).toBe(true);
});

test("a log blob is followed from before it exists to its end", async () => {
  const log = container.getAppendBlobClient("logs/cf1/rawtext.log");
  const sas = await log.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn });
  const reader = createLogReader(async () => ({ kind: "blob", url: new Secret(sas) }));
  const read = async (offset: number, maxBytes: number) => {
    const { bytes, nextOffset, complete } = await reader.read(offset, maxBytes);
    return [Buffer.from(bytes).toString(), nextOffset, complete];
  };
  expect(await read(0, 100)).toEqual(["", 0, false]);
  await log.create();
  expect(await read(0, 100)).toEqual(["", 0, false]);
  await log.appendBlock("hello\r\nworld", 12);
  expect(await read(0, 7)).toEqual(["hello\r\n", 7, false]);
  expect(await read(7, 100)).toEqual(["world", 12, false]);
  expect(await read(12, 100)).toEqual(["", 12, false]);
  await log.setMetadata({ Complete: "successful" });
  expect(await read(0, 5)).toEqual(["hello", 5, false]);
  expect(await read(5, 100)).toEqual(["\r\nworld", 12, true]);
  expect(await read(12, 100)).toEqual(["", 12, true]);
});
