/**
 * Searches of one text in another (`contains` and the like). At worst JavaScript compares each character of the one with
 * each of the other: a minute for 400,000 in 800,000, in which nothing else of the process goes on.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { BINDERS, childrenOf, variablesOf, type Refuse } from './cel-reads.ts';
import type { Variable } from './reads.ts';

/** They look for their argument in the text that they are called on. */
const SEARCHES: ReadonlySet<string> = new Set(['contains', 'indexOf', 'lastIndexOf', 'split']);

/** A text, by what it can be made of. */
export interface Text {
  readonly variables: readonly Variable[];
  /** Characters that are written in the expression. */
  readonly written: number;
  /** It is an entry of these, another one at each turn of a loop. */
  readonly isEntry: boolean;
}

/** One text that is looked for in another. */
export interface Search {
  readonly text: Text;
  readonly sought: Text;
  readonly inLoop: boolean;
}

/** Names that a loop binds, with what it goes through. */
type Bound = ReadonlyMap<string, Text>;

/** Every search of a tree. Recursion is safe: the parser limits the depth of trees. */
export function searchesOf(tree: ASTNode, refuse: Refuse, bound: Bound = new Map()): readonly Search[] {
  const within = (node: ASTNode, names = bound): readonly Search[] => searchesOf(node, refuse, names);
  if (tree.op !== 'call' && tree.op !== 'rcall') return childrenOf(tree).flatMap((child) => within(child));
  const [name] = tree.args;
  const args = tree.op === 'call' ? tree.args[1] : tree.args[2];
  const [first] = args;
  if (BINDERS.has(name) && first?.op === 'id') {
    // list.map(x, body); cel.bind(x, value, body)
    const list = name === 'bind' ? args[1] : tree.op === 'rcall' ? tree.args[1] : undefined;
    const entry = list === undefined ? NOTHING : { ...textOf(list, refuse, bound), isEntry: true };
    const inner = new Map([...bound, [first.args, entry]]);
    const body = args.slice(name === 'bind' ? 2 : 1);
    return [...(list === undefined ? [] : within(list)), ...body.flatMap((child) => within(child, inner))];
  }
  const inside = childrenOf(tree).flatMap((child) => within(child));
  if (tree.op === 'call' || !SEARCHES.has(name) || first === undefined) return inside;
  const [text, sought] = [tree.args[1], first].map((part) => textOf(part, refuse, bound));
  return text === undefined || sought === undefined ? inside : [...inside, { text, sought, inLoop: bound.size > 0 }];
}

const NOTHING: Text = { variables: [], written: 0, isEntry: false };

function textOf(tree: ASTNode, refuse: Refuse, bound: Bound): Text {
  const read = variablesOf(tree, refuse);
  const entries = read.flatMap(({ path: [root = ''] }) => bound.get(root) ?? []);
  return {
    variables: [
      ...read.filter(({ path: [root = ''] }) => !bound.has(root)),
      ...entries.flatMap((entry) => entry.variables),
    ],
    written: entries.reduce((sum, entry) => sum + entry.written, writtenIn(tree)),
    isEntry: entries.length > 0,
  };
}

function writtenIn(tree: ASTNode): number {
  if (tree.op === 'value') return typeof tree.args === 'string' ? tree.args.length : 0;
  return childrenOf(tree).reduce((sum, child) => sum + writtenIn(child), 0);
}

/** Comparisons of characters that the searches may take at most. `turns`: of a loop. */
export function comparisonsOf(
  searches: readonly Search[],
  valueOf: (variable: Variable) => unknown,
  turns: number,
): number {
  const all = ({ variables, written }: Text): number =>
    variables.reduce((sum, variable) => sum + characters(valueOf(variable)), written);
  const longest = ({ variables, written }: Text): number =>
    variables.reduce((most, variable) => Math.max(most, longestText(valueOf(variable))), written);
  return searches.reduce((sum, { text, sought, inLoop }) => {
    // All turns together look into all entries, or for all of them.
    const product = all(text) * (text.isEntry && sought.isEntry ? longest(sought) : all(sought));
    return sum + product * (inLoop && !text.isEntry && !sought.isEntry ? turns : 1);
  }, 0);
}

/** Characters of all texts in a value. */
function characters(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, entry) => sum + characters(entry), 0);
}

/** Characters of the longest text in a value. */
function longestText(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((most, entry) => Math.max(most, longestText(entry)), 0);
}
