import type { Repository } from "./state.ts";

/**
 * GitHub's API may answer with a ref's old head for a moment after the webhook has left. While a repository lags, its refs
 * are seen as they were before the oldest push still lagging.
 */
export class RefLag {
  readonly #now: () => number;
  readonly #lagging = new Map<number, { until: number; refs: Record<string, string> }[]>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Call before the repository's refs change. */
  begin(repository: Repository, lagMs: number): void {
    if (lagMs <= 0) return;
    const list = this.#lagging.get(repository.id) ?? [];
    list.push({ until: this.#now() + lagMs, refs: { ...repository.refs } });
    this.#lagging.set(repository.id, list);
  }

  visibleRefs(repository: Repository): Record<string, string> {
    const list = (this.#lagging.get(repository.id) ?? []).filter((lag) => lag.until > this.#now());
    if (list.length === 0) {
      this.#lagging.delete(repository.id);
      return repository.refs;
    }
    this.#lagging.set(repository.id, list);
    return list[0]!.refs;
  }
}
