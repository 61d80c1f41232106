import type { Seen } from "./read-product.ts";

/** Everything the screen shows at one moment. */
export interface View {
  readonly now: number;
  readonly startedAt: number;
  /** What is being started; absent once everything is up. */
  readonly starting?: string;
  readonly engine?: { readonly name: string; readonly why: string; readonly warning?: string };
  /** `127.0.0.1:PORT`, left out of references. */
  readonly registry: string;
  readonly seen?: Seen;
  /** What happened to the twin itself, oldest first. */
  readonly notices: readonly string[];
  /** Path of the host's log, once it tells of errors. */
  readonly errorLog?: string;
  /** What to try next; shown when nothing is open. */
  readonly next?: readonly Suggestion[];
  /** The demo's command ends by itself. */
  readonly once: boolean;
}

export interface Suggestion {
  readonly title: string;
  readonly lines: readonly string[];
}
