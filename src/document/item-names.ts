/**
 * Names that items of a map have, such as `each[3]`. A task that bore one would be taken for the item, or the item for
 * it: whoever waits for the other waits for ever.
 */
import type { Definition } from './definition.ts';
import { formatPath, type Faults } from './faults.ts';
import { itemOf } from './growth.ts';
import type { OutlineTask } from './outline.ts';

/** Refuses tasks named like an item of another one of the document. */
export function checkItemNames(tasks: readonly OutlineTask[], faults: Faults): void {
  const many = new Set(tasks.filter(({ hasItems }) => hasItems).map(({ name }) => name));
  if (many.size === 0) return;
  for (const { name, path } of tasks) {
    const map = mapsOf(name ?? '').find((one) => many.has(one));
    if (map === undefined) continue;
    const message = `the name ${JSON.stringify(name)} is one that an item of ${JSON.stringify(map)} may have: choose another`;
    faults.add(formatPath([...path, 'name']), message);
  }
}

/**
 * The same for tasks that join a run. None of them may be named like an item at all, since a map of that name may join
 * later; and no map may be the one whose items some task of the document is named like.
 */
export function checkAddedItemNames(tasks: readonly OutlineTask[], definition: Definition, faults: Faults): void {
  for (const { name, path, hasItems } of tasks) {
    if (name === undefined) continue;
    const place = formatPath([...path, 'name']);
    if (itemOf(name) !== undefined)
      faults.add(place, `the name ${JSON.stringify(name)} is one that an item of a map may have: choose another`);
    else if (hasItems && likeItemsOf(definition).has(name))
      faults.add(place, `the items of ${JSON.stringify(name)} would have the name of another task: choose another`);
  }
}

/** The maps whose item a name would be, inner ones first: of `each[0][3]` these are `each[0]` and `each`. */
function mapsOf(name: string): string[] {
  const found: string[] = [];
  for (let item = itemOf(name); item !== undefined; item = itemOf(item.map)) found.push(item.map);
  return found;
}

const known = new WeakMap<Definition, ReadonlySet<string>>();

/** The maps of which a task of the document would be an item, if there were such maps. Made once for each document. */
function likeItemsOf(definition: Definition): ReadonlySet<string> {
  const found = known.get(definition) ?? new Set(definition.tasks.flatMap(({ name }) => mapsOf(name)));
  known.set(definition, found);
  return found;
}
