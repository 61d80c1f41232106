import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ociRegistries } from "../../local/acr/arm/oci-registries.ts";
import { loadCertificate } from "../../local/acr/certificate.ts";
import { type LocalAcr, startAcr } from "../../local/acr/start-acr.ts";
import { startAzurite } from "../../local/azurite.ts";
import { BuiltInEngine } from "../../local/engine/built-in/built-in-engine.ts";
import { helloWorld, pushHelloWorld } from "../../local/engine/hello-world.ts";
import { type LocalIdentity, startIdentity } from "../../local/identity/start-identity.ts";
import type { AuthOptions } from "../../local/registry/auth/registry-auth.ts";
import { type LocalRegistry, startRegistry } from "../../local/registry/registry.ts";

/** The twin without Slipway, for clients that come to make registries of their own. */
export interface CloudWorld {
  readonly acr: LocalAcr;
  readonly identity: LocalIdentity;
  /** What a person at a shell needs to know of it. */
  readonly env: Readonly<Record<string, string>>;
  /** An empty folder. */
  readonly dir: string;
  close(): Promise<void>;
}

export async function startCloudWorld(mode: AuthOptions["mode"]): Promise<CloudWorld> {
  const dir = await mkdtemp(join(tmpdir(), "cloud-world-"));
  const ends: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const azurite = await startAzurite();
    ends.push(() => azurite.stop());
    const certificate = await loadCertificate(join(dir, "tls"));
    const identity = await startIdentity({ dir: join(dir, "identity"), tls: certificate });
    ends.push(() => identity.close());
    const verifyAadToken = (token: string) => identity.verify(token).kind === "valid";
    const first = await startRegistry({ dir: join(dir, "first") });
    ends.push(() => first.close());
    // What engines see of Microsoft's registry, which is out of reach.
    const microsoft = await startRegistry({ dir: join(dir, "mcr") });
    ends.push(() => microsoft.close());
    await pushHelloWorld(microsoft.store);
    const mirrors = new Map([[helloWorld.host, microsoft.store]]);
    const engineFor = async (registry: LocalRegistry, name: string) =>
      new BuiltInEngine(registry, join(dir, "engines", name), {}, mirrors);
    const firstEngine = await engineFor(first, "first");
    ends.push(() => firstEngine.close());
    const acr = await startAcr({
      dir: join(dir, "acr"),
      tls: certificate,
      identity,
      registryName: "firstregistry",
      loginServer: first.loginServer,
      store: first.store,
      blobConnectionString: azurite.connectionString,
      engine: firstEngine,
      createRegistry: ociRegistries({
        dir: join(dir, "oci"),
        auth: { mode, anonymousPull: false, verifyAadToken },
        tls: { ...certificate, plainToo: true },
        engineFor,
      }),
    });
    ends.push(() => acr.close());
    const env = {
      TWIN_ARM: acr.url,
      TWIN_CA: certificate.caPath,
      TWIN_SUBSCRIPTION: acr.subscriptionId,
      TWIN_TENANT: identity.tenantId,
      TWIN_CLIENT_ID: identity.systemAssigned.clientId,
      TWIN_CLIENT_SECRET: identity.clientSecret(),
      ...identity.env,
    };
    return { acr, identity, env, dir: await mkdtemp(join(dir, "work-")), close };
  } catch (error) {
    await close();
    throw error;
  }
}
