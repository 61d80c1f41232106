import type * as z from "zod";

/** The entries under a top-level key of a file, when it is a mapping at all. */
export function entriesOf(file: unknown, key: string): readonly (readonly [string, unknown])[] {
  const section = sectionOf(file, key);
  return isMapping(section) ? Object.entries(section) : [];
}

/** The same for a list. */
export function listOf(file: unknown, key: string): readonly unknown[] {
  const section = sectionOf(file, key);
  return Array.isArray(section) ? section : [];
}

/** What stands under a top-level key. */
export function sectionOf(file: unknown, key: string): unknown {
  return isMapping(file) && Object.hasOwn(file, key) ? file[key] : undefined;
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** zod stops at an entry whose name is wrong; this reads on, so that such an entry's other problems are not held back. */
export function entryIssues(
  issues: readonly z.core.$ZodIssue[],
  section: string,
  schema: z.ZodType,
  file: unknown,
): readonly z.core.$ZodIssue[] {
  const misnamed = new Set(
    issues.flatMap((issue) =>
      issue.code === "invalid_key" && issue.path.length === 2 && issue.path[0] === section ? [issue.path[1]] : [],
    ),
  );
  return entriesOf(file, section)
    .filter(([name]) => misnamed.has(name))
    .flatMap(
      ([name, written]) =>
        schema.safeParse(written).error?.issues.map((issue) => ({ ...issue, path: [section, name, ...issue.path] })) ??
        [],
    );
}
