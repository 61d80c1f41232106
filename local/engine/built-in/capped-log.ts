/** Passes on the first `limit` characters and then says once that the rest is left out. */
export function cappedLog(log: (text: string) => void, limit: number): (text: string) => void {
  let left = limit;
  return (text) => {
    if (left < 0) return;
    if (text.length <= left) {
      left -= text.length;
      log(text);
      return;
    }
    log(`${text.slice(0, left)}\n[output over ${limit} characters is left out]\n`);
    left = -1;
  };
}
