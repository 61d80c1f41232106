import { isIPv4 } from "node:net";

/** Docker's rule for registries that may be spoken to without TLS: 127.0.0.0/8, ::1 and localhost. */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/** The URL when we may speak to it: https, or http on a loopback host; no user name or password. Else what is wrong with it. */
export function parseEndpoint(text: string): { ok: true; url: URL } | { ok: false; problem: string } {
  if (!URL.canParse(text)) return { ok: false, problem: "is not a URL" };
  const url = new URL(text);
  if (url.username !== "" || url.password !== "")
    return { ok: false, problem: "must not contain a user name or password" };
  if (url.protocol === "https:") return { ok: true, url };
  if (url.protocol !== "http:") return { ok: false, problem: `must be an https URL, not ${url.protocol}` };
  if (!isLoopbackHost(url.hostname)) return { ok: false, problem: "must be https; http is for loopback hosts only" };
  return { ok: true, url };
}

/** Whether a redirect may be followed: never from https to http, and never from the outside to loopback. */
export function mayFollow(from: URL, to: URL): boolean {
  if (!parseEndpoint(to.href).ok) return false;
  return isLoopbackHost(from.hostname) || !isLoopbackHost(to.hostname);
}
