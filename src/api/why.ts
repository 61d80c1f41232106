/** What is known of a tag or a digest: the run that built it here, or that it is a base somebody else builds. */
import { pastOf } from "../core/image/tag-history.ts";
import { keys, rangeOf } from "../core/state/keys.ts";
import type { Followed } from "../core/state/rows.ts";
import { platformPartition } from "../handlers/registries.ts";
import { type Dependent, dependentsOf } from "./dependents.ts";
import { allRegistries, type HistoryPorts } from "./history.ts";
import { namesOf, readMade } from "./named.ts";

export interface SeenBase {
  readonly tag: string;
  /** The digest behind the tag when it was last looked at, and when it was first seen there. */
  readonly now?: string;
  readonly since?: string;
  /** Of a digest that was asked for: when another was seen in its place. */
  readonly until?: string;
  readonly checkedAt?: string;
  readonly problem?: string;
  readonly dependents: readonly Dependent[];
}

/** Followed tags looked through for a digest; they are as many as there are bases. */
const followedMost = 5000;

/** By tag: what Slipway pushed there last. By digest: the newest run that built it. */
export async function runBehind(text: string, ports: HistoryPorts): Promise<string | undefined> {
  const digest = digestIn(text);
  if (digest === undefined) {
    for (const name of await namesOf(text, "query.reference", ports)) {
      const made = await readMade(name, ports);
      if (made) return made.run;
    }
    return undefined;
  }
  for (const registry of await allRegistries(ports)) {
    const [row] = await ports.rows.list(registry.partition, rangeOf("digest", digest), 1);
    if (row) return (row.value as { run: string }).run;
  }
  return undefined;
}

/** The tags that images stand on and that are called so, or have or had the digest behind them. */
export async function basesBehind(text: string, ports: HistoryPorts): Promise<readonly SeenBase[]> {
  const digest = digestIn(text);
  const names = text === digest ? [] : await namesOf(text, "query.reference", ports);
  if (digest === undefined) return (await Promise.all(names.map((name) => seenBase(name, ports)))).flat();
  const repositories = names.map((name) => name.slice(0, name.indexOf("@")));
  const rows = await ports.rows.list(platformPartition, rangeOf("followed"), followedMost);
  const found = rows
    .map((row) => row.value as Followed)
    .filter((f) => f.digest === digest || pastOf(f).some((p) => p.digest === digest))
    .filter((f) => names.length === 0 || repositories.some((repository) => f.reference.startsWith(`${repository}:`)));
  return Promise.all(found.map((f) => viewSeen(f.reference, f, digest, ports)));
}

function digestIn(text: string): string | undefined {
  return /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(text)?.[1];
}

async function seenBase(name: string, ports: HistoryPorts): Promise<readonly SeenBase[]> {
  const followed = (await ports.rows.read(platformPartition, keys.followed(name))).row?.value as Followed | undefined;
  const view = await viewSeen(name, followed, undefined, ports);
  return followed || view.dependents.length > 0 ? [view] : [];
}

async function viewSeen(
  tag: string,
  followed: Followed | undefined,
  asked: string | undefined,
  ports: HistoryPorts,
): Promise<SeenBase> {
  const { digest, since, checkedAt, problem } = followed ?? {};
  const left = digest === asked ? undefined : pastOf(followed).findLast((p) => p.digest === asked);
  return {
    tag,
    ...(digest ? { now: digest } : {}),
    ...(since ? { since } : {}),
    ...(left ? { until: left.until } : {}),
    ...(checkedAt ? { checkedAt } : {}),
    ...(problem ? { problem } : {}),
    dependents: await dependentsOf([tag], ports),
  };
}
