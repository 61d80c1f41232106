import { EngineError } from "../engine.ts";

/** Splits at blanks outside quotes. Quotes, escapes and variables stay in the words, for `expandWord`. */
export function splitWords(text: string, escapeChar = "\\"): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === escapeChar && quote !== "'" && at + 1 < text.length) {
      word += char + text[++at];
    } else if (quote === "" && /\s/.test(char)) {
      if (word !== "") words.push(word);
      word = "";
    } else {
      if (quote === char) quote = "";
      else if (quote === "" && (char === '"' || char === "'")) quote = char;
      word += char;
    }
  }
  return word === "" ? words : [...words, word];
}

/** `K=V` words, or the old form `K the rest of the line`, as ENV and LABEL take them. Values are not expanded yet. */
export function splitAssignments(text: string, escapeChar = "\\"): [key: string, value: string][] {
  const words = splitWords(text, escapeChar);
  const [first] = words;
  if (first === undefined) throw new EngineError("a name and a value are missing");
  if (!first.includes("=")) {
    const rest = text.trim().slice(first.length).trim();
    if (rest === "") throw new EngineError(`${first} has no value`);
    return [[first, rest]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 0) throw new EngineError(`${word} is not of the form name=value`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}
