/** The registries of slipway.platform.yaml, joined with what ARM says of them. */

import { createHash } from "node:crypto";
import type { Platform, RegistryConfig } from "../core/config/platform.ts";
import type { RegistryFacts } from "../core/run/acr-run.ts";
import { keys, segment } from "../core/state/keys.ts";
import type { Rows } from "../core/state/store.ts";
import { PermanentError, TransientError } from "../errors.ts";
import type { Log } from "../ports.ts";

/** Rows that belong to no registry: registries, sources, notes, and decisions about events that concern none. */
export const platformPartition = "platform";

/** Decisions about pushes that are news to nobody. Every build makes several, so they are kept out of the way of all others. */
export const pushesPartition = "pushes";

/** Run ids of a registry that was deleted and made again start a million later, so that they never repeat. */
const sequencesPerGeneration = 1_000_000;

export interface Registry extends RegistryConfig {
  readonly loginServer: string;
  readonly partition: string;
  readonly firstSequence: number;
}

interface RegistryRow {
  readonly resourceId: string;
  readonly loginServer: string;
  readonly createdAt: string;
  readonly partition: string;
  readonly generation: number;
}

export interface Registries {
  /** Throws PermanentError("unknown-registry") for an alias that is not in the platform file. */
  find(alias: string): Promise<Registry>;
  readonly aliases: readonly string[];
}

/** undefined, and said in the log, for a registry that ARM does not show us: it must not keep the others from the news. */
export async function findOrSay(
  alias: string,
  ports: { readonly registries: Registries; readonly log: Log },
): Promise<Registry | undefined> {
  try {
    return await ports.registries.find(alias);
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    ports.log("registry cannot be had", { registry: alias, why: error.message });
    return undefined;
  }
}

/** Those that can be had. One that cannot hides what is its own, not everybody's; health says what is wrong with it. */
export async function registriesAtHand(registries: Registries): Promise<readonly Registry[]> {
  const found = await Promise.allSettled(registries.aliases.map((alias) => registries.find(alias)));
  return found.flatMap((f) => (f.status === "fulfilled" ? [f.value] : []));
}

/** The registry of ours that serves it, if that can be had. */
export async function homeOf(reference: string, registries: Registries): Promise<Registry | undefined> {
  return (await registriesAtHand(registries)).find(({ loginServer }) => reference.startsWith(`${loginServer}/`));
}

/** Whether a registry of ours answers at this host; undefined while one that cannot be had might be it. */
export async function isOurs(host: string, registries: Registries): Promise<boolean | undefined> {
  const found = await Promise.all(
    registries.aliases.map((alias) =>
      registries.find(alias).catch((error: unknown) => {
        if (error instanceof TransientError || error instanceof PermanentError) return undefined;
        throw error;
      }),
    ),
  );
  if (found.some((registry) => registry?.loginServer === host)) return true;
  return found.includes(undefined) ? undefined : false;
}

const freshMs = 600_000;
/** Every look at a base image asks for all registries, so one that cannot be had must not cost a call to ARM each time. */
const failedMs = 10_000;

export function createRegistries(ports: {
  readonly platform: Pick<Platform, "registries">;
  readonly rows: Rows;
  factsOf(alias: string): Promise<RegistryFacts>;
  now(): number;
}): Registries {
  const known = new Map<string, { readonly registry: Promise<Registry>; readonly until: number }>();

  async function load(config: RegistryConfig): Promise<Registry> {
    const rowKey = keys.registry(config.alias);
    const { row } = await ports.rows.read(platformPartition, rowKey);
    const stored = row?.value as RegistryRow | undefined;
    let current = stored?.resourceId.toLowerCase() === config.resourceId.toLowerCase() ? stored : undefined;
    try {
      const facts = await ports.factsOf(config.alias);
      const partition = partitionOf(config, facts);
      if (current?.partition !== partition) {
        const generation = stored ? stored.generation + 1 : 0;
        current = {
          resourceId: config.resourceId,
          loginServer: facts.loginServer,
          createdAt: facts.createdAt,
          partition,
          generation,
        };
        await ports.rows.transact(platformPartition, [{ kind: "put", key: rowKey, value: current }]);
      }
    } catch (error) {
      // ARM is away or refuses us, but what the registry is called was learned before and does not change.
      if (!(error instanceof TransientError || error instanceof PermanentError) || !current) throw error;
    }
    return {
      ...config,
      loginServer: current.loginServer,
      partition: current.partition,
      firstSequence: current.generation * sequencesPerGeneration + 1,
    };
  }

  return {
    aliases: Object.keys(ports.platform.registries),
    async find(alias) {
      const config = Object.hasOwn(ports.platform.registries, alias) ? ports.platform.registries[alias] : undefined;
      if (!config) throw new PermanentError("unknown-registry", `slipway.platform.yaml names no registry "${alias}"`);
      const cached = known.get(alias);
      if (cached && ports.now() < cached.until) return cached.registry;
      const registry = load(config);
      known.set(alias, { registry, until: ports.now() + freshMs });
      registry.catch(() => known.set(alias, { registry, until: ports.now() + failedMs }));
      return registry;
    },
  };
}

/** ARM id plus creation date: a registry that is deleted and made again reuses run ids, so it is another registry. */
function partitionOf(config: RegistryConfig, facts: RegistryFacts): string {
  const identity = createHash("sha256").update(`${config.resourceId.toLowerCase()} ${facts.createdAt}`).digest("hex");
  return `${segment(config.alias)}@${identity.slice(0, 16)}`;
}
