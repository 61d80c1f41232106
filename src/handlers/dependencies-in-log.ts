/**
 * The bases that ACR says a build stood on: the list at the end of a successful run's log. What a build prints cannot
 * stand in for it, because ACR writes after the last step. https://github.com/Azure/acr-builder, graph/image_dependencies.go
 */
import { parse } from "yaml";
import * as z from "zod";
import { formatReference, isDigest, parseReference } from "../core/image/reference.ts";

const heading = "The following dependencies were found:";
/** Characters; a list of a hundred bases is a third of it. What is longer is none. */
const longest = 65_536;

const Dependency = z.object({
  registry: z.string(),
  repository: z.string(),
  tag: z.string().optional(),
  digest: z.string().optional(),
});
const List = z.array(
  z.object({
    "runtime-dependency": Dependency.optional(),
    "buildtime-dependency": z.array(Dependency).nullish(),
  }),
);

/** By reference, the digests of those of these bases that the list names; none when there is no list, or none that can be read. */
export function dependenciesIn(log: string, bases: readonly string[]): Readonly<Record<string, string>> {
  const begin = log.lastIndexOf(heading);
  if (begin < 0) return {};
  const [text = ""] = log.slice(begin + heading.length).split(/^Run ID: /m, 1);
  if (text.length > longest) return {};
  const list = List.safeParse(readYaml(text));
  if (!list.success) return {};
  const all = list.data.flatMap((d) => [d["runtime-dependency"] ?? [], d["buildtime-dependency"] ?? []].flat());
  const found: Record<string, string> = {};
  for (const { registry, repository, tag, digest } of all) {
    const read = parseReference(`${registry}/${repository}:${tag ?? "latest"}`);
    const reference = read.ok ? formatReference(read.reference) : "";
    if (digest !== undefined && isDigest(digest) && bases.includes(reference)) found[reference] = digest;
  }
  return found;
}

function readYaml(text: string): unknown {
  try {
    // Every value is text: a tag of digits is one.
    return parse(text, { schema: "failsafe", maxAliasCount: 0, logLevel: "silent" });
  } catch {
    return undefined;
  }
}
