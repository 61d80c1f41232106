/** Who stands on whom, as far as it is known: tracks, the tags they make, and the bases that nobody here builds. */

import { z } from "zod";
import { rangeOf } from "../core/state/keys.ts";
import type { Track } from "../core/state/rows.ts";
import { allRegistries, type HistoryPorts } from "./history.ts";
import { answerJson } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { nothing } from "./schemas.ts";

const Node = z.object({
  id: z.string(),
  kind: z.enum(["image", "base"]).describe("base: nobody here builds it, and the rest is of images"),
  image: z.string().optional(),
  ref: z.string().optional(),
  source: z.string().optional(),
  registry: z.string().optional(),
  owner: z.string().optional(),
  digest: z.string().optional(),
  run: z.string().optional().describe("one that has not ended"),
});
const Edge = z.object({
  from: z.string().describe("what is stood upon"),
  to: z.string(),
  class: z.enum(["runtime", "buildtime", "frontend"]),
  pinned: z.boolean(),
});
const GraphView = z.object({
  nodes: z.array(Node),
  edges: z.array(Edge),
  truncated: z.boolean().describe("there are more images than are shown"),
});
type Graph = z.infer<typeof GraphView>;

export function graphRoutes(ports: HistoryPorts): readonly Route[] {
  return [
    route({
      method: "GET",
      template: "graph",
      summary:
        "Who stands on whom: images by ref, and the bases that nobody here builds; as JSON, or as DOT for Graphviz",
      params: nothing,
      query: z.object({ format: z.enum(["json", "dot"]).default("json") }),
      answers: GraphView,
      async handle({ query }) {
        const graph = await readGraph(ports);
        if (query.format === "json") return answerJson(graph);
        const headers = { "content-type": "text/vnd.graphviz; charset=utf-8", "cache-control": "no-store" };
        return { status: 200, headers, body: toDot(graph) };
      },
    }),
  ];
}

const tracksMost = 20_000;

async function readGraph(ports: HistoryPorts): Promise<Graph> {
  const registries = await allRegistries(ports);
  const lists = await Promise.all(
    registries.map(async (registry) => ({
      registry,
      rows: await ports.rows.list(registry.partition, rangeOf("track"), tracksMost),
    })),
  );
  const tracks = lists.flatMap(({ registry, rows }) =>
    rows.map((r) => ({ registry: registry.alias, track: r.value as Track })).filter(({ track }) => !track.retired),
  );
  const idOf = (alias: string, track: Track) => `${alias}/${track.source.fullName}/${track.image}@${track.ref}`;
  const makers = new Map(
    tracks.flatMap(({ registry, track }) =>
      track.makes.map((reference) => [reference, idOf(registry, track)] as const),
    ),
  );
  const nodes = new Map<string, z.infer<typeof Node>>();
  const edges: z.infer<typeof Edge>[] = [];
  for (const { registry, track } of tracks) {
    const id = idOf(registry, track);
    const open = track.active ?? track.planned;
    nodes.set(id, {
      id,
      kind: "image",
      image: track.image,
      ref: track.ref,
      source: track.source.fullName,
      registry,
      ...(track.definition.owner ? { owner: track.definition.owner } : {}),
      ...(track.built ? { digest: track.built.digest } : {}),
      ...(open ? { run: open.id } : {}),
    });
    for (const base of track.bases) {
      const from = makers.get(base.tag ?? base.reference) ?? base.reference;
      if (!nodes.has(from) && from === base.reference) nodes.set(from, { id: from, kind: "base" });
      edges.push({ from, to: id, class: base.class, pinned: base.pinned });
    }
  }
  return { nodes: [...nodes.values()], edges, truncated: lists.some(({ rows }) => rows.length === tracksMost) };
}

/** https://graphviz.org/doc/info/lang.html */
function toDot({ nodes, edges }: Graph): string {
  const lines = [
    ...nodes.map((n) =>
      n.kind === "image"
        ? `  ${quoted(n.id)} [label=${quoted(`${n.image}\n${n.ref?.replace(/^refs\/(heads|tags)\//, "")}`)}, shape=box];`
        : `  ${quoted(n.id)} [shape=plain];`,
    ),
    ...edges.map(
      (e) =>
        `  ${quoted(e.from)} -> ${quoted(e.to)}${e.pinned ? " [style=dotted]" : e.class === "runtime" ? "" : " [style=dashed]"};`,
    ),
  ];
  return ["digraph slipway {", "  rankdir=LR;", ...lines, "}", ""].join("\n");
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n")}"`;
}
