/**
 * What a decision may look at and what it changes. Decisions are plain synchronous functions over a World; when one asks
 * for a row, a range or a digest that has not been read yet, the World throws `NotRead` with everything asked for so far,
 * the caller reads it and runs the decision again. So the core stays pure and reads only what it needs.
 */
import type { DigestLookup } from "../image/digest-lookup.ts";
import type { KeyRange } from "./keys.ts";

export type Fetch =
  | { readonly kind: "row"; readonly key: string }
  | { readonly kind: "range"; readonly range: KeyRange; readonly limit: number }
  | { readonly kind: "digest"; readonly reference: string };

/** Thrown, but no error: it is how a decision says what it has to know. Without a stack, because it is thrown often. */
export class NotRead {
  readonly fetches: readonly Fetch[];
  constructor(fetches: readonly Fetch[]) {
    this.fetches = fetches;
  }
}

export class World {
  readonly #rows = new Map<string, unknown>();
  readonly #ranges = new Map<string, readonly string[]>();
  readonly #digests = new Map<string, DigestLookup>();
  #writes = new Map<string, unknown>();

  // Filling it

  addRow(key: string, value: unknown): void {
    this.#rows.set(key, value);
  }

  /** `keys` are the first keys of the range, in order; the rows themselves are added too. */
  addRange(range: KeyRange, limit: number, rows: readonly { readonly key: string; readonly value: unknown }[]): void {
    for (const row of rows) this.#rows.set(row.key, row.value);
    this.#ranges.set(
      rangeId(range, limit),
      rows.map((r) => r.key),
    );
  }

  addDigest(reference: string, lookup: DigestLookup): void {
    this.#digests.set(reference, lookup);
  }

  /** Digests are facts of a moment: a later decision asks again. */
  forgetDigests(): void {
    this.#digests.clear();
  }

  // Deciding

  get<T>(key: string): T | undefined {
    if (this.#writes.has(key)) return this.#writes.get(key) as T | undefined;
    if (!this.#rows.has(key)) throw new NotRead([{ kind: "row", key }]);
    return this.#rows.get(key) as T | undefined;
  }

  /** Asks for several rows at once, so that they are read in one round. */
  getAll<T>(keys: readonly string[]): (T | undefined)[] {
    const missing = keys.filter((k) => !this.#writes.has(k) && !this.#rows.has(k));
    if (missing.length > 0) throw new NotRead(missing.map((key) => ({ kind: "row", key })));
    return keys.map((k) => this.get<T>(k));
  }

  /** The first `limit` rows of a range, own writes included. */
  range<T>(range: KeyRange, limit: number): { readonly key: string; readonly value: T }[] {
    const stored = this.#ranges.get(rangeId(range, limit));
    if (stored === undefined) throw new NotRead([{ kind: "range", range, limit }]);
    // A full page says nothing about keys beyond its last one.
    const end = stored.length >= limit ? stored[stored.length - 1]! : range.to;
    const added = [...this.#writes.keys()].filter((k) => k >= range.from && k < range.to && k <= end);
    return [...new Set([...stored, ...added])].sort().flatMap((k) => {
      const value = this.get<T>(k);
      return value === undefined ? [] : [{ key: k, value }];
    });
  }

  /** Asks for several ranges at once, so that a level of a graph is read in one round. */
  ranges<T>(ranges: readonly KeyRange[], limit: number): { readonly key: string; readonly value: T }[][] {
    const missing = ranges.filter((range) => !this.#ranges.has(rangeId(range, limit)));
    if (missing.length > 0) throw new NotRead(missing.map((range) => ({ kind: "range", range, limit })));
    return ranges.map((range) => this.range<T>(range, limit));
  }

  digests(references: readonly string[]): Map<string, DigestLookup> {
    const missing = references.filter((r) => !this.#digests.has(r));
    if (missing.length > 0) throw new NotRead(missing.map((reference) => ({ kind: "digest", reference })));
    return new Map(references.map((r) => [r, this.#digests.get(r)!]));
  }

  put(key: string, value: unknown): void {
    this.#writes.set(key, value);
  }

  /** Removes a row that another row says is there, so it need not be read first. */
  remove(key: string): void {
    const stored = this.#rows.get(key);
    if (!this.#rows.has(key)) {
      // Written in this very batch without having been read: only storage knows whether there is something to remove.
      if (this.#writes.get(key) !== undefined) throw new NotRead([{ kind: "row", key }]);
      this.#writes.set(key, undefined);
    } else if (stored === undefined) this.#writes.delete(key);
    else this.#writes.set(key, undefined);
  }

  // Applying

  get size(): number {
    return this.#writes.size;
  }

  writes(): readonly { readonly key: string; readonly value: unknown }[] {
    return [...this.#writes].map(([key, value]) => ({ key, value }));
  }

  mark(): Map<string, unknown> {
    return new Map(this.#writes);
  }

  /** Forgets the writes made since the mark. */
  rewind(mark: Map<string, unknown>): void {
    this.#writes = new Map(mark);
  }

  /** The writes are stored: they are what is, now. */
  committed(): void {
    for (const [key, value] of this.#writes) this.#rows.set(key, value);
    this.#writes = new Map();
    this.#ranges.clear();
  }
}

function rangeId(range: KeyRange, limit: number): string {
  return `${limit} ${range.from} ${range.to}`;
}
