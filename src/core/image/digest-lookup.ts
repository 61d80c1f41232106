/** The answer of a registry to "what is behind this tag?". `unknown` changes nothing: it is not absence. */
export type DigestLookup =
  | { readonly kind: "found"; readonly digest: string }
  | { readonly kind: "absent" }
  | {
      readonly kind: "unknown";
      readonly why: string;
      /** Seconds the registry is to be left alone: as it asked, or as a refusal for asking too much means. */
      readonly retryAfterSeconds?: number;
      /** Policy keeps us from asking, so asking again is of no use. */
      readonly forbidden?: true;
    };

/** The ETag a registry gave with a digest. Shown to it again, it may answer that nothing has changed. */
export interface Offered {
  readonly etag: string;
  readonly digest: string;
}

/** What one look at a tag brought besides its digest. */
export interface Look {
  readonly lookup: DigestLookup;
  readonly offered?: Offered;
  /** The registry answered and says that little is left of what it gives: seconds to leave it alone. */
  readonly leaveAloneSeconds?: number;
}
