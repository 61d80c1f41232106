const PATTERN = /^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$/;

/**
 * Milliseconds of a .NET TimeSpan as host.json writes them: `[d.]hh:mm[:ss[.fffffff]]`. Undefined when it is not one.
 */
export function parseTimeSpan(text: string): number | undefined {
  const match = PATTERN.exec(text.trim());
  if (!match) return undefined;
  const [, minus, days = "0", hours, minutes, seconds = "0", fraction = "0"] = match;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  const milliseconds = Math.round((whole + Number(`0.${fraction}`)) * 1000);
  return minus ? -milliseconds : milliseconds;
}
