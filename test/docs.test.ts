import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { readRoutes, writeRoutes } from "../src/api/routes.ts";
import { parsePlatformYaml } from "../src/config/platform-yaml.ts";
import { parseSlipwayYaml } from "../src/config/slipway-yaml.ts";
import { holdKinds, skipReasons } from "../src/core/plan/reason.ts";

const root = resolve(import.meta.dirname, "..");
const skipped = /(^|\/)(node_modules|\.git|\.local|dist)(\/|$)/;
const pages = ["", "docs", "infra", "src", "local", "bench"]
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: folder !== "", encoding: "utf8" }).map((name) => join(folder, name)),
  )
  .filter((path) => path.endsWith(".md") && !skipped.test(path));
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** GitHub's anchors: lower case, punctuation gone, blanks as hyphens. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+\s+(.+)$/gm)].map((heading) =>
    heading[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function brokenLinks(page: string): string[] {
  const withoutCode = read(page).replace(/^```[\s\S]*?^```/gm, "");
  const targets = [...withoutCode.matchAll(/\]\(([^)\s]+)\)/g)].map((link) => link[1]!);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(root, file))) return true;
    return anchor !== undefined && !anchorsOf(read(file)).includes(anchor);
  });
}

function blockAfter(text: string, sentence: string): string {
  return new RegExp(`${sentence}[\\s\\S]*?\`\`\`yaml\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? "";
}

describe("the documents", () => {
  it.each(pages)("%s: every relative link leads somewhere", (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it.each(pages)("%s: every path of the repository that it names is there", (page) => {
    const named = [...read(page).matchAll(/`((?:src|local|test|infra|scripts|docs)\/[\w./-]+)`/g)].map((m) => m[1]!);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("ARCHITECTURE.md: every rule lives where it says, in a function or type that is there", () => {
    const rows = [...read("ARCHITECTURE.md").matchAll(/^\| \*\*R\d+\*\* [^|]+\| ([^|]+) \|/gm)].map((m) => m[1]!);
    expect(rows.length).toBe(11);
    const places = rows.flatMap((row) => [...row.matchAll(/([a-z][\w/-]+\/[\w-]+)(?: \(`(\w+)`\))?/g)]);
    const lost = places.filter(([, path, name]) => {
      const file = join(root, "src", `${path}.ts`);
      return !existsSync(file) || (name && !new RegExp(`(function|type) ${name}\\b`).test(readFileSync(file, "utf8")));
    });
    expect(lost.map(([place]) => place)).toEqual([]);
  });

  it("README.md shows files that are valid", () => {
    const text = read("README.md");
    expect(parseSlipwayYaml(blockAfter(text, "`slipway.yaml`, in each"))).toMatchObject({ ok: true });
    expect(parsePlatformYaml(blockAfter(text, "`slipway.platform.yaml`, with"))).toMatchObject({ ok: true });
  });

  it("docs/api.md explains every reason to build nothing and every hold, and no other", () => {
    const text = read("docs/api.md");
    const namesUnder = (heading: string) =>
      [
        ...text
          .split(`\n## ${heading}\n`)[1]!
          .split("\n## ")[0]!
          .matchAll(/^\| `([a-z-]+)` \|/gm),
      ].map((m) => m[1]);
    expect(namesUnder("Why nothing is built")).toEqual([...skipReasons]);
    expect(namesUnder("What a planned run waits for")).toEqual([...holdKinds]);
  });

  it("docs/deploy.md asks the telemetry for log messages and functions that there are", () => {
    const written = new Set(
      readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".ts"))
        .flatMap((path) => [...read(join("src", path)).matchAll(/\blog\(\s*"([^"]+)"/g)].map((m) => m[1]!)),
    );
    const queries = [...read("docs/deploy.md").matchAll(/```kusto\n([\s\S]*?)```/g)].map((m) => m[1]!);
    const asked = queries.flatMap((query) => [...query.matchAll(/"([^"]+)"/g)].map((m) => m[1]!));
    expect(asked.length).toBeGreaterThan(20);
    const isThere = (name: string) => written.has(name) || existsSync(join(root, "src/functions", `${name}.ts`));
    expect(asked.filter((name) => !isThere(name))).toEqual([]);
  });

  it("docs/api.md has every route, and no other", () => {
    const told = [...read("docs/api.md").matchAll(/^### (GET|POST) \/(.+)$/gm)].map((m) => `${m[1]} ${m[2]}`);
    const routes = [...readRoutes({} as never), ...writeRoutes({} as never)].map((r) => `${r.method} ${r.template}`);
    expect(told.sort()).toEqual([...routes, "GET openapi.json"].sort());
  });
});
