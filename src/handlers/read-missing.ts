import type { DigestLookup } from "../core/image/digest-lookup.ts";
import type { Rows } from "../core/state/store.ts";
import type { NotRead, World } from "../core/state/world.ts";

/** A level of a large graph is thousands of reads; more at once than this would only queue for sockets. */
const readsAtOnce = 32;

/** Reads into the world what a decision lacked. */
export async function readMissing(
  world: World,
  { fetches }: NotRead,
  ports: {
    readonly rows: Rows;
    readonly partition: string;
    resolveDigest(reference: string): Promise<DigestLookup>;
    /** Called again and again meanwhile, never twice at once. */
    meanwhile?(): Promise<void>;
  },
): Promise<void> {
  const { rows, partition } = ports;
  let next = 0;
  const reader = async (_: unknown, nth: number) => {
    for (let fetch = fetches[next++]; fetch; fetch = fetches[next++]) {
      if (nth === 0) await ports.meanwhile?.();
      if (fetch.kind === "row") world.addRow(fetch.key, (await rows.read(partition, fetch.key)).row?.value);
      else if (fetch.kind === "range")
        world.addRange(fetch.range, fetch.limit, await rows.list(partition, fetch.range, fetch.limit));
      else world.addDigest(fetch.reference, await ports.resolveDigest(fetch.reference));
    }
  };
  await Promise.all(Array.from({ length: Math.min(readsAtOnce, fetches.length) }, reader));
}
