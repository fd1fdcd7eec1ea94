/** Where a template cares for values that may be missing: `| default`, and what its `{% if %}` asks. */
import { TypeGuards, toValueSync, Value, type Template } from 'liquidjs';
import { partsOfPrompt } from '../prompt.ts';

/** Places, as the reads of a template say them: `line 1, column 4`. */
export interface Cares {
  /** Values that `default` stands in for. It must be the first filter: another one would already miss the value. */
  readonly defaulted: ReadonlySet<string>;
  /** Values by which a tag decides what is rendered. */
  readonly asked: ReadonlySet<string>;
}

const ASKING: ReadonlySet<string> = new Set(['if', 'unless', 'case']);

/** Goes through a template. It is Liquid: that was checked when the document was. */
export function caresOf(template: string): Cares {
  const defaulted = new Set<string>();
  const asked = new Set<string>();
  const pending: Template[] = [...partsOfPrompt(template)];
  // The list grows while it is walked.
  for (const part of pending) {
    const asks = 'name' in part && typeof part.name === 'string' && ASKING.has(part.name);
    for (const argument of part.arguments?.() ?? []) {
      if (!(argument instanceof Value)) continue;
      if (asks) for (const place of placesIn(argument)) asked.add(place);
      if (argument.filters[0]?.name === 'default') for (const place of placesIn(argument)) defaulted.add(place);
    }
    if (part.children !== undefined) pending.push(...toValueSync(part.children(false, true)));
  }
  return { defaulted, asked };
}

function placesIn({ initial }: Value): string[] {
  return initial.postfix.filter(TypeGuards.isPropertyAccessToken).map((token) => {
    const [line, column] = token.getPosition();
    return `line ${line}, column ${column}`;
  });
}
