/** Whether everything Slipway depends on answers, in words. */

import { z } from "zod";
import type { RegistryFacts } from "../core/run/acr-run.ts";
import { keys, rangeOf } from "../core/state/keys.ts";
import type { Lease, Throttle } from "../core/state/rows.ts";
import { messageOf } from "../errors.ts";
import { platformPartition } from "../handlers/registries.ts";
import type { HistoryPorts } from "./history.ts";
import { answerJson } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { nothing } from "./schemas.ts";

export interface HealthPorts extends HistoryPorts {
  factsOf(alias: string): Promise<RegistryFacts>;
  pingGitHub(): Promise<void>;
  now(): number;
}

const Check = z.object({
  name: z.string(),
  ok: z.boolean(),
  detail: z.string().describe("in words; what is wrong and what follows from it"),
});
type Check = z.infer<typeof Check>;
const HealthView = z.object({ ok: z.boolean(), checks: z.array(Check) });

export function healthRoutes(ports: HealthPorts): readonly Route[] {
  return [
    route({
      method: "GET",
      template: "health",
      summary: "Each dependency and registry, and what is wrong with it in words",
      params: nothing,
      query: nothing,
      answers: HealthView,
      async handle() {
        const health = await checkHealth(ports);
        return answerJson(health, health.ok ? 200 : 503);
      },
    }),
  ];
}

/** Asks everything Slipway depends on, at once. */
async function checkHealth(ports: HealthPorts): Promise<z.infer<typeof HealthView>> {
  const checks = await Promise.all([
    check("storage", async () => {
      await ports.rows.read(platformPartition, keys.sweep);
      const poison = await ports.rows.list(platformPartition, rangeOf("poison"), 10);
      if (poison.length > 0)
        throw new Error(
          `${poison.length === 10 ? "10 or more" : poison.length} messages failed for good: GET /failures lists them`,
        );
      return "table storage answers, and no message failed for good";
    }),
    check("github", async () => {
      await ports.pingGitHub();
      return "GitHub accepts our credential";
    }),
    ...ports.registries.aliases.map((alias) => check(`registry ${alias}`, () => checkRegistry(alias, ports))),
  ]);
  return { ok: checks.every((c) => c.ok), checks };
}

async function check(name: string, ask: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await ask() };
  } catch (error) {
    return { name, ok: false, detail: messageOf(error) };
  }
}

async function checkRegistry(alias: string, ports: HealthPorts): Promise<string> {
  const facts = await ports.factsOf(alias);
  const { partition } = await ports.registries.find(alias);
  const [lease, throttle, stuck, live] = await Promise.all([
    ports.rows.read(partition, keys.lease),
    ports.rows.read(partition, keys.throttle),
    ports.rows.list(partition, rangeOf("stuck"), 10),
    ports.rows.list(partition, rangeOf("live"), 1000),
  ]);
  const held = (lease.row?.value as Lease | undefined)?.holder ?? "";
  const overdue = lease.row !== undefined && held !== "" && lease.now - lease.row.writtenAt > 300_000;
  if (overdue)
    throw new Error(
      `a pass died ${Math.round((lease.now - lease.row!.writtenAt) / 1000)} s ago and nobody has taken over: is the sweep running?`,
    );
  if (stuck.length > 0)
    throw new Error(
      `${stuck.length === 10 ? "10 or more" : stuck.length} inbox rows could not be worked off and were set aside: GET /failures lists them`,
    );
  const until = (throttle.row?.value as Throttle | undefined)?.until;
  const waits = until !== undefined && Date.parse(until) > ports.now() ? `; ACR asked us to wait until ${until}` : "";
  return `${facts.loginServer} answers; ${live.length} runs at ACR${waits}`;
}
