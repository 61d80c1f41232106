import { EngineError } from "../../engine.ts";
import { splitAssignments, splitWords } from "../split-words.ts";
import { healthcheck } from "./healthcheck.ts";
import type { InstructionCall, InstructionHandler } from "./instruction-call.ts";

/** The instructions that change the configuration only. https://docs.docker.com/reference/dockerfile/ */
export const configuring: Readonly<Record<string, InstructionHandler>> = {
  ENV: ({ stage, instruction }) => {
    // Every value sees the environment as it was before the instruction.
    const values = splitAssignments(instruction.text, stage.escapeChar).map(
      ([name, value]) => [name, stage.expand(value)] as const,
    );
    for (const [name, value] of values) stage.setVariable(name, value);
  },
  LABEL: ({ stage, instruction }) => {
    const labels = splitAssignments(instruction.text, stage.escapeChar).map(
      ([name, value]) => [stage.expand(name), stage.expand(value)] as const,
    );
    stage.config.Labels = { ...stage.config.Labels, ...Object.fromEntries(labels) };
  },
  ARG: ({ stage, instruction, buildArg, globalArg }) => {
    for (const word of splitWords(instruction.text, stage.escapeChar)) {
      const [name = "", initial] = splitDefault(word);
      const value = buildArg(name) ?? (initial === undefined ? globalArg(name) : stage.expand(initial));
      if (value === undefined) stage.args.delete(name);
      else stage.args.set(name, value);
    }
  },
  USER: ({ stage, instruction }) => {
    stage.config.User = stage.expand(instruction.text);
  },
  EXPOSE: ({ stage, instruction }) => {
    for (const word of splitWords(instruction.text, stage.escapeChar)) {
      const port = stage.expand(word);
      if (!/^\d+(-\d+)?(\/(tcp|udp|sctp))?$/.test(port)) throw new EngineError(`EXPOSE: ${port} is not a port`);
      stage.config.ExposedPorts = { ...stage.config.ExposedPorts, [port.includes("/") ? port : `${port}/tcp`]: {} };
    }
  },
  VOLUME: ({ stage, instruction }) => {
    for (const path of instruction.json ?? splitWords(instruction.text, stage.escapeChar)) {
      stage.config.Volumes = { ...stage.config.Volumes, [stage.expand(path)]: {} };
    }
  },
  ENTRYPOINT: (call) => {
    call.stage.config.Entrypoint = commandOf(call);
    if (!call.stage.cmdIsOwn) call.stage.config.Cmd = null;
  },
  CMD: (call) => {
    call.stage.config.Cmd = commandOf(call);
    call.stage.cmdIsOwn = true;
  },
  SHELL: ({ stage, instruction }) => {
    if (!instruction.json || instruction.json.length === 0) throw new EngineError("SHELL takes a JSON list of strings");
    stage.config.Shell = [...instruction.json];
  },
  STOPSIGNAL: ({ stage, instruction }) => {
    stage.config.StopSignal = stage.expand(instruction.text);
  },
  HEALTHCHECK: healthcheck,
  ONBUILD: ({ stage, instruction }) => {
    if (/^(ONBUILD|FROM|MAINTAINER)\b/i.test(instruction.text)) throw new EngineError("ONBUILD cannot hold this");
    if (/\s<<-?["']?\w/.test(instruction.text)) throw new EngineError("ONBUILD cannot hold a here-document here");
    stage.config.OnBuild = [...(stage.config.OnBuild ?? []), instruction.text];
  },
  MAINTAINER: ({ stage, instruction }) => {
    stage.author = instruction.text;
  },
};

/** The exec form as it is, the shell form as an argument of the shell. Neither is expanded. */
export function commandOf({ stage, instruction }: Pick<InstructionCall, "stage" | "instruction">): string[] {
  if (instruction.json) return [...instruction.json];
  return [...(stage.config.Shell ?? ["/bin/sh", "-c"]), instruction.text];
}

function splitDefault(word: string): [name: string, initial: string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}
