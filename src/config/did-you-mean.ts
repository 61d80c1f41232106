/** The known word somebody most likely meant: the same but for case, `-` and `_`, or at most two typing slips away. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  if (word.length > 40) return undefined;
  const folded = fold(word);
  const same = known.find((candidate) => fold(candidate) === folded);
  if (same) return same;
  const slips = known
    .map((candidate) => ({ candidate, slips: editDistance(folded, fold(candidate)) }))
    // Two slips in a three-letter word would make it any word.
    .filter(({ candidate, slips }) => slips <= (candidate.length < 5 ? 1 : 2))
    .sort((left, right) => left.slips - right.slips);
  return slips[0]?.candidate;
}

function fold(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, "");
}

/** Optimal string alignment: insert, delete, replace, swap two neighbours. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1;
      let best = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + cost);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1])
        best = Math.min(best, beforeLast[column - 2]! + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length]!;
}
