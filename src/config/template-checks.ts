/** The rules of tags and build arguments. */
import {
  isAllowedValue,
  renderTag,
  type TagVariables,
  templateVariableNames,
  templateVariables,
} from "../core/image/tags.ts";
import { parseTemplate, type TemplatePart } from "../core/image/template.ts";
import type { Check, Fault, ListCheck } from "./fault.ts";
import { plain, show } from "./show.ts";

type Read = { readonly parts: readonly TemplatePart[] } | { readonly fault: Fault };

/** What holds of any template: braces in pairs, known variables, and literal parts that ACR's shell and templates cannot take apart. */
function read(text: string): Read {
  if (text.length > 1000)
    return { fault: { message: "the template is longer than 1000 characters", fix: "shorten it" } };
  const parsed = parseTemplate(text);
  if (!parsed.ok) return { fault: { message: parsed.message, fix: "write variables as in {{branch}}" } };
  const known: readonly string[] = templateVariableNames;
  const unknown = templateVariables(text).find((name) => !known.includes(name));
  if (unknown !== undefined)
    return {
      fault: {
        message: `\`{{${plain(unknown)}}}\` is not a variable`,
        fix: `use one of ${known.map((name) => `{{${name}}}`).join(" ")}`,
      },
    };
  const unsafe = literals(parsed.parts).find((literal) => !isAllowedValue(literal));
  if (unsafe !== undefined)
    return {
      fault: {
        message: `${show(unsafe)} has characters that do not travel safely to ACR`,
        fix: "use letters, digits and `_ . / : @ = + , -` only",
      },
    };
  return { parts: parsed.parts };
}

function literals(parts: readonly TemplatePart[]): readonly string[] {
  return parts.flatMap((part) => ("literal" in part ? [part.literal] : []));
}

function hasRun(text: string): boolean {
  return templateVariables(text).includes("run");
}

export const buildArgFault: Check = (text) => {
  const template = read(text);
  if ("fault" in template) return template.fault;
  if (!hasRun(text)) return undefined;
  return {
    message: "{{run}} is not allowed in build arguments",
    fix: "remove it; it differs each time and would defeat the layer cache",
  };
};

/** Every variable with a value of usual length: what cannot be rendered with these is wrong for every run. */
const sample: TagVariables = {
  registry: "acmeprod.azurecr.io",
  image: "web",
  branch: "main",
  git_tag: "v1.0.0",
  ref_name: "main",
  sha: "0123456789abcdef0123456789abcdef01234567",
  short_sha: "0123456",
  run: "123",
};

/** A tag's literal parts are a tag's own characters. OCI distribution spec: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`. */
function tagFault(text: string): Fault | undefined {
  if (text === "") return { message: "the tag is empty", fix: "write a tag, such as {{ref_name}}" };
  const template = read(text);
  if ("fault" in template) return template.fault;
  const wrong = literals(template.parts).find((literal) => !/^[A-Za-z0-9._-]*$/.test(literal));
  if (wrong !== undefined)
    return { message: `${show(wrong)} cannot be part of a tag`, fix: "use letters, digits and `_ . -` only" };
  if (/^[.-]/.test(text))
    return {
      message: `${show(text)} starts with \`${text[0]}\``,
      fix: "start a tag with a letter, a digit, `_` or a variable",
    };
  const rendered = renderTag(text, sample);
  return rendered.ok ? undefined : { message: rendered.message, fix: "shorten it, or put `-` between its variables" };
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

/** The one way to write a template: no blanks inside the braces. What cannot be read is left alone. */
export function formatted(text: string): string {
  const parsed = parseTemplate(text);
  if (!parsed.ok) return text;
  return parsed.parts.map((part) => ("literal" in part ? part.literal : `{{${part.variable}}}`)).join("");
}

export const repetitionFault: ListCheck = (entries) => {
  const seen = new Set<string>();
  for (const [at, entry] of entries.entries()) {
    if (seen.has(formatted(entry))) return { at, message: `${show(entry)} is listed twice`, fix: "keep one of them" };
    seen.add(formatted(entry));
  }
  return undefined;
};
