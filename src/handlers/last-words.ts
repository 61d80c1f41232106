/**
 * The line of a failed run's log that says why, for a status and a list: the last output before ACR's own closing lines.
 * Redacted, because builds print what they like.
 */
import { redact } from "../redact.ts";

const acrLine = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /;
const closing = /^(Run ID: |Container failed during run|failed to run step ID|The following dependencies were found)/;
const longest = 300;

export function lastWords(log: string): string | undefined {
  const lines = log
    .split(/\r?\n/)
    .map((line) => stripControl(line).trim())
    .filter((line) => line !== "" && !acrLine.test(line) && !closing.test(line));
  const last = lines.at(-1);
  return last === undefined ? undefined : redact(last).slice(0, longest);
}

/** Terminal colours and other control or direction characters would let a build forge what a reader sees. */
export function stripControl(text: string): string {
  return text
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
}
