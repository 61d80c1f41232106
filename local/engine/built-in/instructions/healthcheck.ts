import { EngineError } from "../../engine.ts";
import type { InstructionHandler } from "./instruction-call.ts";

const nanoseconds: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const options: Readonly<Record<string, string>> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
};

/** Recorded in the image; nothing here runs it. */
export const healthcheck: InstructionHandler = ({ stage, instruction }) => {
  const [, kind = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(instruction.text) ?? [];
  if (kind.toUpperCase() === "NONE") {
    stage.config.Healthcheck = { Test: ["NONE"] };
    return;
  }
  if (kind.toUpperCase() !== "CMD" || rest === "")
    throw new EngineError("HEALTHCHECK takes NONE, or CMD and a command");
  const durations = instruction.flags.flatMap(({ name, value }) => {
    const option = options[name];
    return option === undefined ? [] : [[option, parseDuration(value)] as const];
  });
  const retries = instruction.flags.find(({ name }) => name === "retries")?.value;
  stage.config.Healthcheck = {
    Test: listOf(rest) ?? ["CMD-SHELL", rest],
    ...Object.fromEntries(durations),
    ...(retries === undefined ? {} : { Retries: Number(retries) }),
  };
};

/** As everywhere, what is no valid list of strings is the shell form. */
function listOf(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((word) => typeof word === "string");
    return isList ? ["CMD", ...value] : undefined;
  } catch {
    return undefined;
  }
}

/** Go's `1m30s`. */
function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.map(([part]) => part).join("") !== text || text === "") {
    throw new EngineError(`HEALTHCHECK: ${JSON.stringify(text)} is not a duration`);
  }
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * nanoseconds[unit!]!, 0);
}
