/**
 * The screen as a pure function of what is known. Detail gives way when the terminal is low: first the bases, then all
 * reasons but the first, then GitHub's view.
 */
import { isEnded, type RunAnswer } from "./answers.ts";
import { formatLine, type Line, type Style, wrap } from "./line.ts";
import type { Seen } from "./read-product.ts";
import type { View } from "./view.ts";
import {
  describeBases,
  describeCause,
  describeDuration,
  describeEnd,
  describeOutcome,
  describeWait,
  isTelling,
  runDuration,
  shortDigest,
  withoutRegistry,
} from "./wording.ts";

export interface Size {
  readonly width: number;
  readonly rows: number;
  readonly colour: boolean;
}

type Detail = "full" | "no-bases" | "one-reason" | "short" | "bare";
const details: readonly Detail[] = ["full", "no-bases", "one-reason", "short", "bare"];

/** Where explanations begin, below a run's name. */
const indent = 11;
const noticesShown = 3;

export function renderFrame(view: View, size: Size): string[] {
  for (const detail of details) {
    const lines = frameLines(view, size.width, detail);
    if (lines.length <= size.rows || detail === "bare")
      return lines.slice(0, size.rows).map((line) => formatLine(line, size));
  }
  return [];
}

function frameLines(view: View, width: number, detail: Detail): Line[] {
  const gap: Line[] = detail === "bare" ? [] : [[]];
  const { seen, engine, starting } = view;
  return [
    [
      ["Slipway on this machine", "bold"],
      [`  ${describeDuration(view.now - view.startedAt).replace(/\.\d /, " ")}`, "dim"],
      [view.once ? "" : "  Ctrl-C stops it, nothing is lost", "dim"],
    ],
    ...(engine ? paragraph(`Engine ${engine.name}. ${engine.why}`, width, "dim") : []),
    ...(engine?.warning ? paragraph(engine.warning, width, "bad") : []),
    ...(starting ? [[[`Starting ${starting} …`, "busy"]] as Line] : []),
    ...view.notices.slice(-noticesShown).map((notice): Line => [[`• ${notice}`, "busy"]]),
    ...(view.errorLog ? [[[`Errors are in ${view.errorLog}`, "bad"]] as Line] : []),
    ...(seen ? [...gap, ...received(view, seen, detail), ...gap, ...runLines(view, seen, width, detail)] : []),
    ...(seen && (detail === "full" || detail === "no-bases" || detail === "one-reason")
      ? [...gap, ...onGitHub(seen, width)]
      : []),
    ...(view.next && seen && seen.open === 0 ? [...gap, ...tryNext(view.next, detail)] : []),
  ];
}

function received(view: View, seen: Seen, detail: Detail): Line[] {
  const decision = seen.decisions.find(isTelling);
  if (!decision)
    return [
      [
        ["Received  ", "dim"],
        ["nothing yet", "plain"],
      ],
    ];
  const outcome = describeOutcome(decision);
  return [
    [
      ["Received  ", "dim"],
      [withoutRegistry(describeCause(decision), view.registry), "plain"],
    ],
    ...(detail === "bare" ? outcome.slice(0, 1) : outcome).map(
      (text, i): Line => [
        [i === 0 ? "Decided   " : "          ", "dim"],
        [text, "plain"],
      ],
    ),
  ];
}

function runLines(view: View, seen: Seen, width: number, detail: Detail): Line[] {
  return seen.runs.flatMap((run) => [headline(run, view), ...explanations(run, view, seen, width, detail)]);
}

function headline(run: RunAnswer, { now }: View): Line {
  const took = runDuration(run, now);
  return [
    [run.image.padEnd(indent), "bold"],
    [run.status.padEnd(11), styleOf(run)],
    [(took === undefined ? "" : describeDuration(took)).padStart(9), "plain"],
    [`  ${run.id.padEnd(9)}`, "dim"],
    [run.digest ? `  ${shortDigest(run.digest)}` : "", "plain"],
  ];
}

function explanations(run: RunAnswer, { registry }: View, seen: Seen, width: number, detail: Detail): Line[] {
  const wait = describeWait(run, seen);
  const end = describeEnd(run, registry);
  const reasons = run.why.map((reason) => withoutRegistry(reason, registry));
  const few = detail === "full" || detail === "no-bases" ? reasons : reasons.slice(0, 1);
  return [
    ...(detail === "bare" || detail === "short" ? [] : explained("why", few, width)),
    ...(detail === "bare" && !end ? [] : explained("waits for", wait ? [wait] : [], width)),
    ...(detail === "full" ? explained("stands on", describeBases(run, registry), width) : []),
    ...explained("ended", end ? [end] : [], width),
    ...(detail === "full" ? explained("note", run.notes ?? [], width) : []),
  ];
}

function explained(title: string, texts: readonly string[], width: number): Line[] {
  const room = Math.max(20, width - indent - 11);
  return texts
    .flatMap((text) => wrap(text, room))
    .map(
      (row, i): Line => [
        [" ".repeat(indent), "plain"],
        [(i === 0 ? title : "").padEnd(11), "dim"],
        [row, "plain"],
      ],
    );
}

function onGitHub(seen: Seen, width: number): Line[] {
  if (seen.statuses.length === 0) return [];
  const states = [...new Set(seen.statuses.map((s) => s.state))].sort();
  const text = states
    .map((state) => {
      const contexts = seen.statuses.filter((s) => s.state === state).map((s) => s.context);
      return `${state} ${contexts.sort().join(", ")}`;
    })
    .join("; ");
  return wrap(text, Math.max(20, width - 10)).map(
    (row, i): Line => [
      [i === 0 ? "On GitHub " : "          ", "dim"],
      [row, "plain"],
    ],
  );
}

function tryNext(next: NonNullable<View["next"]>, detail: Detail): Line[] {
  const compact = detail === "short" || detail === "bare";
  return [
    ...(compact ? [] : [[["Try next", "bold"]] as Line]),
    ...next.flatMap(({ title, lines }): Line[] => [
      ...(compact ? [] : [[[title, "dim"]] as Line]),
      ...lines.map((line): Line => [[`  ${line}`, "plain"]]),
    ]),
  ];
}

function paragraph(text: string, width: number, style: Style): Line[] {
  return wrap(text, width).map((row): Line => [[row, style]]);
}

function styleOf(run: RunAnswer): Style {
  if (run.status === "Succeeded") return "good";
  if (run.status === "Planned" || run.status === "Skipped" || run.status === "Superseded") return "dim";
  return isEnded(run) ? "bad" : "busy";
}
