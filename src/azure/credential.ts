import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";

const tokenTimeoutMs = 30_000;

/**
 * The app's Entra identity: the managed identity where the host offers one, else whatever a developer is signed in with.
 * @azure/identity is loaded at the first token, not at start: it is a third of the cold start and many invocations need none.
 */
export function createCredential(options: { managedIdentity: boolean; clientId?: string }): TokenCredential {
  let loading: Promise<TokenCredential> | undefined;
  const load = async (): Promise<TokenCredential> => {
    const { DefaultAzureCredential, ManagedIdentityCredential } = await import("@azure/identity");
    if (!options.managedIdentity)
      return new DefaultAzureCredential(options.clientId ? { managedIdentityClientId: options.clientId } : {});
    return options.clientId
      ? new ManagedIdentityCredential({ clientId: options.clientId })
      : new ManagedIdentityCredential();
  };
  return {
    async getToken(scopes, getTokenOptions): Promise<AccessToken | null> {
      loading ??= load();
      const credential = await loading;
      // The identity endpoint's own client has no time-out, and not every credential heeds a signal.
      return await inTime(credential, scopes, getTokenOptions);
    },
  };
}

async function inTime(credential: TokenCredential, scopes: string | string[], options: GetTokenOptions | undefined) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no token from the identity within ${tokenTimeoutMs / 1000} s`)),
      tokenTimeoutMs,
    );
  });
  try {
    return await Promise.race([credential.getToken(scopes, options), late]);
  } finally {
    clearTimeout(timer);
  }
}
