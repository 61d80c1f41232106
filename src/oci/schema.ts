import * as z from "zod";

/** https://distribution.github.io/distribution/spec/auth/token/ — `expires_in` is seconds and 60 when absent. */
export const TokenAnswer = z.object({
  token: z.string().min(1).optional(),
  access_token: z.string().min(1).optional(),
  expires_in: z.number().positive().optional(),
});

/** https://learn.microsoft.com/azure/container-registry/container-registry-faq — ACR's own endpoints, which say no lifetime: the token's `exp` does. */
export const AcrRefreshAnswer = z.object({ refresh_token: z.string().min(1) });
export const AcrAccessAnswer = z.object({ access_token: z.string().min(1) });

/** The part of a manifest needed when the answer has no Content-Type. */
export const ManifestHead = z.object({ mediaType: z.string().optional() });
