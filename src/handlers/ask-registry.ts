/** Dockerfiles name hosts, and whoever may write one must not make us knock at any door: ours and those that are listed. */
import type { Look, Offered } from "../core/image/digest-lookup.ts";
import { parseReference, type Reference } from "../core/image/reference.ts";
import { isOurs, type Registries } from "./registries.ts";

export interface AskPorts {
  readonly registries: Registries;
  /** Whether a host is one of `base-updates.registries`. */
  isListed(host: string): boolean;
  look(reference: Reference, offered: Offered | undefined): Promise<Look>;
}

/** `offered` is what the registry gave at an earlier look, to be asked whether that still holds. */
export async function askRegistry(text: string, ports: AskPorts, offered?: Offered): Promise<Look> {
  const parsed = parseReference(text);
  if (!parsed.ok) return { lookup: { kind: "unknown", why: parsed.message, forbidden: true } };
  const { reference } = parsed;
  const host = reference.registry;
  const allowed = ports.isListed(host) || (await isOurs(host, ports.registries));
  if (allowed) return ports.look(reference, offered);
  if (allowed === undefined)
    return { lookup: { kind: "unknown", why: `${host} may be one of our registries that cannot be had at present` } };
  const why = `${host} is not listed under base-updates.registries in slipway.platform.yaml`;
  return { lookup: { kind: "unknown", why, forbidden: true } };
}
