import { quote } from "./quote.ts";

/** A text with `{{name}}` in it, taken apart: literals and variables alternate as written. */
export type TemplatePart = { readonly literal: string } | { readonly variable: string };

export type TemplateResult =
  | { readonly ok: true; readonly parts: readonly TemplatePart[] }
  | { readonly ok: false; readonly message: string };

/** `{{name}}`, blanks inside the braces allowed; no functions, no pipes, no escape: a brace pair left over is an error. */
export function parseTemplate(template: string): TemplateResult {
  const parts: TemplatePart[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf("{{", at);
    const literal = template.slice(at, open < 0 ? undefined : open);
    if (literal.includes("}}")) return { ok: false, message: `${quote(template)} has "}}" without "{{" before it` };
    if (literal !== "") parts.push({ literal });
    if (open < 0) break;
    const close = template.indexOf("}}", open);
    if (close < 0) return { ok: false, message: `${quote(template)} has "{{" without "}}" after it` };
    parts.push({ variable: template.slice(open + 2, close).trim() });
    at = close + 2;
  }
  return { ok: true, parts };
}
