/**
 * The templates of slipway.yaml (tags and build arguments): text with `{{variable}}` in it, nothing else.
 * They end up in ACR's own templates and in a shell, so the literal parts come from a closed set of characters.
 */

/** What a template may name. `ref_name` is the branch or the Git tag, whichever the ref is. */
export const templateVariables = [
  "registry",
  "image",
  "branch",
  "git_tag",
  "ref_name",
  "sha",
  "short_sha",
  "run",
] as const;

export type TemplateVariable = (typeof templateVariables)[number];

export type TemplatePart = { readonly literal: string } | { readonly variable: TemplateVariable };

export type ParsedTemplate =
  | { readonly ok: true; readonly parts: readonly TemplatePart[] }
  | {
      readonly ok: false;
      readonly problem: "unclosed" | "unopened" | "unknown-variable" | "literal";
      readonly text: string;
    };

/** Safe in `/bin/sh -c` and in Go templates: no blank, quote, `$`, backtick, `;` or brace. */
const literalText = /^[A-Za-z0-9_./:@=+,-]*$/;

/** Splits a template into its parts, or says which piece is wrong. Blanks inside the braces are allowed. */
export function parseTemplate(text: string): ParsedTemplate {
  const parts: TemplatePart[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("{{", at);
    const literal = text.slice(at, open < 0 ? undefined : open);
    if (literal.includes("}}")) return { ok: false, problem: "unopened", text: literal };
    if (!literalText.test(literal)) return { ok: false, problem: "literal", text: literal };
    if (literal !== "") parts.push({ literal });
    if (open < 0) break;
    const close = text.indexOf("}}", open + 2);
    if (close < 0) return { ok: false, problem: "unclosed", text: text.slice(open) };
    const name = text.slice(open + 2, close).trim();
    const variable = templateVariables.find((known) => known === name);
    if (!variable) return { ok: false, problem: "unknown-variable", text: name };
    parts.push({ variable });
    at = close + 2;
  }
  return { ok: true, parts };
}

/** The one way to write a template: no blanks inside the braces. */
export function formatTemplate(parts: readonly TemplatePart[]): string {
  return parts.map((part) => ("literal" in part ? part.literal : `{{${part.variable}}}`)).join("");
}
