import { isLoopbackHost, parseEndpoint } from "../endpoint.ts";
import { PermanentError, TransientError } from "../errors.ts";
import { parseRetryAfter } from "../retry-after.ts";
import { Secret } from "../secret.ts";
import type { Challenge } from "./challenge.ts";
import type { RegistryCredential } from "./credential.ts";
import { knownTokenHosts } from "./registry-host.ts";
import { type Fetch, mayFollow, sendToRegistry } from "./registry-http.ts";
import { TokenAnswer } from "./schema.ts";

export interface Token {
  readonly value: Secret;
  readonly lifetimeSeconds: number;
}

/**
 * Trades a Bearer challenge for a token: https://distribution.github.io/distribution/spec/auth/token/
 * The realm is the registry's word for "send your password here", so a password goes only to the registry's own host or an allow-listed one.
 */
export async function fetchToken(
  fetch: Fetch,
  registry: URL,
  challenge: Challenge,
  scope: string,
  credential: Extract<RegistryCredential, { kind: "password" }> | undefined,
): Promise<Token> {
  const realm = parseEndpoint(challenge.parameters.get("realm") ?? "");
  if (!realm.ok || !mayFollow(registry, realm.url))
    throw new PermanentError("token-realm", `${registry.host} names a token realm that is not https`);
  if (credential && !mayHaveCredential(registry, realm.url, credential))
    throw new PermanentError(
      "token-realm",
      `${registry.host} asks for its credentials at ${realm.url.host}, which is not allowed to have them`,
    );
  const service = challenge.parameters.get("service");
  if (service !== undefined) realm.url.searchParams.set("service", service);
  realm.url.searchParams.set("scope", scope);
  const answer = await sendToRegistry(fetch, {
    url: realm.url,
    method: "GET",
    authorization: credential && basic(credential),
  });
  const act = `get a token for ${registry.host} from ${realm.url.host}`;
  if (answer.status === 429 || answer.status >= 500)
    throw new TransientError(`${act}: answered ${answer.status}`, {
      retryAfterSeconds: parseRetryAfter(answer.headers.get("retry-after"), Date.now()),
    });
  if (answer.status !== 200) throw new PermanentError("token-refused", `${act}: answered ${answer.status}`);
  const parsed = TokenAnswer.safeParse(parseJson(answer.body));
  const value = parsed.data?.token ?? parsed.data?.access_token;
  if (value === undefined) throw new TransientError(`${act}: the answer holds no token`);
  return { value: new Secret(value), lifetimeSeconds: parsed.data?.expires_in ?? 60 };
}

export function basic(credential: { username: string; password: Secret }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password.expose()}`).toString("base64")}`;
}

function mayHaveCredential(registry: URL, realm: URL, credential: { tokenHosts?: readonly string[] }): boolean {
  const allowed = [registry.host, ...knownTokenHosts(registry), ...(credential.tokenHosts ?? [])];
  return allowed.includes(realm.host) && (realm.protocol === "https:" || isLoopbackHost(registry.hostname));
}

/** The JSON of a body, or undefined when it is none. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}
