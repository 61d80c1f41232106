import { quote } from "./quote.ts";

/** https://github.com/distribution/reference: a repository path, its registry not counted. */
const maxPathLength = 255;

/** One part of a path. The dash separator must not match nothing, or matching takes exponential time. */
const component = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;

/** Why `path` (without registry, tag or digest) cannot name a repository, or undefined when it can. Upper case is refused, never folded. */
export function repositoryProblem(path: string): string | undefined {
  if (path === "") return "a repository name cannot be empty";
  if (path.length > maxPathLength)
    return `a repository name has at most ${maxPathLength} characters, not ${path.length}`;
  const wrong = path.split("/").find((part) => !component.test(part));
  if (wrong === undefined) return undefined;
  if (wrong === "") return `${quote(path)} has an empty part between slashes`;
  if (component.test(wrong.toLowerCase())) return `${quote(path)} must be lower case`;
  return `${quote(wrong)} is not a valid part of a repository name: a-z and 0-9, separated by ".", "_", "__" or dashes`;
}
