import type { ConfigProblem } from "./definition.ts";

/** A mistake in a configuration file as one line for people. */
export function problemText(file: string, problem: ConfigProblem): string {
  return `${problemPlace(file, problem)}: ${problem.message}; ${problem.fix}`;
}

/** The file as a whole has no key. */
export function problemPlace(file: string, { line, key }: ConfigProblem): string {
  return `${file} line ${line}${key ? `, ${key}` : ""}`;
}
