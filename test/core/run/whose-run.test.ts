import { describe, expect, it } from "vitest";
import type { AcrRun } from "../../../src/core/run/acr-run.ts";
import { type LogHead, mayGiveUp, whoseRun } from "../../../src/core/run/call.ts";
import { decide, noon } from "../state/decide.ts";
import { attemptOf } from "../state/rows-of.ts";

const at = (seconds: number) => new Date(Date.parse(noon) + seconds * 1000).toISOString();
const running: AcrRun = { acrRunId: "cf9", status: "Running", createTime: noon, outputImages: [] };
const queued: AcrRun = { ...running, status: "Queued" };
const ended: AcrRun = { ...running, status: "Succeeded", finishTime: noon };
const text = (t: string): LogHead => ({ kind: "text", text: t });
const network = (name: string) => text(`2026/11/23 12:00:01 Creating Docker network: ${name}, driver: 'bridge'\r\n`);
const unknown: LogHead = { kind: "unknown" };
const unreadable: LogHead = { kind: "unreadable" };
const pushed = (tag: string): AcrRun => ({
  ...ended,
  outputImages: [{ registry: "acme.azurecr.io", repository: "web", tag }],
});

describe("an ACR run found after a lost reply", () => {
  it.each<[string, LogHead, AcrRun, number, "ours" | "another" | "undecided"]>([
    ["names our attempt", network("slipway-acme-12-1"), running, 1, "ours"],
    ["names our attempt and has ended", network("slipway-acme-12-1"), ended, 1, "ours"],
    ["names another attempt of ours", network("slipway-acme-12-2"), running, 1, "another"],
    ["names another run whose name begins like ours", network("slipway-acme-12-11"), running, 1, "another"],
    ["names somebody's own network", network("acb_default_network"), running, 1, "another"],
    ["waits for an agent and has no log", text(""), queued, 9999, "undecided"],
    ["runs and has not said yet", text("Downloading source code...\r\n"), running, 9999, "undecided"],
    ["runs and its log cannot be read", unknown, running, 9999, "undecided"],
    ["ended without naming it", text("Downloading source code...\r\n"), ended, 1, "another"],
    ["ended just now, and the log may still be written", text(""), ended, 30, "undecided"],
    ["ended long ago without a log", text(""), ended, 61, "another"],
    ["ended just now, and its log cannot be read", unknown, ended, 30, "undecided"],
    ["ended long ago, and its log is gone", unknown, ended, 61, "another"],
    ["ended, and its log may be readable later", unreadable, ended, 3600, "undecided"],
    ["ended an hour ago, and its log was never readable", unreadable, ended, 3601, "another"],
    ["ended without a readable log but pushed our unique tag", unreadable, pushed("main-aaaaaaa-12"), 1, "ours"],
    ["ended without a log but pushed our unique tag", unknown, pushed("main-aaaaaaa-12"), 1, "ours"],
    ["ended without a log and pushed only the stable tag", unknown, pushed("main"), 61, "another"],
  ])("that %s", (_name, log, seen, secondsLater, whose) => {
    const { value } = decide({ now: at(secondsLater) }, (desk) => whoseRun(desk, attemptOf(), log, seen));
    expect(value).toBe(whose);
  });
});

describe("a call whose reply was lost", () => {
  it("is given up only when nothing of it can turn up any more: the deadline and a minute", () => {
    const attempt = attemptOf({ stage: "lost", deadline: at(20) });
    const gaveUp = (seconds: number) => decide({ now: at(seconds) }, (desk) => mayGiveUp(desk, attempt)).value;
    expect([19, 80, 81].map(gaveUp)).toEqual([false, false, true]);
  });
});
