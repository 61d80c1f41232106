import type { BuildRequest, EngineName } from "../../../../local/engine/engine.ts";

/** One Dockerfile with its context, and what comes out of it on every engine, except where `differs` says otherwise. */
export interface Case extends Outcome {
  /** A promise; names are unique. */
  readonly name: string;
  /** Lines. `{base}` is the shell base, `{other}` the image that `before` makes. */
  readonly dockerfile: readonly string[];
  readonly context?: Context;
  readonly request?: Partial<Omit<BuildRequest, "secrets">>;
  /** Secrets by id. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Another image, built and pushed first. */
  readonly before?: { readonly dockerfile: readonly string[]; readonly context?: Context };
  /** Known deviations, each with its reason: what of the outcome is another there. */
  readonly differs?: Partial<Record<EngineName, Difference>>;
}

export interface Difference extends Outcome {
  readonly why: string;
  /** Newer versions of the engine have the usual outcome. */
  readonly orNot?: true;
}

export interface Outcome {
  /**
   * All that the image adds to its base or changes in it, by path: `644 0:0 content`, `755 0:0 /` for a folder,
   * `0:0 -> target` for a link, `gone`.
   */
  readonly files?: Readonly<Record<string, string>>;
  /** All that the configuration says, but for PATH and empty values. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What the image prints when it is run without arguments. */
  readonly prints?: string;
  /** Something the build prints. */
  readonly log?: RegExp;
  /** The build fails, and this is in its message. */
  readonly fails?: RegExp;
}

/** Files by path; text has mode 644, folders 755 unless said otherwise. */
export type Context = Readonly<Record<string, string | Buffer | ContextEntry>>;

export type ContextEntry =
  | { readonly text: string; readonly mode: number }
  | { readonly link: string }
  | { readonly folder: true; readonly mode?: number };
