/** The registries besides our own that may be asked for base images, and what each may be shown. */
import type { ExternalRegistry } from "../core/config/platform.ts";
import type { Secret } from "../secret.ts";
import type { RegistryCredential } from "./credential.ts";
import { registryOrigin } from "./registry-host.ts";

export interface ExternalRegistries {
  /** By canonical host, such as `docker.io`. */
  isListed(host: string): boolean;
  /** By the host its API answers at, such as `registry-1.docker.io`. */
  credential(apiHost: string): RegistryCredential | undefined;
  tokenHosts(apiHost: string): readonly string[];
}

/** `credentials` are by the name of their setting. Throws when one that is named is not set: anonymous would be a silent fallback. */
export function externalRegistries(
  listed: readonly ExternalRegistry[],
  credentials: ReadonlyMap<string, { readonly username: string; readonly password: Secret }>,
): ExternalRegistries {
  const hosts = new Set(listed.map((r) => r.host));
  const tokenHosts = new Map(listed.map((r) => [registryOrigin(r.host).host, r.tokenHosts]));
  const byApiHost = new Map<string, RegistryCredential>();
  for (const { host, credentialSetting } of listed) {
    if (credentialSetting === undefined) continue;
    const credential = credentials.get(credentialSetting);
    if (!credential)
      throw new Error(
        `Slipway cannot start:\n- slipway.platform.yaml gives ${host} the setting ${credentialSetting}, which is not set`,
      );
    byApiHost.set(registryOrigin(host).host, { kind: "password", ...credential });
  }
  return {
    isListed: (host) => hosts.has(host),
    credential: (apiHost) => byApiHost.get(apiHost),
    tokenHosts: (apiHost) => tokenHosts.get(apiHost) ?? [],
  };
}
