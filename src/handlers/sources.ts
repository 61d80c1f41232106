/** The repositories Slipway has heard of, by id and by the name people know. */
import type { SourceRepository } from "../core/source.ts";
import { keys } from "../core/state/keys.ts";
import type { Rows } from "../core/state/store.ts";
import { platformPartition } from "./registries.ts";

/** Lets people ask by owner/name, and lets the sweep know which repositories to look at. */
export async function rememberSource({ rows }: { readonly rows: Rows }, source: SourceRepository): Promise<void> {
  await rows.transact(platformPartition, [
    { kind: "put", key: keys.source(source.id), value: source },
    { kind: "put", key: keys.sourceName(source.fullName), value: { id: source.id } },
  ]);
}

/** Of owner/name, in any case, or of a numeric id, which need not be known. */
export async function sourceIdOf(asked: string, { rows }: { readonly rows: Rows }): Promise<number | undefined> {
  if (/^\d{1,15}$/.test(asked)) return Number(asked);
  const { row } = await rows.read(platformPartition, keys.sourceName(asked));
  return (row?.value as { readonly id: number } | undefined)?.id;
}

export async function findSource(asked: string, ports: { readonly rows: Rows }): Promise<SourceRepository | undefined> {
  const id = await sourceIdOf(asked, ports);
  if (id === undefined) return undefined;
  const { row } = await ports.rows.read(platformPartition, keys.source(id));
  return row?.value as SourceRepository | undefined;
}
