import { fstatSync } from "node:fs";

/**
 * Calls back when the parent has died: its IPC channel closed, or, without one, the pipe on stdin ended. A terminal or
 * /dev/null on stdin says nothing about a parent and is left alone.
 */
export function onParentGone(callback: () => void): void {
  if (process.channel) {
    process.once("disconnect", callback);
    return;
  }
  const stdin = fstatSync(0);
  if (!stdin.isFIFO() && !stdin.isSocket()) return;
  process.stdin.once("end", callback).once("error", callback).resume();
}
