/** Which room may import which. ARCHITECTURE.md says why; this list is what it is held to. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** Files at the top of src that have no rules of their own: each is one small idea, and rests on Node alone. */
const ground = ["errors", "secret", "secret-patterns", "redact", "mask", "retry-after", "endpoint", "ports"];

interface Rule {
  /** Rooms whose code may be used; every room may use itself. */
  readonly rooms: readonly string[];
  /** Rooms of which only types may be used. */
  readonly types?: readonly string[];
  /** What may be used from outside, by prefix. */
  readonly packages?: readonly string[];
}

const edge: Rule = { rooms: ["core", ...ground], types: ["settings"] };
const rules: Readonly<Record<string, Rule>> = {
  main: { rooms: ["functions", "bindings"] },
  functions: { rooms: ["bindings", "handlers", "api"], packages: ["@azure/functions"] },
  bindings: { rooms: ["app", "api", ...ground], packages: ["@azure/functions"] },
  app: {
    rooms: ["handlers", "api", "core", "azure", "github", "oci", "config", "source-context", "settings", ...ground],
    packages: ["node:"],
  },
  handlers: { rooms: ["core", ...ground], packages: ["node:", "yaml", "zod"] },
  api: { rooms: ["handlers", "core", ...ground], packages: ["zod"] },
  core: { rooms: [] },
  azure: { ...edge, packages: ["node:", "zod", "@azure/"] },
  github: { ...edge, packages: ["node:", "zod", "@octokit/"] },
  oci: { ...edge, packages: ["node:", "zod", "@azure/identity"] },
  config: { rooms: ["core"], packages: ["zod", "yaml"] },
  "source-context": { rooms: ground, packages: ["node:", "tar-stream"] },
  settings: { rooms: ground, packages: ["node:"] },
  ...Object.fromEntries(ground.map((name): [string, Rule] => [name, { rooms: ground, packages: ["node:"] }])),
};

interface Import {
  readonly from: string;
  readonly what: string;
  readonly typesOnly: boolean;
}

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
    .map((name) => join(folder, name))
    .sort();
}

const statement = /^(?:import|export)\s+(?:([^;"']*?)\s*from\s*)?"([^"]+)"|\b(?:import|require)\("([^"]+)"\)/gm;

function importsOf(file: string): Import[] {
  return [...readFileSync(join(root, file), "utf8").matchAll(statement)].map(([, names, statically, dynamically]) => ({
    from: file,
    what: statically ?? dynamically!,
    typesOnly: names !== undefined && isTypesOnly(names),
  }));
}

function isTypesOnly(names: string): boolean {
  if (/^type\b/.test(names)) return true;
  const braced = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  return braced?.split(",").every((name) => name.trim() === "" || /^type\s/.test(name.trim())) ?? false;
}

/** Relative to the repository; undefined for a package. */
function targetOf({ from, what }: Import): string | undefined {
  return what.startsWith(".") ? relative(root, resolve(root, dirname(from), what)) : undefined;
}

const roomOf = (file: string) => relative("src", file).split("/")[0]!.replace(/\.ts$/, "");

function isAllowed(one: Import): boolean {
  const rule = rules[roomOf(one.from)];
  const target = targetOf(one);
  if (target === undefined) return rule?.packages?.some((prefix) => one.what.startsWith(prefix)) ?? false;
  if (!target.startsWith("src/")) return false;
  const room = roomOf(target);
  return (
    room === roomOf(one.from) ||
    (rule?.rooms.includes(room) ?? false) ||
    (one.typesOnly && (rule?.types?.includes(room) ?? false))
  );
}

const inSrc = filesIn("src").flatMap(importsOf);

test("every room of src has a rule, and every rule a room", () => {
  expect([...new Set(filesIn("src").map(roomOf))].sort()).toEqual(Object.keys(rules).sort());
});

test("src imports along the arrows only", () => {
  const violations = inSrc.filter((one) => !isAllowed(one));
  const told = violations.map(
    (one) => `${relative("src", one.from)} uses ${targetOf(one)?.replace(/^src\//, "") ?? one.what}`,
  );
  expect(told).toEqual([]);
});

test("local imports nothing of src or test: an emulator must not share its client's misunderstandings", () => {
  const inLocal = filesIn("local").flatMap(importsOf);
  expect(inLocal.length).toBeGreaterThan(100);
  expect(inLocal.filter((one) => !(targetOf(one) ?? "local/").startsWith("local/"))).toEqual([]);
});

test("no file imports itself in a circle, not even for its types", () => {
  const uses = new Map([...filesIn("src"), ...filesIn("local")].map((file) => [file, importsOf(file)]));
  const done = new Set<string>();
  const circleThrough = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const one of uses.get(file) ?? []) {
      const target = targetOf(one);
      const circle = target === undefined ? undefined : circleThrough(target, [...path, file]);
      if (circle) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of uses.keys()) expect(circleThrough(file, [])).toBeUndefined();
});

test("the core has no clock, no chance, no network and no environment but what it is given", () => {
  const outside =
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\b|\bprocess\.|\bfetch\(|\bconsole\.|\bcrypto\.|\bsetTimeout\b/;
  expect(filesIn("src/core").filter((file) => outside.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
});

test("the environment is read in one place", () => {
  const readers = filesIn("src").filter((file) => /process\.env/.test(readFileSync(join(root, file), "utf8")));
  expect(readers).toEqual(["src/bindings.ts"]);
});
