import type { ConfigProblem, Parsed } from "../core/config/definition.ts";
import {
  type BaseUpdatePolicy,
  defaultBaseUpdates,
  defaultWaves,
  type FreezeWindow,
  type Platform,
  type PublishRule as PublishRuleConfig,
  type RegistryConfig,
  type WavePolicy,
} from "../core/config/platform.ts";
import { parseDuration } from "./checks.ts";
import { didYouMean } from "./did-you-mean.ts";
import { platformSchema } from "./json-schema.ts";
import { parseWeekly } from "./platform-checks.ts";
import { type BaseUpdates, type Freeze, PlatformFile, PublishRule, Registry, type Waves } from "./platform-schema.ts";
import { problemsOf, sorted } from "./problems.ts";
import { show } from "./show.ts";
import { entriesOf, entryIssues, listOf } from "./written-entries.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

const defaultMaxRuns = 4;

/** Reads a slipway.platform.yaml of at most 256 KiB, or says all its problems at once in the order of the file. Never throws. */
export function parsePlatformYaml(text: string): Parsed<Platform> {
  const read = readYaml(text);
  if (!read.ok) return { ok: false, problems: sorted(read.problems) };
  const source = read.value;
  const file = PlatformFile.safeParse(source.value);
  const issues = file.success
    ? []
    : [...file.error.issues, ...entryIssues(file.error.issues, "registries", Registry, source.value)];
  const problems = [
    ...(issues.length > 0 ? problemsOf(issues, source, platformSchema()) : []),
    ...registriesDiffer(source),
    ...publishRegistriesExist(source),
  ];
  if (!file.success || problems.length > 0) return { ok: false, problems: sorted(problems) };
  return { ok: true, value: toPlatform(file.data) };
}

function toPlatform(file: PlatformFile): Platform {
  const registries = Object.entries(file.registries).map(([alias, written]): [string, RegistryConfig] => [
    alias,
    toRegistry(alias, written),
  ]);
  return {
    // Without a prototype: `constructor` is a valid alias, and must not be found where nobody wrote it.
    registries: Object.assign(Object.create(null), Object.fromEntries(registries)),
    publish: (file.publish ?? []).map(
      (rule): PublishRuleConfig => ({
        from: rule.from,
        to: rule.to,
        ...(rule.registry === undefined ? {} : { registry: rule.registry }),
      }),
    ),
    waves: toWaves(file.waves),
    freeze: (file.freeze ?? []).map(toFreeze),
    baseUpdates: toBaseUpdates(file["base-updates"]),
  };
}

function toWaves(written: Waves | undefined): WavePolicy {
  return {
    largeFrom: written?.["large-from"] ?? defaultWaves.largeFrom,
    stopAfter: written?.["stop-after"] ?? defaultWaves.stopAfter,
    stopAfterPercent: written?.["stop-after-percent"] ?? defaultWaves.stopAfterPercent,
  };
}

function toFreeze({ from, until, weekly, why }: Freeze): FreezeWindow {
  if (weekly !== undefined) return { kind: "weekly", ...parseWeekly(weekly)!, why };
  return { kind: "once", from: Date.parse(from!), until: Date.parse(until!), why };
}

function toBaseUpdates(written: BaseUpdates | undefined): BaseUpdatePolicy {
  const hosts = written?.registries;
  return {
    settleSeconds: written?.settle === undefined ? defaultBaseUpdates.settleSeconds : parseDuration(written.settle)!,
    checkSeconds:
      written?.["check-every"] === undefined ? defaultBaseUpdates.checkSeconds : parseDuration(written["check-every"])!,
    registries: hosts
      ? Object.entries(hosts).map(([host, registry]) => ({
          host,
          tokenHosts: registry["token-hosts"] ?? [],
          ...(registry.credential === undefined ? {} : { credentialSetting: registry.credential }),
        }))
      : defaultBaseUpdates.registries,
  };
}

function toRegistry(alias: string, written: Registry): RegistryConfig {
  const agentPool = written["agent-pool"];
  return {
    alias,
    resourceId: written["resource-id"],
    maxRuns: written["max-runs"] ?? defaultMaxRuns,
    ...(agentPool === undefined ? {} : { agentPool }),
  };
}

/** One registry has one pass and one run limit, so it has one alias. */
function registriesDiffer(source: YamlSource): readonly ConfigProblem[] {
  const aliasById = new Map<string, string>();
  return entriesOf(source.value, "registries").flatMap(([alias, written]) => {
    const registry = Registry.safeParse(written);
    if (!registry.success) return [];
    const id = registry.data["resource-id"].toLowerCase();
    const first = aliasById.get(id);
    if (first === undefined) aliasById.set(id, alias);
    if (first === undefined) return [];
    return [
      source.problemAt(
        ["registries", alias, "resource-id"],
        `${show(first)} is the same registry`,
        "keep one of the two aliases",
      ),
    ];
  });
}

function publishRegistriesExist(source: YamlSource): readonly ConfigProblem[] {
  const aliases = new Set(entriesOf(source.value, "registries").map(([alias]) => alias));
  return listOf(source.value, "publish").flatMap((written, index) => {
    const alias = PublishRule.safeParse(written).data?.registry;
    if (alias === undefined || aliases.has(alias)) return [];
    const meant = didYouMean(alias, [...aliases]);
    const fix = meant ? `did you mean ${meant}?` : "add it under `registries`, or remove `registry` to mean any";
    return [source.problemAt(["publish", index, "registry"], `there is no registry ${show(alias)}`, fix)];
  });
}
