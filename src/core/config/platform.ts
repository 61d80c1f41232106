/** What slipway.platform.yaml says: which registries there are and who may publish where. */

export interface Platform {
  /** By alias. */
  readonly registries: Readonly<Record<string, RegistryConfig>>;
  readonly publish: readonly PublishRule[];
  readonly waves: WavePolicy;
  readonly freeze: readonly FreezeWindow[];
  readonly baseUpdates: BaseUpdatePolicy;
}

/** When a wave holds itself back. A small one never does: everyone sees what became of it. */
export interface WavePolicy {
  /** A wave of at least this many images is large: it builds one image of each level first, and may stop; 0: none is. */
  readonly largeFrom: number;
  /** A large wave stops when this many of its runs have failed, or `stopAfterPercent` of them if that is more; 0 never does. */
  readonly stopAfter: number;
  readonly stopAfterPercent: number;
}

export const defaultWaves: WavePolicy = { largeFrom: 20, stopAfter: 3, stopAfterPercent: 10 };

/** While one is open, only what a person asks for is released. */
export type FreezeWindow =
  | {
      readonly kind: "once";
      /** Milliseconds since the epoch. */
      readonly from: number;
      readonly until: number;
      readonly why: string;
    }
  | {
      readonly kind: "weekly";
      /** Minutes since Monday 00:00 UTC, 0 to 10,079; `until` smaller than `from` runs over the week's end. */
      readonly from: number;
      readonly until: number;
      readonly why: string;
    };

/** How base images that nobody here builds are watched. */
export interface BaseUpdatePolicy {
  /** A tag that moves again within this many seconds is waited for: multi-arch images are pushed in parts. */
  readonly settleSeconds: number;
  /** Each followed tag is asked for this often. */
  readonly checkSeconds: number;
  /** Hosts, besides the configured registries, whose tags may be asked for. Others are named and left alone. */
  readonly registries: readonly ExternalRegistry[];
}

export interface ExternalRegistry {
  /** Canonical host, such as `docker.io`. */
  readonly host: string;
  /** Hosts that may hand out its tokens, besides its own and the well-known ones. */
  readonly tokenHosts: readonly string[];
  /** Name of the setting that holds `user:password`; anonymous when absent. */
  readonly credentialSetting?: string;
}

export const defaultBaseUpdates: BaseUpdatePolicy = {
  settleSeconds: 30,
  checkSeconds: 900,
  registries: ["docker.io", "mcr.microsoft.com", "ghcr.io", "quay.io", "registry.k8s.io", "public.ecr.aws"].map(
    (host) => ({ host, tokenHosts: [] }),
  ),
};

/** Who may publish where. */
export type PublishPolicy = Pick<Platform, "registries" | "publish">;

export interface RegistryConfig {
  readonly alias: string;
  /** ARM id: /subscriptions/…/registries/<name>. */
  readonly resourceId: string;
  /** At most this many runs of ours at ACR at once. */
  readonly maxRuns: number;
  readonly agentPool?: string;
}

/** Default deny: an image may be published only when some rule allows its source repository, registry and repository together. */
export interface PublishRule {
  /** Pattern over `owner/name`, or the numeric id of the source repository (survives renames; prefer it). */
  readonly from: string | number;
  /** Pattern over the image repository. */
  readonly to: string;
  /** Registry alias; any when absent. */
  readonly registry?: string;
}
