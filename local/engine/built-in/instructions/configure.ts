import { constants } from "node:os";
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
    if (instruction.text === "") throw new EngineError("no user is given");
    stage.config.User = stage.expand(instruction.text);
  },
  EXPOSE: ({ stage, instruction }) => {
    const words = splitWords(instruction.text, stage.escapeChar).flatMap((word) => stage.expand(word).split(/\s+/));
    const ports = words.filter((word) => word !== "").flatMap(portsOf);
    stage.config.ExposedPorts = {
      ...stage.config.ExposedPorts,
      ...Object.fromEntries(ports.map((port) => [port, {}])),
    };
  },
  VOLUME: ({ stage, instruction }) => {
    const paths = instruction.json ?? splitWords(instruction.text, stage.escapeChar);
    if (paths.length === 0) throw new EngineError("no folder is given");
    for (const path of paths) {
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
    const signal = stage.expand(instruction.text);
    if (!isSignal(signal)) throw new EngineError(`${JSON.stringify(signal)} is not a signal`);
    stage.config.StopSignal = signal;
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

/** A range stands for each of its ports. */
function portsOf(text: string): string[] {
  const [, from, to = from, protocol = "tcp"] =
    /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(text.toLowerCase()) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (!(first <= last && last <= 65_535)) throw new EngineError(`${text} is not a port`);
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}/${protocol}`);
}

/** A number, or a name with `SIG` or without; those of real time count from either end. */
function isSignal(text: string): boolean {
  const name = text.toUpperCase().replace(/^SIG/, "");
  if (/^\d+$/.test(name)) return Number(name) > 0 && Number(name) <= 64;
  return `SIG${name}` in constants.signals || /^RTM(IN(\+\d+)?|AX(-\d+)?)$/.test(name);
}

function splitDefault(word: string): [name: string, initial: string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}
