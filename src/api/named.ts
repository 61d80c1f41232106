/** What a person means by the name of an image. */

import { formatReference, parseReference } from "../core/image/reference.ts";
import { keys, rangeOf } from "../core/state/keys.ts";
import type { Made } from "../core/state/rows.ts";
import { readValue } from "../handlers/read-rows.ts";
import { homeOf, type Registry } from "../handlers/registries.ts";
import { allRegistries, type HistoryPorts } from "./history.ts";
import { badRequest } from "./problem.ts";

/** Canonical: in each of our registries, whose login server may be left out, and last as Docker would take it. */
export async function namesOf(text: string, at: string, ports: HistoryPorts): Promise<readonly string[]> {
  const registries = await allRegistries(ports);
  const short = registries.filter(({ loginServer }) => !text.startsWith(`${loginServer}/`));
  const candidates = [...short.map(({ loginServer }) => `${loginServer}/${text}`), text].map(parseReference);
  const names = candidates.flatMap((c) => (c.ok ? [formatReference(c.reference)] : []));
  const [whole] = candidates.slice(-1);
  if (names.length === 0 && whole && !whole.ok) throw badRequest({ at, message: whole.message });
  return names;
}

/** What Slipway pushed last under a tag. */
export async function readMade(reference: string, ports: HistoryPorts): Promise<Made | undefined> {
  const home = await homeOf(reference, ports.registries);
  return home && (await readValue<Made>(ports.rows, home.partition, keys.tag(reference)));
}

/** The first of its names that we push or that images stand on; else what Docker would take it for. */
export async function baseNamed(text: string, at: string, ports: HistoryPorts): Promise<string> {
  const names = await namesOf(text, at, ports);
  const registries = await allRegistries(ports);
  for (const name of names)
    if ((await readMade(name, ports)) || (await whereStoodUpon(name, registries, ports)).length > 0) return name;
  return names.at(-1)!;
}

/** Those of the registries that have images on it. */
export async function whereStoodUpon(
  reference: string,
  registries: readonly Registry[],
  { rows }: HistoryPorts,
): Promise<readonly Registry[]> {
  const edges = registries.map(({ partition }) => rows.list(partition, rangeOf("base", reference), 1));
  const found = await Promise.all(edges);
  return registries.filter((_, i) => found[i]!.length > 0);
}
