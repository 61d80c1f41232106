/** The rules of single values that a type cannot say. Each answers nothing when the value is fine, else what is wrong and how to mend it. */
import { parsePattern } from "../core/config/pattern.ts";
import { formatTemplate, parseTemplate, templateVariables } from "../core/config/template.ts";
import { plain, show } from "./show.ts";

export interface Fault {
  readonly message: string;
  readonly fix: string;
}

export type Check = (text: string) => Fault | undefined;

/** A check by regular expression; the same expression goes into the JSON Schema. */
export function matching(pattern: RegExp, what: string, fix: string): Check {
  return (text) => (pattern.test(text) ? undefined : { message: `${show(text)} is not ${what}`, fix });
}

/** OCI distribution spec, "Pulling manifests"; the separators never match nothing, so the work is linear. */
const repositoryPath = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

export const repositoryFault: Check = (text) => {
  const host = text.split("/")[0] as string;
  if (/\.azurecr\.(io|cn|us)$/i.test(host))
    return {
      message: `${show(text)} names a registry`,
      fix: "leave the host out; `registry` says which registry is meant",
    };
  if (/[:@]/.test(text))
    return { message: `${show(text)} has a tag or a digest`, fix: "give the repository only; tags go under `tags`" };
  if (text !== text.toLowerCase())
    return { message: `${show(text)} has upper case letters`, fix: `write ${show(text.toLowerCase())}` };
  if (text.length <= 255 && repositoryPath.test(text)) return undefined;
  return {
    message: `${show(text)} is not the name of an image repository`,
    fix: "use lower case letters and digits, single `.`, `_` or `-` between them, `/` between parts, at most 255 characters",
  };
};

/** A path inside the source repository. ACR hands it to a shell, so its characters come from a closed set. */
export const sourcePathFault: Check = (text) => {
  if (text === "") return { message: "the path is empty", fix: 'write "." for the root' };
  if (text.length > 400) return { message: "the path is longer than 400 characters", fix: "use a shorter path" };
  if (text.includes("\\")) return { message: `${show(text)} has a backslash`, fix: "separate folders with `/`" };
  if (text.startsWith("/"))
    return { message: `${show(text)} is an absolute path`, fix: "make it relative, without the leading `/`" };
  if (text.split("/").includes(".."))
    return {
      message: `${show(text)} leaves its folder with \`..\``,
      fix: "name a folder inside the source repository",
    };
  const refused = Array.from(text).find((character) => !/^[A-Za-z0-9_./@+-]$/.test(character));
  if (refused !== undefined)
    return {
      message: `${show(text)} has the character ${show(refused)}, which does not travel safely to ACR`,
      fix: "rename it; letters, digits and `_ . / @ + -` are allowed",
    };
  if (normalPath(text).startsWith("-"))
    return { message: `${show(text)} starts with \`-\` and would be read as an option`, fix: "rename it" };
  return undefined;
};

/** "./images//web/" is "images/web"; the root is "". */
export function normalPath(text: string): string {
  return text
    .split("/")
    .filter((segment) => segment !== "" && segment !== ".")
    .join("/");
}

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

/** A command, or one word of it. ACR renders Go templates over the whole task before anything else, so `{{` has no safe spelling. */
export const commandFault: Check = (text) => {
  if (text.includes("{{"))
    return { message: "`{{` is not allowed in a test", fix: "put the command into a script inside the image" };
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text))
    return {
      message: "a test command has a line break or another control character",
      fix: "write one command per list entry",
    };
  if (text.length > 2000)
    return { message: "a test command is longer than 2000 characters", fix: "put it into a script inside the image" };
  return undefined;
};

export const wholeCommandFault: Check = (text) =>
  text.trim() === ""
    ? { message: "the test command is empty", fix: "write a command, such as `node --version`, or remove it" }
    : commandFault(text);

/** A pattern of a filter or a publish rule. */
export const patternFault: Check = (text) => {
  if (text.length > 400) return { message: "the pattern is longer than 400 characters", fix: "use a shorter pattern" };
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text))
    return { message: `the pattern ${show(text)} has a control character`, fix: "remove it" };
  const parsed = parsePattern(text);
  return parsed.ok
    ? undefined
    : {
        message: `the pattern ${show(text)} cannot be read: ${parsed.problem}`,
        fix: "put a `\\` before a character that is meant literally",
      };
};

export const refPatternFault: Check = (text) => {
  const prefix = /^!?refs\/(heads|tags)\//.exec(text)?.[0];
  if (prefix)
    return {
      message: `the pattern ${show(text)} is a full ref`,
      fix: `write the name only: ${show(text.replace(/refs\/(heads|tags)\//, ""))}`,
    };
  return patternFault(text);
};

export const pathPatternFault: Check = (text) => {
  if (/^!?\.?\//.test(text))
    return {
      message: `the pattern ${show(text)} does not start at a folder name`,
      fix: "paths are relative to the root of the source repository, without a leading `/` or `./`",
    };
  return patternFault(text);
};

const secondsByUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** "90s", "30m" or "2h" in seconds; undefined when it is no such thing. */
export function parseDuration(text: string): number | undefined {
  const match = /^([0-9]{1,6})([smh])$/.exec(text);
  return match ? Number(match[1]) * (secondsByUnit[match[2] as string] as number) : undefined;
}

/** ACR's own bounds for a run: 300 to 28800 seconds. https://learn.microsoft.com/rest/api/container-registry/registries/schedule-run */
export const timeoutFault: Check = (text) => {
  const seconds = parseDuration(text);
  if (seconds === undefined)
    return { message: `${show(text)} is not a duration`, fix: "write a whole number and a unit: 600s, 30m or 2h" };
  if (seconds < 300 || seconds > 28800)
    return { message: `a timeout of ${text} is outside what ACR allows`, fix: "choose between 5m and 8h" };
  return undefined;
};

/** Five fields, loosely: what each may hold is checked when schedules are acted on. */
export const cronFault: Check = (text) => {
  const fields = text.split(" ").filter((field) => field !== "");
  if (text.length <= 100 && fields.length === 5 && fields.every((field) => /^[0-9A-Za-z*,/-]+$/.test(field)))
    return undefined;
  return {
    message: `${show(text)} is not a cron expression of five fields`,
    fix: 'write minute, hour, day, month and weekday (UTC), as in "0 3 * * 1"',
  };
};

/** `from` of a publish rule, written as text. */
export const sourcePatternFault: Check = (text) => {
  if (/^[0-9]+$/.test(text))
    return { message: `${show(text)} is text, not an id`, fix: `remove the quotes: ${text.slice(0, 20)}` };
  if (text.split("/").length !== 2)
    return {
      message: `${show(text)} is not owner/name`,
      fix: "write a pattern such as acme/web-*, or the numeric id of the source repository",
    };
  return singlePatternFault(text);
};

export const singlePatternFault: Check = (text) => {
  if (text.startsWith("!"))
    return {
      message: `the pattern ${show(text)} takes away, and there is nothing to take from`,
      fix: "list what is allowed; everything else is denied",
    };
  return patternFault(text);
};

/** The rules of lists, `at` the entry that breaks them. */
type ListCheck = (entries: readonly string[]) => (Fault & { readonly at: number }) | undefined;

export const repetitionFault: ListCheck = (entries) => {
  const at = entries.findIndex((entry, index) => entries.map(formatted).indexOf(formatted(entry)) < index);
  return at < 0 ? undefined : { at, message: `${show(entries[at])} is listed twice`, fix: "keep one of them" };
};

export const onlyNegativeFault: ListCheck = (entries) => {
  if (entries.length === 0 || entries.some((entry) => !entry.startsWith("!"))) return undefined;
  return {
    at: 0,
    message: "all patterns take away, so nothing would ever match",
    fix: 'add a pattern without `!` before them, such as "**"',
  };
};

export const severalPlatformsFault: ListCheck = (entries) => {
  if (entries.length < 2) return undefined;
  return {
    at: 1,
    message: "an image for several platforms cannot be built yet",
    fix: "keep one platform, or make an image of its own for each",
  };
};
