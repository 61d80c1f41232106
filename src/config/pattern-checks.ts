/** The rules of patterns, in filters and in publish rules. */
import { parsePattern } from "../core/config/pattern.ts";
import type { Check, ListCheck } from "./fault.ts";
import { show } from "./show.ts";

/** A pattern of a filter or a publish rule. */
const patternFault: Check = (text) => {
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

export const onlyNegativeFault: ListCheck = (entries) => {
  if (entries.length === 0 || entries.some((entry) => !entry.startsWith("!"))) return undefined;
  return {
    at: 0,
    message: "all patterns take away, so nothing would ever match",
    fix: 'add a pattern without `!` before them, such as "**"',
  };
};
