/** The rules of tags and build arguments. */
import { formatTemplate, parseTemplate, templateVariables } from "../core/config/template.ts";
import type { Check, Fault, ListCheck } from "./fault.ts";
import { plain, show } from "./show.ts";

const variableList = templateVariables.map((name) => `{{${name}}}`).join(" ");

/** What goes wrong in any template; `allowed` says which characters may stand outside the braces. */
function templateFault(text: string): Fault | undefined {
  if (text.length > 1000) return { message: "the template is longer than 1000 characters", fix: "shorten it" };
  const parsed = parseTemplate(text);
  if (parsed.ok) return undefined;
  switch (parsed.problem) {
    case "unclosed":
      return { message: `\`{{\` has no matching \`}}\` in ${show(text)}`, fix: "close it, as in {{branch}}" };
    case "unopened":
      return { message: `\`}}\` has no matching \`{{\` in ${show(text)}`, fix: "open it, as in {{branch}}" };
    case "unknown-variable":
      return { message: `\`{{${plain(parsed.text)}}}\` is not a variable`, fix: `use one of ${variableList}` };
    case "literal":
      return {
        message: `${show(parsed.text)} has characters that do not travel safely to ACR`,
        fix: "use letters, digits and `_ . / : @ = + , -` only",
      };
  }
}

/** Call only with a template that parses. */
function hasRun(text: string): boolean {
  const parsed = parseTemplate(text);
  return parsed.ok && parsed.parts.some((part) => "variable" in part && part.variable === "run");
}

export const buildArgFault: Check = (text) => {
  const fault = templateFault(text);
  if (fault) return fault;
  if (!hasRun(text)) return undefined;
  return {
    message: "{{run}} is not allowed in build arguments",
    fix: "remove it; it differs each time and would defeat the layer cache",
  };
};

/** A tag's literal parts are a tag's own characters. OCI distribution spec: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`. */
function tagFault(text: string): Fault | undefined {
  if (text === "") return { message: "the tag is empty", fix: "write a tag, such as {{ref_name}}" };
  const fault = templateFault(text);
  if (fault) return fault;
  const parsed = parseTemplate(text);
  const parts = parsed.ok ? parsed.parts : [];
  const literals = parts.flatMap((part) => ("literal" in part ? [part.literal] : []));
  const wrong = literals.find((literal) => !/^[A-Za-z0-9._-]*$/.test(literal));
  if (wrong !== undefined)
    return { message: `${show(wrong)} cannot be part of a tag`, fix: "use letters, digits and `_ . -` only" };
  if (/^[.-]/.test(text))
    return {
      message: `${show(text)} starts with \`${text[0]}\``,
      fix: "start a tag with a letter, a digit, `_` or a variable",
    };
  if (literals.join("").length > 128) return { message: "the tag is longer than 128 characters", fix: "shorten it" };
  return undefined;
}

export const stableTagFault: Check = (text) => {
  const fault = tagFault(text);
  if (fault) return fault;
  if (!hasRun(text)) return undefined;
  return {
    message: "{{run}} is not allowed in a stable tag",
    fix: "move it to `tags.unique`; a stable tag keeps its name and moves",
  };
};

export const uniqueTagFault: Check = (text) => {
  const fault = tagFault(text);
  if (fault || hasRun(text)) return fault;
  return {
    message: `${show(text)} would be pushed more than once: it has no {{run}}`,
    fix: `add {{run}}, as in ${show(`${formatted(text)}-{{run}}`)}, or move it to \`tags.stable\``,
  };
};

/** The canonical spelling of a template; what does not parse is left alone. */
export function formatted(text: string): string {
  const parsed = parseTemplate(text);
  return parsed.ok ? formatTemplate(parsed.parts) : text;
}

export const repetitionFault: ListCheck = (entries) => {
  const seen = new Set<string>();
  for (const [at, entry] of entries.entries()) {
    if (seen.has(formatted(entry))) return { at, message: `${show(entry)} is listed twice`, fix: "keep one of them" };
    seen.add(formatted(entry));
  }
  return undefined;
};
