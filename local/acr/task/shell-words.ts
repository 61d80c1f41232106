import { TaskError } from "./task-error.ts";

/**
 * Splits as `/bin/sh -c` would, because ACR's engine pastes `build:` and `cmd:` behind `docker run` and hands the line to a
 * shell on its own machine: quotes and backslashes work, variables are the engine's and so almost always empty.
 * What would start a second command there is refused rather than run differently: operators, `$(…)` and backticks.
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html
 */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  const add = (text: string) => {
    word = (word ?? "") + text;
  };

  while (at < line.length) {
    const char = line[at]!;
    if (char === " " || char === "\t") {
      if (word !== undefined) words.push(word);
      word = undefined;
      at += 1;
    } else if (char === "\n") {
      // A block scalar ends with a line end; anything after it would be a command of its own.
      if (line.slice(at).trim() !== "") refuse("a line end between commands");
      at = line.length;
    } else if (char === "#" && word === undefined) {
      at = endOfLine(line, at);
    } else if (char === "'") {
      const end = line.indexOf("'", at + 1);
      if (end < 0) throw new TaskError("/bin/sh: 1: Syntax error: Unterminated quoted string");
      add(line.slice(at + 1, end));
      at = end + 1;
    } else if (char === '"') {
      const quoted = expanded(line, at + 1, '"');
      if (quoted.end > line.length) throw new TaskError("/bin/sh: 1: Syntax error: Unterminated quoted string");
      add(quoted.text);
      at = quoted.end;
    } else if (char === "\\") {
      // A backslash before a line end joins the lines.
      if (line[at + 1] !== "\n") add(line[at + 1] ?? "\\");
      at += 2;
    } else if (char === "$") {
      const end = endOfVariable(line, at);
      // An empty variable alone leaves no word at all; `$` alone is itself.
      if (end === at + 1) add("$");
      at = end;
    } else if ("|&;<>()`".includes(char)) {
      refuse(JSON.stringify(char));
    } else {
      add(char);
      at += 1;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** What a here-document ended by `mark` holds: variables are lost, as between double quotes. */
export function hereDocument(text: string, mark: string): string {
  const lines = expanded(text, 0, undefined).text;
  if (text.split("\n").includes(mark)) refuse(`a line ${mark}, which ends the here-document`);
  return `${lines}\n`;
}

/** Up to `quote`, or to the end, where `end` lies behind it. Backslashes and `$` mean the same in both. */
function expanded(line: string, start: number, quote: '"' | undefined): { text: string; end: number } {
  let text = "";
  let at = start;
  while (at < line.length) {
    const char = line[at]!;
    if (char === quote) return { text, end: at + 1 };
    if (char === "`") refuse("a backtick");
    if (char === "\\" && at + 1 < line.length && `$\`\\\n${quote ?? ""}`.includes(line[at + 1]!)) {
      if (line[at + 1] !== "\n") text += line[at + 1];
      at += 2;
    } else if (char === "$") {
      const end = endOfVariable(line, at);
      if (end === at + 1) text += "$";
      at = end;
    } else {
      text += char;
      at += 1;
    }
  }
  return { text, end: line.length + 1 };
}

/** Where the variable at `at` ends; `at + 1` when the `$` begins none. */
function endOfVariable(line: string, at: number): number {
  if (line[at + 1] === "(") refuse("$( )");
  const plain = /^\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})/.exec(line.slice(at));
  if (plain) return at + plain[0].length;
  if (/[{0-9@*#?$!-]/.test(line[at + 1] ?? "")) refuse(`$${line[at + 1]}`);
  return at + 1;
}

function endOfLine(line: string, at: number): number {
  const end = line.indexOf("\n", at);
  return end < 0 ? line.length : end;
}

function refuse(what: string): never {
  throw new TaskError(
    `unquoted shell syntax (${what}): ACR would hand it to the shell of its own machine, not to the container. ` +
      "Quote it, for example: cmd: IMAGE sh -c 'first && second'",
  );
}
