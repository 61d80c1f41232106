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
  if (words[0] !== undefined && !words[0].includes("=")) {
    const rest = text.trim().slice(words[0].length).trim();
    return [[words[0], rest]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    return equals < 0 ? [word, ""] : [word.slice(0, equals), word.slice(equals + 1)];
  });
}
