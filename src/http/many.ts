/** Lists and objects of a body that may be long. */
import { z } from '@hono/zod-openapi';
import { faultsMessage, formatPath } from '../document/faults.ts';
import { issueFaults } from '../document/issues.ts';
import { FermataError, type Fault } from '../errors.ts';

/** From here on its entries are looked at one by one. */
const MANY = 1_000;
/** Faults that are told; the others are counted. */
const MOST_TOLD = 100;

/**
 * A list or an object with any number of entries, as `field` of a body. zod hands the faults of all entries on as
 * arguments of one call: a hundred thousand of them fit no stack, and the answer would be 500.
 *
 * @throws FermataError `invalidRequest` with the first faults, and how many there are, where many entries are wrong
 * @example
 * fields({ ids: manyOf('ids', z.array(z.string())) })
 */
export function manyOf<Whole extends z.ZodArray | z.ZodRecord>(field: string, whole: Whole) {
  const each = (whole instanceof z.ZodArray ? whole.element : whole.valueType) as z.ZodType;
  return z.preprocess((given) => {
    if (typeof given !== 'object' || given === null) return given;
    const entries: [string | number, unknown][] = Array.isArray(given) ? [...given.entries()] : Object.entries(given);
    if (entries.length > MANY) assertRight(entries, each, field);
    return given;
  }, whole);
}

function assertRight(entries: readonly [string | number, unknown][], each: z.ZodType, field: string): void {
  const faults: Fault[] = [];
  let count = 0;
  for (const [name, value] of entries) {
    const found = each.safeParse(value).error?.issues.length ?? 0;
    count += found;
    if (found > 0 && faults.length < MOST_TOLD) faults.push(...faultsOf(each, value, [field, name]));
  }
  if (count > 0) throw new FermataError('invalidRequest', faultsMessage('The request', faults, count), { faults });
}

function faultsOf(each: z.ZodType, value: unknown, path: readonly (string | number)[]): readonly Fault[] {
  return (each.safeParse(value).error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? [{ path: formatPath([...path, ...issue.path]), message: issue.message }]
      : issueFaults(issue, value, path),
  );
}
