/** Money on the terminal. */

/** What of a sum is not known. */
interface PartlyKnown {
  readonly costDollars: number | null;
  readonly unknownCalls?: number | undefined;
}

const SMALLEST_DIGITS = 9;
const USUAL_DIGITS = 2;
const SIGNIFICANT = 3;

/**
 * `$0.00021`, `$12.30`; `at least $0.01` where the cost of some calls is not known, `unknown` where that of all is not.
 *
 * @example
 * money({ costDollars: 0.00021, unknownCalls: 1 }) // 'at least $0.00021'
 */
export function money({ costDollars, unknownCalls = 0 }: PartlyKnown): string {
  if (costDollars === null) return 'unknown';
  return `${unknownCalls > 0 ? 'at least ' : ''}$${amount(costDollars)}`;
}

/** Three digits that say something, never fewer than cents and never below a billionth. */
function amount(dollars: number): string {
  if (dollars === 0) return '0.00';
  const digits = SIGNIFICANT - 1 - Math.floor(Math.log10(dollars));
  const shown = dollars.toFixed(Math.min(SMALLEST_DIGITS, Math.max(USUAL_DIGITS, digits)));
  return shown.replace(/(\.\d\d\d*?)0+$/, '$1');
}
