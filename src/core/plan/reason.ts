/** Why a run exists. Every reason carries the value before and the value after; a run keeps all of its reasons. */
export type Reason =
  | { readonly kind: "first-build" }
  | { readonly kind: "commit"; readonly from: string; readonly to: string; readonly paths: readonly string[] }
  | {
      readonly kind: "definition";
      readonly changes: readonly { readonly key: string; readonly from: string; readonly to: string }[];
    }
  | {
      readonly kind: "base";
      readonly reference: string;
      readonly from?: string;
      /** Absent until the base's own run has ended. */
      readonly to?: string;
      /** The run of the base, when Slipway builds it. */
      readonly run?: string;
    }
  | { readonly kind: "request"; readonly action: "retry" | "rebuild"; readonly id: string; readonly of?: string };

/** Why nothing is built, or a planned run ended without being built. Closed: every decision not to build uses one of these. */
export const skipReasons = [
  "nothing-changed",
  "already-planned",
  "ref-not-watched",
  "ref-deleted",
  "image-removed",
  "no-slipway-yaml",
  "invalid-config",
  "unknown-registry",
  "source-not-allowed",
  "source-not-readable",
  "not-allowed-to-publish",
  "dockerfile-missing",
  "dockerfile-invalid",
  "too-many-bases",
  "too-many-tags",
  "tag-taken",
  "base-failed",
  "superseded-event",
  "run-not-found",
  "run-already-ended",
  "image-not-found",
  "base-not-followed",
  "base-absent",
  "base-first-seen",
  "base-update-off",
  "own-push",
  "cycle",
  "settling",
  "keeps-failing",
  "wave-not-found",
  "delivery-failed",
] as const;
export type SkipReason = (typeof skipReasons)[number];

/** Who tells us of a registry's tags, as the URL names them. */
export const eventSenders = ["acr-webhook", "event-grid", "cloud-events"] as const;
export type EventSender = (typeof eventSenders)[number];

/** Who said that a tag may have moved: one who tells us, or our own timer that asked. */
export const registryEventSenders = [...eventSenders, "base-check"] as const;
export type RegistryEventSender = (typeof registryEventSenders)[number];

/** What set a run off: a webhook, a registry's tag, a person, our own sweep, or another run. Following `run` leads to the root. */
export type Cause =
  | {
      readonly kind: "delivery";
      readonly id: string;
      readonly event: string;
      readonly at: string;
      readonly by?: string;
    }
  | { readonly kind: "sweep"; readonly id: string; readonly at: string }
  | {
      readonly kind: "registry-event";
      readonly id: string;
      readonly sender: RegistryEventSender;
      /** Canonical reference of the tag. */
      readonly reference: string;
      readonly at: string;
    }
  | { readonly kind: "request"; readonly id: string; readonly action: string; readonly at: string }
  | { readonly kind: "run"; readonly id: string };

/** Why a planned run is not at ACR yet. */
export type Hold =
  | { readonly kind: "base"; readonly runs: readonly string[] }
  | { readonly kind: "track-busy"; readonly run: string }
  | { readonly kind: "base-unknown"; readonly reference: string; readonly why: string }
  /** One image of each level of a large wave is built first; the others wait for it. */
  | { readonly kind: "canary"; readonly wave: string; readonly run: string; readonly image: string }
  | { readonly kind: "wave-stopped"; readonly wave: string; readonly why: string }
  | { readonly kind: "paused"; readonly scope: "registry" | "image"; readonly why: string }
  | { readonly kind: "frozen"; readonly until: string; readonly why: string };

export const holdKinds = [
  "base",
  "track-busy",
  "base-unknown",
  "canary",
  "wave-stopped",
  "paused",
  "frozen",
] as const satisfies readonly Hold["kind"][];

/** Only a person or the calendar ends it, perhaps in days. The other holds pass. */
export function isForPeople(hold: Hold | undefined): boolean {
  return hold?.kind === "wave-stopped" || hold?.kind === "paused" || hold?.kind === "frozen";
}

/** A digest or a commit as people tell them apart. */
export function short(value: string | undefined): string {
  if (value === undefined) return "none";
  if (value.startsWith("sha256:")) return value.slice(0, 19);
  return /^[0-9a-f]{40,64}$/.test(value) ? value.slice(0, 7) : value;
}

/** One line for people; the values themselves stay in the reason. */
export function describeReason(reason: Reason): string {
  switch (reason.kind) {
    case "first-build":
      return "first build of this image from this ref";
    case "commit": {
      const files = reason.paths.length > 0 ? ` (${reason.paths.slice(0, 3).join(", ")})` : "";
      return `files changed between ${short(reason.from)} and ${short(reason.to)}${files}`;
    }
    case "definition":
      return `slipway.yaml changed ${reason.changes.map((c) => c.key).join(", ")}`;
    case "base":
      if (reason.to === undefined) return `base ${reason.reference} is being rebuilt`;
      if (reason.from === reason.to) return `base ${reason.reference} is the same as before`;
      return reason.from === undefined
        ? `base ${reason.reference} is now ${short(reason.to)}`
        : `base ${reason.reference} moved from ${short(reason.from)} to ${short(reason.to)}`;
    case "request":
      return `${reason.action} was asked for`;
  }
}

/** Two reasons of the same thing: the later one replaces the earlier, keeping the older "from". */
export function mergeReasons(before: readonly Reason[], added: readonly Reason[]): readonly Reason[] {
  const out = [...before];
  for (const reason of added) {
    const at = out.findIndex((r) => sameSubject(r, reason));
    if (at < 0) {
      out.push(reason);
      continue;
    }
    const old = out[at]!;
    out[at] =
      "from" in old && "from" in reason && old.from !== undefined ? ({ ...reason, from: old.from } as Reason) : reason;
  }
  return out;
}

function sameSubject(a: Reason, b: Reason): boolean {
  if (a.kind === "base" && b.kind === "base") return a.reference === b.reference;
  if (a.kind === "request" && b.kind === "request") return a.id === b.id;
  return a.kind === b.kind;
}
