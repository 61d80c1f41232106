import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Hono } from "hono";
import { afterAll, expect, test } from "vitest";
import { loadCertificate } from "../../../local/acr/certificate.ts";
import { type Bindings, listen } from "../../../local/http.ts";

const dir = mkdtempSync(join(tmpdir(), "certificate-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("a child that was given NODE_EXTRA_CA_CERTS trusts it by address and by name, and others do not", async () => {
  const certificate = await loadCertificate(dir);
  const app = new Hono<Bindings>();
  app.get("/", (c) => c.text("hello"));
  const server = await listen(app, 0, certificate);
  const urls = JSON.stringify([server.url, server.url.replace("127.0.0.1", "localhost")]);
  const script = `Promise.all(${urls}.map((url) => fetch(url).then((answer) => answer.text()))).then((all) => console.log(all.join()))`;
  const child = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, ["-e", script], { env: { PATH: process.env.PATH, ...env } });
  try {
    expect((await child({ NODE_EXTRA_CA_CERTS: certificate.caPath })).stdout).toBe("hello,hello\n");
    await expect(child({})).rejects.toThrow(/SELF_SIGNED_CERT|self-signed/i);
  } finally {
    await server.close();
  }
});

test("is made once, and its key is for the owner only", async () => {
  const [first, second] = [await loadCertificate(dir), await loadCertificate(dir)];
  expect(second).toEqual(first);
  expect(statSync(join(dir, "twin-key.pem")).mode & 0o777).toBe(0o600);
});
