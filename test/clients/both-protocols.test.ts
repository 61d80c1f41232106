import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadCertificate } from "../../local/acr/certificate.ts";
import { answers, output } from "../local/registry/clients.ts";
import { temporaryDirectory, temporaryRegistry } from "../local/registry/support.ts";

async function bothProtocols() {
  const certificate = await loadCertificate(await temporaryDirectory());
  const registry = await temporaryRegistry({ auth: { mode: "open" }, tls: { ...certificate, plainToo: true } });
  return { registry, certificate };
}

test.skipIf(!(await answers("curl", "--version")))(
  "one port speaks http and https; over https /v2/ says where tokens are had, and nothing else asks for one (needs curl)",
  async () => {
    const { registry, certificate } = await bothProtocols();
    const status = (url: string) =>
      output("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", certificate.caPath, url]);
    expect(registry.url).toBe(`http://${registry.loginServer}`);
    expect(await status(`http://${registry.loginServer}/v2/`)).toBe("200");
    expect(await status(`https://${registry.loginServer}/v2/`)).toBe("401");
    expect(await status(`https://${registry.loginServer}/v2/_catalog`)).toBe("200");
    const headers = await output("curl", [
      ...["-s", "-i", "--cacert", certificate.caPath],
      `https://${registry.loginServer}/v2/`,
    ]);
    expect(headers).toContain(`service="${registry.loginServer}"`);
  },
);

test.skipIf(!(await answers("docker", "version")))(
  "docker, which prefers https, still pushes and pulls without a login (needs docker)",
  async () => {
    const { registry } = await bothProtocols();
    const dir = await temporaryDirectory();
    const docker = (...args: string[]) => output("docker", ["--config", dir, ...args]);
    await writeFile(join(dir, "config.json"), "{}");
    await writeFile(join(dir, "Dockerfile"), `FROM scratch\nCOPY config.json /\nLABEL made=${Date.now()}\n`);
    const reference = `${registry.loginServer}/team/web:v1`;
    await docker("build", "-q", "-t", reference, dir);
    onTestFinished(async () => void (await docker("rmi", reference).catch(() => undefined)));
    await docker("push", reference);
    await docker("rmi", reference);
    const { digest } = (await registry.store.resolve("team/web", "v1"))!;
    expect(await docker("pull", reference)).toContain(digest);
  },
);
