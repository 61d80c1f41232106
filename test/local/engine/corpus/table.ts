import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { engineNames } from "../../../../local/engine/engine.ts";

export interface Row {
  readonly name: string;
  readonly result: "same" | "differs" | "failed" | "skipped";
  /** Why it differs. */
  readonly why?: string;
}

/** Not in git. */
const folder = join(import.meta.dirname, "../../../../coverage/engines");

/** Keeps one engine's column and writes the table of all engines whose corpus was last run whole here: coverage/engines/table.md. */
export async function keepColumn(engine: string, rows: readonly Row[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${engine}.json`), JSON.stringify(rows));
  await writeFile(join(folder, "table.md"), await table());
  const count = (result: Row["result"]) => rows.filter((row) => row.result === result).length;
  console.log(
    `engine corpus, ${engine}: ${count("same")} of ${rows.length} as expected, ${count("differs")} known deviations, ` +
      `${count("failed")} failed, ${count("skipped")} skipped`,
  );
}

async function table(): Promise<string> {
  const kept = await readdir(folder);
  const engines = engineNames.filter((name) => kept.includes(`${name}.json`));
  const columns = await Promise.all(
    engines.map(async (name) => JSON.parse(await readFile(join(folder, `${name}.json`), "utf8")) as Row[]),
  );
  const names = [...new Set(columns.flatMap((rows) => rows.map(({ name }) => name)))];
  const lines = names.map((name) => {
    const cells = columns.map((rows) => {
      const row = rows.find((candidate) => candidate.name === name);
      return row?.why ? `${row.result}: ${row.why}` : (row?.result ?? "");
    });
    return `| ${[name, ...cells].map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  const rule = `|${"---|".repeat(engines.length + 1)}`;
  return `${[`| Case | ${engines.join(" | ")} |`, rule, ...lines].join("\n")}\n`;
}
