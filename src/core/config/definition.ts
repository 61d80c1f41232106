/** What slipway.yaml says, after defaults are applied: the nouns the core decides over. */

/** Where the file lives in a source repository. */
export const slipwayYamlPath = "slipway.yaml";

/** One slipway.yaml, checked and with every default filled in. */
export interface SlipwayConfig {
  /** At least one. */
  readonly images: readonly ImageDefinition[];
}

export interface ImageDefinition {
  /** Unique in its slipway.yaml; in URLs and in the status context `slipway/<name>`. `[a-z0-9][a-z0-9._-]{0,62}` */
  readonly name: string;
  /** Alias of a registry in slipway.platform.yaml. */
  readonly registry: string;
  /** Image repository inside the registry, lower case. */
  readonly repository: string;
  /** Folder sent to the builder, relative to the root of the source repository; "" is the root. No leading or trailing slash, no "..". */
  readonly context: string;
  /** Relative to `context`. */
  readonly dockerfile: string;
  readonly target?: string;
  /** Values are templates (`{{registry}}`, `{{branch}}`, …), rendered per run. */
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly tags: { readonly stable: readonly string[]; readonly unique: readonly string[] };
  /** A string runs in the image's /bin/sh; a list runs as it is, without a shell. */
  readonly test: readonly (string | readonly string[])[];
  readonly cache: boolean;
  /** The Dockerfile is sent with its base images pinned to the digests they had when the build was released. */
  readonly compat?: true;
  /** `os/arch[/variant]`. One entry today. */
  readonly platforms: readonly string[];
  /** 300–28800, ACR's own bounds. */
  readonly timeoutSeconds: number;
  readonly owner?: string;
  readonly on: Triggers;
}

export interface Triggers {
  readonly push?: PushTrigger;
  /** `off`: pull requests build nothing. */
  readonly pullRequest: "off" | "build-only";
  readonly baseUpdate: "all" | "runtime" | "off";
  /** 5-field cron, UTC. */
  readonly schedule: readonly { readonly cron: string }[];
}

/** GitHub Actions' own meaning of `*`, `**` and `!`; an empty list matches nothing, and a missing one is filled in by the parser. */
export interface PushTrigger {
  readonly branches: readonly string[];
  readonly tags: readonly string[];
  /** Added to the default filter (context and Dockerfile). */
  readonly paths: readonly string[];
}

/** One thing wrong with a configuration file, said so that its author can mend it. */
export interface ConfigProblem {
  /** 1-based; 1 when the file as a whole is meant. */
  readonly line: number;
  readonly column: number;
  /** Dotted path of the key, e.g. `images.web.build-args`; "" for the whole file. */
  readonly key: string;
  readonly message: string;
  readonly fix: string;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };
