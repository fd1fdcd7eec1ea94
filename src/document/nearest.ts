/** "Did you mean …?": the known name nearest to a mistyped one. */

/**
 * The known name nearest to `word`, if one is near enough to be meant: at most a third of its letters away. Case,
 * `_`, `-` and blanks do not count, so that `depends_on` finds `dependsOn`.
 *
 * @example
 * nearest('dependson', ['name', 'dependsOn']) // 'dependsOn'
 */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  const wanted = fold(word);
  let best: string | undefined;
  let bound = Math.floor(wanted.length / 3) + 1;
  for (const name of names) {
    const distance = editDistance(wanted, fold(name), bound);
    if (distance < bound) {
      best = name;
      bound = distance;
    }
    if (bound === 0) break;
  }
  return best;
}

/** `: did you mean "dependsOn"?`, or nothing where no known name is near. What is known, but not here, was meant as it is. */
export function didYouMean(word: string, names: Iterable<string>): string {
  const name = nearest(word, names);
  if (name === word) return '';
  return name === undefined ? '' : `: did you mean ${JSON.stringify(name)}?`;
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[_\-\s]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours between two texts; `bound` where there are more. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      row.push(cost);
    }
    if (Math.min(...row) >= bound) return bound;
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
