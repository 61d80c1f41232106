import { describe, expect, test } from "vitest";
import { parseTimerSchedule } from "../../../local/host/timer-schedule.ts";

const next = (schedule: string, from: string) => parseTimerSchedule(schedule).next(new Date(from)).toISOString();

describe("timer schedule", () => {
  test.each([
    ["0 */5 * * * *", "2026-03-01T10:00:00Z", "2026-03-01T10:05:00.000Z"],
    ["*/5 * * * *", "2026-03-01T10:00:01Z", "2026-03-01T10:05:00.000Z"],
    ["30 15 3 * * Mon-Fri", "2026-03-06T04:00:00Z", "2026-03-09T03:15:30.000Z"],
    ["0 0 0 1 Jan *", "2026-03-01T00:00:00Z", "2027-01-01T00:00:00.000Z"],
    ["0 0 12 * * 0", "2026-03-01T12:00:00Z", "2026-03-08T12:00:00.000Z"],
    ["01:30:00", "2026-03-01T10:00:00.500Z", "2026-03-01T11:30:00.500Z"],
  ])("%s after %s is %s", (schedule, from, expected) => {
    expect(next(schedule, from)).toBe(expected);
  });

  test("both day fields must match, as in NCrontab", () => {
    expect(next("0 0 0 13 * Fri", "2026-03-14T00:00:00Z")).toBe("2026-11-13T00:00:00.000Z");
  });

  test("times are UTC, whatever the machine's zone", () => {
    expect(next("0 30 2 * * *", "2026-03-29T00:00:00Z")).toBe("2026-03-29T02:30:00.000Z");
  });

  test.each([
    "",
    "* * * *",
    "0 0 25 * * *",
    "0 0 0 L * *",
    "0 0 0 * * 7",
    "0 0 0 * * Fri#2",
    "@daily",
    "0 0 0 30 2 *",
    "25:00:00",
    "00:00:00",
  ])("refuses %j", (schedule) => {
    expect(() => parseTimerSchedule(schedule)).toThrow(/schedule/);
  });

  test("is too frequent to monitor when two of its occurrences lie less than a minute apart", () => {
    const tooFrequent = (schedule: string) =>
      parseTimerSchedule(schedule).isTooFrequentToMonitor(new Date("2026-03-01T10:00:00Z"));
    expect(tooFrequent("0 * * * * *")).toBe(false);
    expect(tooFrequent("0,30 * * * * *")).toBe(true);
    expect(tooFrequent("00:01:00")).toBe(false);
    expect(tooFrequent("00:00:59")).toBe(true);
  });
});
