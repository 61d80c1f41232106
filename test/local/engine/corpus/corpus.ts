import type { Case } from "./case.ts";
import { files } from "./files.ts";
import { running } from "./running.ts";
import { words } from "./words.ts";

export const corpus: readonly Case[] = [...words, ...files, ...running];

/** Does it take more than copying and writing things down? */
export function needsCommands({ dockerfile, before, prints }: Case): boolean {
  const lines = [...dockerfile, ...(before?.dockerfile ?? [])];
  return prints !== undefined || lines.some((line) => /^(ONBUILD )?RUN/.test(line));
}
