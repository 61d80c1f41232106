/** An image name taken apart as ACR's dependency list shows it. */
export interface ImageReference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
  /** As written, with `:latest` added. */
  readonly reference: string;
}

export const dockerHub = "registry.hub.docker.com";

// The grammar of github.com/distribution/reference, which the engine uses without Docker's normalisation.
const domain =
  /(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?/;
const component = /[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/;
const path = `${component.source}(?:/${component.source})*`;
const grammar = new RegExp(
  `^(?:(?<domain>${domain.source})/)?(?<path>${path})(?::(?<tag>\\w[\\w.-]{0,127}))?` +
    "(?:@(?<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$",
);

/**
 * Undefined when the text is no reference. A first part without a dot is not taken for a registry, so `localhost:5000/x`
 * reads as an image on Docker Hub: that is ACR's own scanner, kept as it is.
 */
export function parseImageReference(text: string): ImageReference | undefined {
  const groups = grammar.exec(text)?.groups;
  if (!groups?.path) return undefined;
  const first = groups.domain ?? "";
  const onHub = !first.includes(".");
  const repository = onHub ? `${first || "library"}/${groups.path}` : groups.path;
  return {
    registry: onHub ? dockerHub : first,
    repository,
    ...(groups.tag && { tag: groups.tag }),
    ...(groups.digest && { digest: groups.digest }),
    reference: text,
  };
}

/**
 * Adds `:latest` where neither tag nor digest is written. The engine looks for any colon; a login server with a port, which
 * only a local twin has, must not count as one.
 */
export function addLatest(reference: string): string {
  const name = reference.slice(reference.lastIndexOf("/") + 1);
  return reference.includes("@") || name.includes(":") ? reference : `${reference}:latest`;
}
