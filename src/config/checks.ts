/** The rules of single values: names, paths, commands, times. Templates and patterns have files of their own. */
import { repositoryProblem } from "../core/image/repository.ts";
import type { Check, ListCheck } from "./fault.ts";
import { show } from "./show.ts";

/** A check by regular expression; the same expression goes into the JSON Schema. */
export function matching(pattern: RegExp, what: string, fix: string): Check {
  return (text) => (pattern.test(text) ? undefined : { message: `${show(text)} is not ${what}`, fix });
}

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
  const message = repositoryProblem(text);
  return message === undefined ? undefined : { message, fix: "name it as in platform/node-base" };
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

export const dockerfileFault: Check = (text) => {
  const fault = sourcePathFault(text);
  if (fault || normalPath(text) !== "") return fault;
  return { message: `${show(text)} is a folder`, fix: "name the Dockerfile itself, relative to `context`" };
};

/** "./images//web/" is "images/web"; the root is "". */
export function normalPath(text: string): string {
  return text
    .split("/")
    .filter((segment) => segment !== "" && segment !== ".")
    .join("/");
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

export const severalPlatformsFault: ListCheck = (entries) => {
  if (entries.length < 2) return undefined;
  return {
    at: 1,
    message: "an image for several platforms cannot be built yet",
    fix: "keep one platform, or make an image of its own for each",
  };
};
