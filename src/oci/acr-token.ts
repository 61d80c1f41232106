import type { TokenCredential } from "@azure/identity";
import { PermanentError, TransientError } from "../errors.ts";
import { safeCause } from "../redact.ts";
import { Secret } from "../secret.ts";
import type { RegistryCredential } from "./credential.ts";
import { leaveAloneSeconds } from "./leave-alone.ts";
import { registryOrigin } from "./registry-host.ts";
import { type Fetch, sendToRegistry } from "./registry-http.ts";
import { AcrAccessAnswer, AcrRefreshAnswer } from "./schema.ts";
import { parseJson } from "./token.ts";
import { createTokenCache } from "./token-cache.ts";

/** When a token does not say when it ends. */
const defaultLifetimeSeconds = 60;

/**
 * Signs in to ACR's data plane as the app: Entra token → refresh token (POST /oauth2/exchange) → access token per scope (POST /oauth2/token).
 * Give it login servers of configured registries only: the Entra token is sent to whatever host it is asked for.
 */
export function createAcrCredentials(options: {
  armEndpoint: string;
  credential: TokenCredential;
  fetch?: Fetch;
  now?: () => number;
}): (loginServer: string) => RegistryCredential {
  const { armEndpoint, credential, fetch = globalThis.fetch, now = Date.now } = options;
  const refreshTokens = createTokenCache(now);
  const accessTokens = createTokenCache(now);

  const post = async (origin: URL, path: string, form: Record<string, string>): Promise<unknown> => {
    const answer = await sendToRegistry(fetch, {
      url: new URL(path, origin),
      method: "POST",
      body: new URLSearchParams({ service: origin.host, ...form }),
    });
    if (answer.status === 200) return parseJson(answer.body);
    const sentence = `sign in to ${origin.host}: ${path} answered ${answer.status}`;
    if (answer.status === 408 || answer.status === 429 || answer.status >= 500)
      throw new TransientError(sentence, {
        retryAfterSeconds: leaveAloneSeconds(answer),
      });
    throw new PermanentError("registry-denied", sentence);
  };

  const refreshToken = async (origin: URL, fresh: boolean): Promise<Secret> => {
    const cached = fresh ? undefined : refreshTokens.get(origin.host);
    if (cached) return cached;
    const entra = await entraToken(credential, `${armEndpoint}/.default`);
    const answer = AcrRefreshAnswer.safeParse(
      await post(origin, "/oauth2/exchange", { grant_type: "access_token", access_token: entra.expose() }),
    );
    if (!answer.success) throw new TransientError(`sign in to ${origin.host}: the answer holds no refresh token`);
    const value = new Secret(answer.data.refresh_token);
    refreshTokens.set(origin.host, { value, lifetimeSeconds: lifetimeOf(value, now()) });
    return value;
  };

  return (loginServer) => {
    const origin = registryOrigin(loginServer);
    return {
      kind: "token-source",
      async token(scope, { fresh }) {
        const key = `${origin.host} ${scope}`;
        const cached = fresh ? undefined : accessTokens.get(key);
        if (cached) return cached;
        const refresh = await refreshToken(origin, fresh);
        const form = { grant_type: "refresh_token", scope, refresh_token: refresh.expose() };
        const answer = AcrAccessAnswer.safeParse(await post(origin, "/oauth2/token", form));
        if (!answer.success) throw new TransientError(`sign in to ${origin.host}: the answer holds no access token`);
        const value = new Secret(answer.data.access_token);
        accessTokens.set(key, { value, lifetimeSeconds: lifetimeOf(value, now()) });
        return value;
      },
    };
  };
}

async function entraToken(credential: TokenCredential, scope: string): Promise<Secret> {
  try {
    const token = await credential.getToken(scope);
    if (token) return new Secret(token.token);
  } catch (error) {
    throw new TransientError("get an Entra token for the registry", { cause: safeCause(error) });
  }
  throw new TransientError("get an Entra token for the registry: the identity gave none");
}

/** From the JWT's `exp`, unverified: it only decides how long we keep the token. */
function lifetimeOf(token: Secret, nowMs: number): number {
  const payload = parseJson(Buffer.from(token.expose().split(".")[1] ?? "", "base64url"));
  const exp = typeof payload === "object" && payload !== null && "exp" in payload ? payload.exp : undefined;
  const seconds = typeof exp === "number" ? exp - nowMs / 1000 : Number.NaN;
  return seconds > 0 ? Math.min(seconds, 24 * 3600) : defaultLifetimeSeconds;
}
