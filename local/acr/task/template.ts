import { TaskError } from "./task-error.ts";

export interface TemplateData {
  readonly [key: string]: string | TemplateData;
}

const action = /\{\{(-?)((?:[^}"`]|"(?:[^"\\]|\\.)*"|`[^`]*`|\}(?!\}))*?)(-?)\}\}/gs;

/**
 * Renders the part of Go's text/template that task files live on: fields, string literals, comments and trim marks. Pipelines,
 * functions and `if`/`range` are refused with a message of the twin's own, so that nothing is rendered wrongly in silence.
 * A missing key of a map renders empty, as ACR's engine sets it up; going deeper into a missing key is an error, as in Go.
 */
export function renderTemplate(text: string, data: TemplateData): string {
  let out = "";
  let from = 0;
  let trimNext = false;
  for (const match of text.matchAll(action)) {
    const [whole, left, body, right] = match as unknown as [string, string, string, string];
    out += between(text.slice(from, match.index), trimNext, left === "-") + evaluate(body.trim(), data);
    trimNext = right === "-";
    from = match.index + whole.length;
  }
  const rest = text.slice(from);
  if (rest.includes("{{")) throw new TaskError("failed to parse template: unclosed action");
  return out + between(rest, trimNext, false);
}

function between(text: string, trimStart: boolean, trimEnd: boolean): string {
  if (text.includes("{{")) throw new TaskError("failed to parse template: unclosed action");
  const started = trimStart ? text.trimStart() : text;
  return trimEnd ? started.trimEnd() : started;
}

function evaluate(expression: string, data: TemplateData): string {
  if (/^\/\*.*\*\/$/s.test(expression)) return "";
  if (/^`[^`]*`$/.test(expression)) return expression.slice(1, -1);
  if (/^"(?:[^"\\]|\\.)*"$/s.test(expression)) return JSON.parse(expression) as string;
  if (/^(?:\.[A-Za-z_]\w*)+$/.test(expression)) return field(expression, data);
  throw new TaskError(
    `failed to parse template: {{${expression}}} is more than the local twin renders (fields, strings)`,
  );
}

function field(expression: string, data: TemplateData): string {
  let value: string | TemplateData | undefined = data;
  for (const key of expression.slice(1).split(".")) {
    if (value === undefined) {
      throw new TaskError(`failed to execute template: nil pointer evaluating interface {}.${key}`);
    }
    if (typeof value === "string") {
      throw new TaskError(`failed to execute template: can't evaluate field ${key} in type interface {}`);
    }
    value = Object.hasOwn(value, key) ? value[key] : undefined;
  }
  if (typeof value === "object") throw new TaskError(`failed to execute template: ${expression} is not a value`);
  return value ?? "";
}
