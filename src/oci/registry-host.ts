import { isLoopbackHost } from "../endpoint.ts";
import { PermanentError } from "../errors.ts";

/** Names of Docker Hub that people and ACR's scanner write; its API answers at another one. */
const dockerHub = new Set(["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);

const hostShape =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;

/** Where a registry's API answers. https, or http on loopback hosts (docker's rule). Throws PermanentError("bad-reference") for what is no host. */
export function registryOrigin(registry: string): URL {
  if (!hostShape.test(registry) || registry.length > 260)
    throw new PermanentError("bad-reference", `not a registry host: ${registry.slice(0, 100)}`);
  const host = dockerHub.has(registry.toLowerCase()) ? "registry-1.docker.io" : registry.toLowerCase();
  const origin = new URL(`https://${host}`);
  if (isLoopbackHost(origin.hostname)) return new URL(`http://${host}`);
  return origin;
}

/** Docker Hub's token server; Google's registries, to the nearest of which Kubernetes' redirects every manifest. Others' are themselves. */
const knownHosts: ReadonlyMap<string, RegExp> = new Map([
  ["registry-1.docker.io", /^auth\.docker\.io$/],
  ["registry.k8s.io", /^[a-z0-9-]+-docker\.pkg\.dev$/],
]);

/**
 * Whether a registry may send us to a URL, for a token or with a redirect: on its own host, one known of it, or one that the
 * platform file lists for it. Whoever answers for a listed registry must not make us knock at any other door either.
 */
export function maySendTo(registry: URL, to: URL, tokenHosts: readonly string[]): boolean {
  const isItsOwn = to.host === registry.host || tokenHosts.includes(to.host);
  return isItsOwn || knownHosts.get(registry.host)?.test(to.host) === true;
}
