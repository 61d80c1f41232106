import type { Secret } from "../secret.ts";

/** What we may show a registry. Absent: anonymous. */
export type RegistryCredential =
  | {
      readonly kind: "password";
      readonly username: string;
      readonly password: Secret;
    }
  | {
      /** A registry whose tokens are got without asking it for a challenge first (ACR). */
      readonly kind: "token-source";
      /** A bearer token for the scope, such as `repository:team/app:pull`. Throws TransientError or PermanentError. */
      token(scope: string, options: { fresh: boolean }): Promise<Secret>;
    };

export type FindCredential = (
  registryHost: string,
) => RegistryCredential | undefined | Promise<RegistryCredential | undefined>;
