/**
 * What of a definition decides the build's result, as one comparable text: equal texts, equal builds.
 * It is stored with every track, so two rules keep it stable: names are the user's own keys (they are shown in reasons), and a key that is
 * absent, empty or off is left out, so that a key added to slipway.yaml one day does not rebuild every image there is.
 */
import type { ImageDefinition } from "./definition.ts";

type Entry = readonly [key: string, value: unknown];

/** A key of slipway.yaml whose value differs. Text is shown as it is, everything else as JSON, an absent key as "". */
export interface DefinitionChange {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

/** Canonical JSON of everything that affects the build; not `registry` (that is where the track lives), `owner` or `on`. */
export function definitionKey(definition: ImageDefinition): string {
  const entries: Entry[] = [
    ["repository", definition.repository],
    ["context", definition.context],
    ["dockerfile", definition.dockerfile],
    ["target", definition.target],
    ...Object.entries(definition.buildArgs).map(([name, value]): Entry => [`build-args.${name}`, value]),
    // Tags and platforms are sets, so their order says nothing; the order of tests does.
    ["tags.stable", definition.tags.stable.toSorted()],
    ["tags.unique", definition.tags.unique.toSorted()],
    ["test", definition.test],
    ["cache", definition.cache],
    ["compat", definition.compat],
    ["platforms", definition.platforms.toSorted()],
    ["timeout", definition.timeoutSeconds],
  ];
  return JSON.stringify(entries.filter(([key, value]) => isSaid(key, value)).sort(byKey));
}

/** An empty build argument is not the same as none: it overrides the Dockerfile's default. */
function isSaid(key: string, value: unknown): boolean {
  if (key.startsWith("build-args.")) return true;
  return value !== undefined && value !== false && value !== "" && !(Array.isArray(value) && value.length === 0);
}

function byKey([left]: Entry, [right]: Entry): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The keys that differ between two texts of `definitionKey`, sorted, with old and new values for the run's reason. */
export function describeDefinitionChange(from: string, to: string): readonly DefinitionChange[] {
  const before = shownByKey(from);
  const after = shownByKey(to);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => before.get(key) !== after.get(key))
    .sort()
    .map((key) => ({ key, from: before.get(key) ?? "", to: after.get(key) ?? "" }));
}

function shownByKey(text: string): ReadonlyMap<string, string> {
  const entries = JSON.parse(text) as readonly Entry[];
  return new Map(
    entries.map(([key, value]) => [key, typeof value === "string" && value !== "" ? value : JSON.stringify(value)]),
  );
}
