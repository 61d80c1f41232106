/** Passes on the first `limit` bytes and then says once that the rest is left out. */
export function cappedLog(log: (text: string) => void, limit: number): (text: string) => void {
  let left = limit;
  return (text) => {
    if (left < 0) return;
    const bytes = Buffer.from(text);
    if (bytes.length <= left) {
      left -= bytes.length;
      log(text);
      return;
    }
    const kept = bytes
      .subarray(0, left)
      .toString("utf8")
      .replace(/\uFFFD$/, "");
    log(`${kept}\n[output over ${limit} bytes is left out]\n`);
    left = -1;
  };
}
