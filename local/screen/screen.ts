import { renderFrame } from "./frame.ts";
import { narrate } from "./narrate.ts";
import type { View } from "./view.ts";
import { describeDuration } from "./wording.ts";

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on?(event: "resize", listener: () => void): unknown;
}

export interface Screen {
  show(view: View): void;
  /** Leaves what was drawn last where it is; the cursor stands below it. */
  close(): void;
}

/** A screen that is redrawn on a terminal, lines that are only ever added anywhere else. */
export function openScreen(output: Output, env: Readonly<Record<string, string | undefined>>): Screen {
  return output.isTTY && env.TERM !== "dumb" ? openTerminal(output, !env.NO_COLOR) : openLog(output);
}

function openLog(output: Output): Screen {
  let last: View | undefined;
  return {
    show(view) {
      const elapsed = describeDuration(view.now - view.startedAt).padStart(9);
      for (const line of narrate(last, view)) output.write(`${elapsed}  ${line}\n`);
      last = view;
    },
    close() {},
  };
}

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
const clearLine = "\u001b[2K";
const clearBelow = "\u001b[J";

function openTerminal(output: Output, colour: boolean): Screen {
  let drawn: string[] = [];
  let resized = false;
  output.on?.("resize", () => {
    resized = true;
  });
  output.write(hideCursor);
  return {
    show(view) {
      // The last column stays empty, where some terminals wrap; the last row is the cursor's.
      const size = { width: (output.columns || 80) - 1, rows: (output.rows || 24) - 1, colour };
      const lines = renderFrame(view, size);
      // After a change of size nobody knows where the old rows have gone.
      const text = resized ? `\u001b[H${clearBelow}${redraw([], lines)}` : redraw(drawn, lines);
      resized = false;
      drawn = lines;
      if (text !== "") output.write(text);
    },
    close: () => output.write(showCursor),
  };
}

/** From the row below `before` to the row below `after`, touching only rows that differ; "" when none does. */
export function redraw(before: readonly string[], after: readonly string[]): string {
  const same = before.length === after.length && before.every((line, i) => line === after[i]);
  if (same) return "";
  const up = before.length > 0 ? `\u001b[${before.length}A\r` : "";
  const rows = after.map((line, i) => (line === before[i] ? "\n" : `${clearLine}${line}\n`));
  return up + rows.join("") + (before.length > after.length ? clearBelow : "");
}
