import { mayFollow, parseEndpoint } from "../endpoint.ts";
import { PermanentError, TransientError } from "../errors.ts";
import { Secret } from "../secret.ts";
import type { Challenge } from "./challenge.ts";
import type { RegistryCredential } from "./credential.ts";
import { leaveAloneSeconds } from "./leave-alone.ts";
import { type Fetch, sendToRegistry } from "./registry-http.ts";
import { TokenAnswer } from "./schema.ts";

export interface Token {
  readonly value: Secret;
  readonly lifetimeSeconds: number;
}

/**
 * Trades a Bearer challenge for a token: https://distribution.github.io/distribution/spec/auth/token/
 * The realm is the registry's word for "go there, with your password if you have one", so it is followed only to where the registry may send us.
 */
export async function fetchToken(
  fetch: Fetch,
  registry: URL,
  challenge: Challenge,
  scope: string,
  may: {
    readonly credential: Extract<RegistryCredential, { kind: "password" }> | undefined;
    readonly mayGo: (to: URL) => boolean;
  },
): Promise<Token> {
  const realm = parseEndpoint(challenge.parameters.get("realm") ?? "");
  if (!realm.ok || !mayFollow(registry, realm.url))
    throw new PermanentError("token-realm", `${registry.host} names a token realm that is not https`);
  if (!may.mayGo(realm.url))
    throw new PermanentError(
      "token-realm",
      `${registry.host} sends us to ${realm.url.host} for a token; if that is right, list it as one of its token-hosts in slipway.platform.yaml`,
    );
  const service = challenge.parameters.get("service");
  if (service !== undefined) realm.url.searchParams.set("service", service);
  realm.url.searchParams.set("scope", scope);
  const answer = await sendToRegistry(fetch, {
    url: realm.url,
    method: "GET",
    authorization: may.credential && basic(may.credential),
    mayGo: may.mayGo,
  });
  const act = `get a token for ${registry.host} from ${realm.url.host}`;
  if (answer.status === 429 || answer.status >= 500)
    throw new TransientError(`${act}: answered ${answer.status}`, {
      retryAfterSeconds: leaveAloneSeconds(answer),
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

/** The JSON of a body, or undefined when it is none. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}
