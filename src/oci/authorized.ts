import { parseChallenges } from "./challenge.ts";
import type { FindCredential } from "./credential.ts";
import { maySendTo } from "./registry-host.ts";
import { type Fetch, type RegistryAnswer, type RegistryRequest, sendToRegistry } from "./registry-http.ts";
import { basic, fetchToken } from "./token.ts";
import { createTokenCache } from "./token-cache.ts";

export type SendAuthorized = (registry: URL, scope: string, request: RegistryRequest) => Promise<RegistryAnswer>;

/**
 * Sends with whatever authorization the registry wants: the cached token first, then what a 401 asks for, once.
 * A second 401 is an answer like any other. https://distribution.github.io/distribution/spec/auth/token/
 */
export function createAuthorizedSend(
  fetch: Fetch,
  credentials: FindCredential,
  tokenHosts: (registryHost: string) => readonly string[],
  now: () => number,
): SendAuthorized {
  const cache = createTokenCache(now);
  return async (registry, scope, asked) => {
    const key = `${registry.host} ${scope}`;
    const credential = await credentials(registry.host);
    const mayGo = (to: URL) => maySendTo(registry, to, tokenHosts(registry.host));
    const request = { ...asked, mayGo };
    if (credential?.kind === "token-source") {
      const send = async (fresh: boolean) =>
        sendToRegistry(fetch, { ...request, authorization: bearer(await credential.token(scope, { fresh })) });
      const first = await send(false);
      return first.status === 401 ? await send(true) : first;
    }
    const cached = cache.get(key);
    const first = await sendToRegistry(fetch, { ...request, authorization: cached && bearer(cached) });
    if (first.status !== 401) return first;
    cache.drop(key);
    const challenges = parseChallenges(first.headers.get("www-authenticate") ?? "");
    const wanted = challenges.find(({ scheme }) => scheme === "bearer");
    if (wanted) {
      const token = await fetchToken(fetch, registry, wanted, scope, { credential, mayGo });
      cache.set(key, token);
      return await sendToRegistry(fetch, { ...request, authorization: bearer(token.value) });
    }
    if (credential && challenges.some(({ scheme }) => scheme === "basic"))
      return await sendToRegistry(fetch, { ...request, authorization: basic(credential) });
    return first;
  };
}

function bearer(token: { expose(): string }): string {
  return `Bearer ${token.expose()}`;
}
