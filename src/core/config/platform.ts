/** What slipway.platform.yaml says: which registries there are and who may publish where. */

export interface Platform {
  /** By alias. */
  readonly registries: Readonly<Record<string, RegistryConfig>>;
  readonly publish: readonly PublishRule[];
}

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
