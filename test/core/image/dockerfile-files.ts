/** One thing that a careless parser reads again and again, repeated until the file has the size. */
export const files: readonly (readonly [string, (size: number) => string])[] = [
  ["stages in a chain", (n) => fill(n, (i) => (i === 0 ? "FROM a AS s0\n" : `FROM s${i - 1} AS s${i}\n`))],
  ["stages of one name", (n) => fill(n, () => "FROM s AS s\n")],
  ["copies from images", (n) => `FROM a\n${fill(n, (i) => `COPY --from=i${i} a b\n`)}`],
  ["copies from one stage", (n) => `FROM a\nFROM b\n${fill(n, () => "COPY --from=0 a b\n")}`],
  [
    "every stage copies from the one before",
    (n) => fill(n, (i) => `FROM a\nCOPY --from=${Math.max(0, i - 1)} a b\n`.slice(0, i === 0 ? 7 : undefined)),
  ],
  [
    "ONBUILD triggers inherited by many stages",
    (n) => `FROM a AS s\n${fill(n / 2, () => "ONBUILD COPY --from=x a b\n")}${fill(n / 2, () => "FROM s\n")}`,
  ],
  ["ARGs used by every FROM", (n) => `${fill(n / 2, (i) => `ARG A${i}=x\n`)}${fill(n / 2, (i) => `FROM $A${i}\n`)}`],
  ["comments", (n) => `FROM a\n${fill(n, () => "#\n")}`],
  ["blank lines inside a continuation", (n) => `FROM a\nRUN a \\\n${fill(n, () => "\n")}`],
  ["one continued RUN", (n) => `FROM a\nRUN true \\\n${fill(n, () => "a b c d e f g \\\n")}`],
  ["one continued FROM", (n) => `FROM \\\n${fill(n, () => "a \\\n")}`],
  ["one continued ARG", (n) => `ARG \\\n${fill(n, (i) => `A${i}=1 \\\n`)}\nFROM a`],
  ["flags", (n) => `FROM a\nRUN \\\n${fill(n, () => "--x='y' \\\n")}`],
  ["mounts in one instruction", (n) => `FROM a\nRUN \\\n${fill(n, () => "--mount=from=b,target=/x \\\n")}`],
  ["fields of one mount", (n) => `FROM a\nRUN --mount=\\\n${fill(n, () => 'a=\\"b\\",\\\n')}`],
  ["heredocs", (n) => `FROM a\n${fill(n, () => "RUN <<E\nE\n")}`],
  ["one long heredoc", (n) => `FROM a\nRUN <<E\n${fill(n, () => "FROM x\n")}E\n`],
  ["an opening of blanks", (n) => `FROM a\nRUN << \\\n${fill(n, () => `${" ".repeat(60)}\\\n`)}<\n`],
  ["quotes that never close", (n) => `FROM a\nRUN << \\\n${fill(n, () => "' \"\\\n")}`],
  ["braces that never close", (n) => `FROM a\nRUN << \\\n${fill(n, () => "${a:-\\\n")}`],
  ["exec form with brackets", (n) => `FROM a\nRUN [<< \\\n${fill(n, () => "[[[[[[[[\\\n")}`],
  ["directives", (n) => `# syntax=a\n${fill(n, () => "# x=          y         z         \n")}FROM a`],
  ["JSON", (n) => `{"syntax":"a","b":"${fill(n, () => "x")}"}`],
  ["a reference of many parts", (n) => `FROM a\\\n${fill(n, () => "/a-\\\n")}`],
  ["stage names", (n) => `FROM a AS b\\\n${fill(n, () => "-.\\\n")}!`],
];

/** Whose work is in one line, that our parsers read as a whole. */
export const oneLogicalLine: ReadonlySet<string> = new Set([
  "one continued RUN",
  "one continued FROM",
  "one continued ARG",
  "flags",
  "mounts in one instruction",
  "fields of one mount",
  "one long heredoc",
  "an opening of blanks",
  "quotes that never close",
  "braces that never close",
  "exec form with brackets",
  "directives",
  "JSON",
  "a reference of many parts",
  "stage names",
]);

/** As many units as the size has room for. */
export function fill(size: number, unit: (index: number) => string): string {
  const units: string[] = [];
  for (let length = 0, index = 0; ; index++) {
    const next = unit(index);
    length += next.length;
    if (length > size) return units.join("");
    units.push(next);
  }
}
