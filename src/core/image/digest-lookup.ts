/** The answer of a registry to "what is behind this tag?". `unknown` changes nothing: it is not absence. */
export type DigestLookup =
  | { readonly kind: "found"; readonly digest: string; readonly mediaType: string }
  | { readonly kind: "absent" }
  | { readonly kind: "unknown"; readonly why: string };
