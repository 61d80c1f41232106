/** `repository:team/web:pull,push` or `registry:catalog:*`, https://distribution.github.io/distribution/spec/auth/scope/ */
export interface Scope {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** Several scopes may come in one parameter, split by blanks, or in several. What is no scope is left out. */
export function parseScopes(texts: readonly string[]): Scope[] {
  return texts.flatMap((text) => text.split(" ").flatMap((scope) => parseScope(scope) ?? []));
}

/** A name may hold `:` (a host with a port), so type ends at the first colon and actions start after the last. */
function parseScope(text: string): Scope | undefined {
  const match = /^([a-z]+):(.+):([a-z_*,]*)$/.exec(text);
  if (!match) return undefined;
  return { type: match[1]!, name: match[2]!, actions: match[3]!.split(",").filter((action) => action !== "") };
}

export function formatScope(scope: Scope): string {
  return `${scope.type}:${scope.name}:${scope.actions.join(",")}`;
}

/** True when every action needed was granted for that very name; `*` grants all. */
export function covers(granted: readonly Scope[], needed: Scope): boolean {
  const actions = granted
    .filter(({ type, name }) => type === needed.type && name === needed.name)
    .flatMap((scope) => scope.actions);
  return actions.includes("*") || needed.actions.every((action) => actions.includes(action));
}
