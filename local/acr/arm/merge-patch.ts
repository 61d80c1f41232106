import type { Json } from "../task-record.ts";
import { isObject } from "./task-resource.ts";

/**
 * What a PATCH leaves. Objects are merged and lists replaced; triggers, which are lists of named things, are merged by
 * their names. So nothing can be taken away, with one exception: an entry of `customRegistries` that is set to null.
 */
export function mergePatch(old: Json, patch: Json): Json {
  const merged: Record<string, unknown> = { ...old };
  for (const [key, value] of Object.entries(patch)) {
    const before = old[key];
    if (value === undefined || value === null) continue;
    if (key === "customRegistries" && isObject(value)) merged[key] = mergeRegistries(before, value);
    else if (key.endsWith("Triggers")) merged[key] = mergeNamed(asList(before), asList(value));
    else if (key === "step") merged[key] = mergeStep(before, value);
    else merged[key] = isObject(before) && isObject(value) ? mergePatch(before, value) : value;
  }
  return merged;
}

/** A step of another kind takes the old one's place: nothing of the one means anything to the other. */
function mergeStep(before: unknown, value: unknown): unknown {
  if (!isObject(before) || !isObject(value)) return value;
  const sameKind = value.type === undefined || String(value.type).toLowerCase() === String(before.type).toLowerCase();
  if (!sameKind) return value;
  return mergePatch(before, { ...value, type: before.type });
}

function mergeRegistries(before: unknown, patch: Json): Json {
  const merged = { ...(isObject(before) ? before : {}), ...patch };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

function mergeNamed(old: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const merged = [...old];
  for (const item of patch) {
    const at = merged.findIndex((other) => isObject(other) && isObject(item) && other.name === item.name);
    if (at < 0) merged.push(item);
    else merged[at] = mergePatch(merged[at] as Json, item as Json);
  }
  return merged;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
