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

/** The first keys of a range, in order, and how many were asked for. */
export interface ReadRange {
  readonly range: KeyRange;
  readonly limit: number;
  readonly keys: readonly string[];
}

/** What a decision was made from, so that it can be made again. */
export interface Facts {
  readonly rows: readonly (readonly [key: string, value: unknown])[];
  readonly ranges: readonly ReadRange[];
  readonly digests: readonly (readonly [reference: string, lookup: DigestLookup])[];
}

export class World {
  readonly #rows = new Map<string, unknown>();
  /** By where they begin. Nearly always one each; a joint key of both ends would be the dearest part of a large plan. */
  readonly #ranges = new Map<string, readonly ReadRange[]>();
  readonly #digests = new Map<string, DigestLookup>();
  #writes = new Map<string, unknown>();
  #used = noUse();

  // Filling it

  addFacts(facts: Facts): void {
    for (const [key, value] of facts.rows) this.#rows.set(key, value ?? undefined);
    for (const read of facts.ranges) this.#addRange(read);
    for (const [reference, lookup] of facts.digests) this.#digests.set(reference, lookup);
  }

  addRow(key: string, value: unknown): void {
    this.#rows.set(key, value);
  }

  /** `keys` are the first keys of the range, in order; the rows themselves are added too. */
  addRange(range: KeyRange, limit: number, rows: readonly { readonly key: string; readonly value: unknown }[]): void {
    for (const row of rows) this.#rows.set(row.key, row.value);
    this.#addRange({ range, limit, keys: rows.map((row) => row.key) });
  }

  #addRange(read: ReadRange): void {
    const others = (this.#ranges.get(read.range.from) ?? []).filter((r) => !isSame(r, read.range, read.limit));
    this.#ranges.set(read.range.from, [...others, read]);
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
    if (!this.#isRead(key)) throw new NotRead([{ kind: "row", key }]);
    this.#used.rows.add(key);
    return this.#rows.get(key) as T | undefined;
  }

  /** Asks for several rows at once, so that they are read in one round. */
  getAll<T>(keys: readonly string[]): (T | undefined)[] {
    const values: (T | undefined)[] = [];
    const missing: Fetch[] = [];
    for (const key of keys)
      if (this.#writes.has(key) || this.#isRead(key)) values.push(this.get<T>(key));
      else missing.push({ kind: "row", key });
    if (missing.length > 0) throw new NotRead(missing);
    return values;
  }

  /** A row within a range that was read to its end, and not among what was found there, is not there. */
  #isRead(key: string): boolean {
    if (this.#rows.has(key)) return true;
    for (let at = key.indexOf("|"); at >= 0; at = key.indexOf("|", at + 1)) {
      const reads = this.#ranges.get(key.slice(0, at + 1)) ?? [];
      if (reads.some((read) => key < read.range.to && read.keys.length < read.limit)) return true;
    }
    return false;
  }

  /** The first `limit` rows of a range, own writes included. */
  range<T>(range: KeyRange, limit: number): { readonly key: string; readonly value: T }[] {
    return this.ranges<T>([range], limit)[0]!;
  }

  /** Asks for several ranges at once, so that a level of a graph is read in one round. */
  ranges<T>(ranges: readonly KeyRange[], limit: number): { readonly key: string; readonly value: T }[][] {
    const reads = ranges.map((range) => this.#ranges.get(range.from)?.find((r) => isSame(r, range, limit)));
    const missing = ranges.filter((_, i) => reads[i] === undefined);
    if (missing.length > 0) throw new NotRead(missing.map((range) => ({ kind: "range", range, limit })));
    const written = [...this.#writes.keys()];
    return ranges.map((range, i) => {
      const read = reads[i]!;
      const stored = read.keys;
      this.#used.ranges.add(read);
      // A full page says nothing about keys beyond its last one.
      const end = stored.length >= limit ? stored[stored.length - 1]! : range.to;
      const added = written.filter((k) => k >= range.from && k < range.to && k <= end);
      const found: { readonly key: string; readonly value: T }[] = [];
      for (const key of added.length === 0 ? stored : [...new Set([...stored, ...added])].sort()) {
        const value = this.get<T>(key);
        if (value !== undefined) found.push({ key, value });
      }
      return found;
    });
  }

  digests(references: readonly string[]): Map<string, DigestLookup> {
    const missing = references.filter((r) => !this.#digests.has(r));
    if (missing.length > 0) throw new NotRead(missing.map((reference) => ({ kind: "digest", reference })));
    for (const reference of references) this.#used.digests.add(reference);
    return new Map(references.map((r) => [r, this.#digests.get(r)!]));
  }

  /**
   * Does the first piece of work. If that lacks something, the others are tried too, to ask at once for what any of them
   * lacks; none of them has done anything then.
   */
  askTogether<T>(works: readonly (() => T)[]): readonly [T] {
    const mark = this.mark();
    const missing = new Map<string, Fetch>();
    for (const [i, work] of works.entries()) {
      try {
        const done = work();
        if (i === 0) return [done];
      } catch (error) {
        // What goes wrong out of turn is told in its turn, if it goes wrong then.
        if (i === 0 && !(error instanceof NotRead)) throw error;
        if (error instanceof NotRead) for (const fetch of error.fetches) missing.set(JSON.stringify(fetch), fetch);
      }
      this.rewind(mark);
    }
    throw new NotRead([...missing.values()]);
  }

  /** From here on it counts what is looked at, for `facts`. */
  beginFacts(): void {
    this.#used = noUse();
  }

  /** Everything looked at since `beginFacts`, as it was stored. `null` stands for a row that is not there. */
  facts(): Facts {
    return {
      rows: [...this.#used.rows].map((key) => [key, this.#rows.get(key) ?? null]),
      ranges: [...this.#used.ranges],
      digests: [...this.#used.digests].map((reference) => [reference, this.#digests.get(reference)!]),
    };
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

function noUse() {
  return {
    rows: new Set<string>(),
    ranges: new Set<ReadRange>(),
    digests: new Set<string>(),
  };
}

function isSame(read: ReadRange, range: KeyRange, limit: number): boolean {
  return read.limit === limit && read.range.from === range.from && read.range.to === range.to;
}
