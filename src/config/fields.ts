/** Building blocks of both schemas. */
import * as z from "zod";
import { matching } from "./checks.ts";
import type { Check, ListCheck } from "./fault.ts";

/** Text under a check whose message and fix reach the author unchanged. */
export function text(check: Check) {
  return z.string().superRefine((value, context) => {
    const fault = check(value);
    if (fault) context.addIssue({ code: "custom", message: fault.message, params: { fix: fault.fix } });
  });
}

export function textMatching(pattern: RegExp, what: string, fix: string) {
  return text(matching(pattern, what, fix)).meta({ pattern: pattern.source });
}

/** A list on which a second rule holds once every entry is fine by itself. */
export function listOf(entry: z.ZodString, listFault: ListCheck) {
  return z.array(entry).superRefine((entries, context) => {
    const fault = listFault(entries);
    if (fault)
      context.addIssue({ code: "custom", path: [fault.at], message: fault.message, params: { fix: fault.fix } });
  });
}

/** Names a registry in both files. */
export const Alias = textMatching(
  /^[a-z0-9][a-z0-9-]{1,30}$/,
  "a registry alias",
  "use 2 to 31 lower case letters, digits and `-`, as in acmeprod",
);
