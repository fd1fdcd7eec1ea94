/** How long the lists are at most that maps go through, as far as a document says it: literals, schemas, lists of lists. */
import { constantOf } from '../constant.ts';
import { isRecord } from '../json.ts';
import type { MapFields } from '../kinds/map.ts';
import type { Variable } from '../reads.ts';
import { schemaBelow, schemaOf, soleRead, type Known } from './schemas.ts';

/** A map, as far as its items are asked for. */
export type Around = Pick<MapFields, 'items' | 'batchSize'>;

/** What a value may be: one of these, or whatever a schema allows; undefined where nothing is said of it. */
type Value =
  | { readonly values: readonly unknown[] }
  | { readonly schema: Readonly<Record<string, unknown>> }
  | undefined;

/**
 * Entries of the list that an expression gives; infinite where nobody knows.
 *
 * @param around the maps inside of which it stands, the nearest first: whose `item` it may read
 */
export function lengthOf(expression: string, around: readonly Around[], known: Known): number {
  const [nearest, ...others] = around;
  const path = soleRead(expression);
  // An item of a map that has batches is a batch.
  if (path?.[0] === 'item' && nearest !== undefined && nearest.batchSize > 1)
    return path.length === 1 ? Math.min(nearest.batchSize, lengthOf(nearest.items, others, known)) : Infinity;
  return longest(valueOf(expression, around, known));
}

/** Entries of what stands at a place, by the schemas of a document. */
export function lengthAt(path: Variable['path'], known: Known): number {
  const schema = schemaOf(path, known);
  return longest(schema && { schema });
}

function longest(value: Value): number {
  if (value === undefined) return Infinity;
  if ('values' in value)
    return value.values.reduce<number>((most, one) => Math.max(most, Array.isArray(one) ? one.length : 0), 0);
  const { maxItems } = value.schema;
  return typeof maxItems === 'number' ? maxItems : Infinity;
}

function valueOf(expression: string, around: readonly Around[], known: Known): Value {
  const constant = constantOf(expression);
  if (constant !== undefined) return { values: [constant.value] };
  const path = soleRead(expression);
  if (path?.[0] !== 'item') {
    const schema = path && schemaOf(path, known);
    return schema && { schema };
  }
  const [nearest, ...others] = around;
  if (nearest === undefined || nearest.batchSize > 1) return undefined;
  return below(entryOf(valueOf(nearest.items, others, known)), path.slice(1));
}

function entryOf(list: Value): Value {
  if (list === undefined) return undefined;
  if ('values' in list) return { values: list.values.flatMap((one): unknown[] => (Array.isArray(one) ? one : [])) };
  const { items, prefixItems } = list.schema;
  return isRecord(items) && prefixItems === undefined ? { schema: items } : undefined;
}

function below(value: Value, steps: Variable['path']): Value {
  if (value === undefined || steps.includes(undefined)) return undefined;
  if ('schema' in value) {
    const schema = schemaBelow(value.schema, steps);
    return schema && { schema };
  }
  const member = (one: unknown, step: string | undefined): unknown =>
    isRecord(one) && step !== undefined && Object.hasOwn(one, step) ? one[step] : undefined;
  return { values: value.values.map((one) => steps.reduce(member, one)) };
}
