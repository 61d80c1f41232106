import { nodeId } from "./node-id.ts";
import { repositoryApiUrl } from "./repository-body.ts";
import type { Label, Repository } from "./state.ts";
import { takeId, type World } from "./world.ts";

/** Labels are made by using them, as GitHub does when somebody with the right to triage names a new one. Case is ignored. */
export function labelOf(world: World, repository: Repository, name: string): Label {
  const known = repository.labels?.find((label) => label.name.toLowerCase() === name.toLowerCase());
  if (known) return known;
  const label: Label = { id: takeId(world), name, color: "ededed" };
  repository.labels = [...(repository.labels ?? []), label];
  return label;
}

export function labelBody(world: World, repository: Repository, label: Label) {
  return {
    id: label.id,
    node_id: nodeId("Label", label.id),
    url: `${repositoryApiUrl(world, repository)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: false,
    description: null,
  };
}
