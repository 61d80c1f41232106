import type { Sku } from "../task-record.ts";
import type { RegistryContext } from "./registry-context.ts";
import type { Call } from "./route.ts";

const gibibyte = 1024 ** 3;

/** Limit by name; -1 is none. Premium's names are recorded, and so is that Standard lists only two. */
const limits: Readonly<Record<Sku, Readonly<Record<string, number>>>> = {
  Basic: { Size: 10 * gibibyte, Webhooks: 2 },
  Standard: { Size: 100 * gibibyte, Webhooks: 10 },
  Premium: {
    Size: 500 * gibibyte,
    Webhooks: 500,
    "Geo-replications": -1,
    IPRules: 100,
    VNetRules: 100,
    PrivateEndpointConnections: 200,
    ScopeMaps: 50_000,
    Tokens: 50_000,
  },
};

/** How much there is of what the twin has at all; of everything else there is none. */
const counts: Readonly<Record<string, (registry: RegistryContext) => number | Promise<number>>> = {
  Size: ({ place }) => place.store?.usage() ?? 0,
  Webhooks: ({ webhooks }) => webhooks.list().length,
};

export async function listUsages(c: Call, registry: RegistryContext): Promise<Response> {
  const entries = Object.entries(limits[registry.state.settings.sku]);
  const value = entries.map(async ([name, limit]) => ({
    name,
    limit,
    currentValue: (await counts[name]?.(registry)) ?? 0,
    unit: name === "Size" ? "Bytes" : "Count",
  }));
  return c.json({ value: await Promise.all(value) });
}
