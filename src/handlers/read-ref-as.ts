/** A ref as it is now, as a plan of it would see it; with another slipway.yaml in place of its own if asked. Nothing is written. */
import { type ConfigProblem, slipwayYamlPath } from "../core/config/definition.ts";
import { problemText } from "../core/config/problem-text.ts";
import { mayPublishAnywhere } from "../core/config/publish.ts";
import { countSkipped, noProgress } from "../core/plan/progress.ts";
import type { SkipReason } from "../core/plan/reason.ts";
import { keys } from "../core/state/keys.ts";
import type { RefGeneration, RefSnapshot, Refusal, Skipped } from "../core/state/rows.ts";
import type { Rows } from "../core/state/store.ts";
import { findRegistry, type HeadReader, type ReadRef, type ReadRefPorts, readRef, tellOf } from "./read-ref.ts";
import type { Registry } from "./registries.ts";
import { findSource } from "./sources.ts";

export interface ReadRefAsPorts extends ReadRefPorts {
  readonly rows: Rows;
  readonly github: HeadReader;
}

export type ReadRefAs =
  | {
      readonly kind: "read";
      readonly parts: readonly { readonly registry: Registry; readonly snapshot: RefSnapshot }[];
      /** Why there are no parts. */
      readonly skipped: readonly Skipped[];
    }
  | { readonly kind: "refused"; readonly message: string; readonly problems?: readonly ConfigProblem[] };

export async function readRefAs(
  asked: string,
  ref: string,
  config: string | undefined,
  ports: ReadRefAsPorts,
): Promise<ReadRefAs> {
  const refused = (message: string): ReadRefAs => ({ kind: "refused", message });
  const known = await findSource(asked, ports);
  if (!known) return refused(`Slipway has not heard of ${asked} yet: push to it once`);
  const source = await ports.github.repository(known.id, known.fullName);
  if (!source) return refused(`GitHub does not show us ${known.fullName}`);
  if (!mayPublishAnywhere(ports.platform, source)) return refused(`no publish rule allows ${source.fullName}`);
  const head = await ports.github.refHead(source, ref);
  if (head.kind === "absent") return refused(`${source.fullName} has no ${ref}`);
  const { github } = ports;
  const read = await readRef(source, ref, head.sha, {
    ...ports,
    github: {
      tree: (s, sha) => github.tree(s, sha),
      file: async (s, sha, path) =>
        path === slipwayYamlPath && config !== undefined ? config : github.file(s, sha, path),
    },
  });
  if (read.kind === "invalid") {
    const { problems } = read;
    return { kind: "refused", message: problems.map((p) => problemText(slipwayYamlPath, p)).join("; "), problems };
  }
  const { parts, homeless } = read.kind === "read" ? read : { parts: [], homeless: [] };
  const told = ports.registries.aliases.map(async (alias) => {
    const part = parts.find((p) => p.registry.alias === alias);
    const registry = part?.registry ?? (await findRegistry(alias, ports));
    if (typeof registry === "string") return [];
    const { row } = await ports.rows.read(registry.partition, keys.refGeneration(source.id, ref));
    // As when a ref is read for good: a registry that has images of it hears that they are gone.
    if (!part && !row) return [];
    const generation = ((row?.value as RefGeneration | undefined)?.generation ?? 0) + 1;
    const about = { source, ref, generation, commit: head.sha, changedPaths: [] };
    return [{ registry, snapshot: { ...about, ...tellOf(read, alias) } }];
  });
  const snapshots = (await Promise.all(told)).flat();
  return { kind: "read", parts: snapshots, skipped: snapshots.length > 0 ? [] : whyNowhere(read, homeless, ref) };
}

function whyNowhere(read: ReadRef, homeless: readonly Refusal[], ref: string): readonly Skipped[] {
  const skip = (reason: SkipReason, message: string) => countSkipped(noProgress, reason, undefined, message).skipped;
  if (read.kind === "no-config") return skip("no-slipway-yaml", "there is no slipway.yaml at this commit");
  if (homeless.length === 0) return skip("ref-not-watched", `no image is built from ${ref}`);
  return homeless.reduce((p, r) => countSkipped(p, r.reason, r.image, r.message), noProgress).skipped;
}
