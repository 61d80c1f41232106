/** The rules of single values of slipway.platform.yaml. */
import { canonicalHost } from "../core/image/registry-host.ts";
import { parseDuration } from "./checks.ts";
import type { Check } from "./fault.ts";
import { show } from "./show.ts";

const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const weeklyShape =
  /^([A-Z][a-z]{2}) ([01][0-9]|2[0-3]):([0-5][0-9]) ?- ?([A-Z][a-z]{2}) ([01][0-9]|2[0-3]):([0-5][0-9])$/;

/** "Fri 16:00 - Mon 06:00" in minutes since Monday 00:00; undefined when it is no such thing. */
export function parseWeekly(text: string): { readonly from: number; readonly until: number } | undefined {
  const match = weeklyShape.exec(text);
  if (!match) return undefined;
  const [, fromDay, fromHour, fromMinute, untilDay, untilHour, untilMinute] = match as unknown as string[];
  const [from, until] = [days.indexOf(fromDay!), days.indexOf(untilDay!)];
  if (from < 0 || until < 0) return undefined;
  const minutes = (day: number, hour: string, minute: string) => (day * 24 + Number(hour)) * 60 + Number(minute);
  return { from: minutes(from, fromHour!, fromMinute!), until: minutes(until, untilHour!, untilMinute!) };
}

export const weeklyFault: Check = (text) => {
  const window = parseWeekly(text);
  if (!window)
    return { message: `${show(text)} is no weekly time`, fix: "write it as in `Fri 16:00 - Mon 06:00`, in UTC" };
  if (window.from === window.until)
    return {
      message: `${show(text)} is the whole week`,
      fix: "pause the registry instead, or let it end before it begins again",
    };
  return undefined;
};

export const instantFault: Check = (text) =>
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z$/.test(text) && !Number.isNaN(Date.parse(text))
    ? undefined
    : { message: `${show(text)} is no moment in UTC`, fix: "write it as in 2026-12-20T00:00:00Z" };

function durationFault(least: number, most: number, range: string, example: string): Check {
  return (text) => {
    const seconds = parseDuration(text);
    if (seconds === undefined)
      return { message: `${show(text)} is not a duration`, fix: `write a number with s, m or h, as in ${example}` };
    return seconds < least || seconds > most
      ? { message: `${show(text)} is out of range`, fix: `choose from ${range}` }
      : undefined;
  };
}

export const settleFault = durationFault(0, 3600, "0s to 1h", "30s");
export const checkEveryFault = durationFault(60, 86_400, "1m to 24h", "15m");

export const hostFault: Check = (text) =>
  canonicalHost(text) === text
    ? undefined
    : {
        message: `${show(text)} is not a registry host`,
        fix: "write the host only, in lower case, as in docker.io or registry.example.com:5000",
      };

export const credentialSetting = /^SLIPWAY_REGISTRY_[A-Z0-9_]{1,60}$/;

/** The value is not shown: it may be the very credential. */
export const credentialFault: Check = (text) =>
  credentialSetting.test(text)
    ? undefined
    : {
        message: "this is not the name of a setting",
        fix: "name a setting that begins with SLIPWAY_REGISTRY_; it holds user:password, this file does not",
      };
