/** Every host under which Docker Hub is written; ACR's own dependency list uses the last. */
const hubHosts: ReadonlySet<string> = new Set([
  "docker.io",
  "index.docker.io",
  "registry-1.docker.io",
  "registry.hub.docker.com",
]);

export const dockerHub = "docker.io";

const label = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const ipv6 = /^\[[a-f0-9:]+\]$/;
const withPort = /^(.*?)(?::([0-9]+))?$/;
/** RFC 1035, as text. */
const maxHostLength = 253;

/** Whether the first part of a name is a host. https://github.com/distribution/reference, normalize.go */
export function looksLikeHost(part: string): boolean {
  return part === "localhost" || part.includes(".") || part.includes(":");
}

/** `host[:port]`, lower case, Docker Hub always as `docker.io`; undefined when it is no host. */
export function canonicalHost(text: string): string | undefined {
  if (text.length > maxHostLength + 6) return undefined;
  const lower = text.toLowerCase();
  if (hubHosts.has(lower)) return dockerHub;
  const [, host = "", port] = withPort.exec(lower) ?? [];
  if (port !== undefined && Number(port) > 65535) return undefined;
  if (ipv6.test(host)) return lower;
  return host.length <= maxHostLength && host.split(".").every((part) => label.test(part)) ? lower : undefined;
}
