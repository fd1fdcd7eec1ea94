/** How many entries a list will have that a map or a reduction goes through. */
import { DEFAULTS, type Figure } from '../../cost/estimate/figure.ts';
import { exactly } from '../../cost/estimate/range.ts';
import { schemaOf, soleRead } from '../analysis/schemas.ts';
import type { Tasks } from '../analysis/tasks.ts';
import { prepareMap } from '../kinds/map.ts';
import type { Scope } from '../reads.ts';
import type { Given } from './given.ts';

/** A number of entries, and the entries themselves where they are in the input. */
export interface ListLength extends Figure {
  readonly items?: readonly unknown[];
  readonly unboundedBecause?: string | undefined;
}

/** What is known of lists. */
export interface Lists {
  readonly tasks: Tasks;
  readonly given: Given;
  /** The list that an earlier task gives. */
  listOf(task: string): ListLength | undefined;
}

/**
 * Entries of the list that an expression gives. Throws `expressionFailed` where the input has something else there.
 *
 * @param own of a map inside of a map: the item that is known
 */
export function listLength(
  expression: string,
  { tasks, given, listOf }: Lists,
  own?: Pick<Scope, 'item' | 'index'>,
): ListLength {
  const known = given.value(expression, own);
  if (known !== undefined) {
    const { items } = prepareMap(
      { kind: 'map', items: expression, batchSize: 1, concurrency: undefined, onItemFailure: 'stop' },
      { input: given.input, tasks: {}, ...own },
    );
    return { range: exactly(items.length), from: 'counted', items };
  }
  const path = soleRead(expression);
  const [root, name, member, ...rest] = path ?? [];
  if (root === 'tasks' && name !== undefined && member === 'output' && rest.length === 0) {
    const list = listOf(name);
    if (list !== undefined) return list;
  }
  const schema = path && schemaOf(path, { ...tasks.definition, spec: (task) => tasks.spec(task) });
  const least = typeof schema?.['minItems'] === 'number' ? schema['minItems'] : 0;
  const most = typeof schema?.['maxItems'] === 'number' ? schema['maxItems'] : Infinity;
  const isBounded = Number.isFinite(most);
  return {
    range: { lowest: least, expected: isBounded ? most : Math.max(DEFAULTS.items, least), highest: most },
    from: isBounded ? 'declared' : 'default',
    ...(isBounded ? {} : { unboundedBecause: `how long ${expression} will be is not known` }),
  };
}
