/**
 * What an expression reads, from its syntax tree. On the way it refuses what would let one expression occupy the
 * process: `matches` is a JavaScript RegExp (10 s for 28 characters), and loops in loops multiply.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Variable } from './reads.ts';

/** Told the node that is not allowed, and why. */
export type Refuse = (node: ASTNode, reason: string) => never;

/** Functions that bind a variable in their arguments after the first. */
export const BINDERS: ReadonlySet<string> = new Set([
  'all',
  'exists',
  'exists_one',
  'map',
  'filter',
  'bind',
  'optMap',
  'optFlatMap',
]);

/** CEL leaves fields of these names out of a map that is written in an expression, without a word. */
const LEFT_OUT: ReadonlySet<unknown> = new Set(['__proto__', 'constructor', 'prototype']);

/** Where in a tree a node stands. */
interface Place {
  /** Names that a loop around it binds: they are no variables of the scope. */
  readonly bound: ReadonlySet<string>;
  readonly inLoop: boolean;
  /** It is only asked whether it is there: `has(a.b)`. */
  readonly inHas?: true;
}

/** Every variable that a tree reads. Recursion is safe: the parser limits the depth of trees. */
export function variablesOf(tree: ASTNode, refuse: Refuse): Variable[] {
  const found: Variable[] = [];
  walk(tree, { bound: new Set(), inLoop: false }, refuse, found);
  return found;
}

function walk(node: ASTNode, place: Place, refuse: Refuse, found: Variable[]): void {
  const visit = (child: ASTNode): void => walk(child, place, refuse, found);
  const chain = chainOf(node);
  if (chain !== undefined) {
    const [root] = chain.path;
    if (root === undefined || !place.bound.has(root)) {
      const isPlain = place.inHas === undefined && !chain.isOptional && chain.computed.length === 0;
      found.push({
        path: chain.path,
        at: `column ${node.start + 1}`,
        columns: chain.columns,
        ...(isPlain ? { span: [node.start, node.end] } : {}),
        ...(place.inLoop ? { inLoop: true } : {}),
      });
    }
    return chain.computed.forEach(visit);
  }
  if (node.op === 'map') {
    for (const [key] of node.args) {
      if (key?.op === 'value' && LEFT_OUT.has(key.args))
        refuse(
          key,
          `a map written here cannot have the field ${JSON.stringify(key.args)}; write it in the input of the task`,
        );
    }
  }
  if (node.op !== 'call' && node.op !== 'rcall') return childrenOf(node).forEach(visit);

  const [name] = node.args;
  const args = node.op === 'call' ? node.args[1] : node.args[2];
  if (name === 'matches') {
    refuse(node, 'matches() can occupy the process for minutes; use startsWith, endsWith or contains');
  }
  const [variable] = args;
  if (name === 'has' && variable !== undefined) return walk(variable, { ...place, inHas: true }, refuse, found);
  if (!BINDERS.has(name) || variable?.op !== 'id') return childrenOf(node).forEach(visit);
  if (place.inLoop) {
    refuse(node, `${name}() inside of another loop multiplies; use one loop, or a task of kind code`);
  }
  // list.map(x, body): the list is outside of the loop; cel.bind(x, value, body): the value is.
  const outside = name === 'bind' ? args.slice(1, 2) : node.op === 'rcall' ? [node.args[1]] : [];
  outside.forEach(visit);
  const inner: Place = { bound: new Set([...place.bound, variable.args]), inLoop: true };
  for (const child of args.slice(name === 'bind' ? 2 : 1)) walk(child, inner, refuse, found);
}

/** A chain of accesses that starts at a name. */
interface Chain {
  /** Undefined where a step is computed. */
  readonly path: readonly (string | undefined)[];
  readonly columns: readonly number[];
  /** The expressions that compute steps. */
  readonly computed: readonly ASTNode[];
  /** A step of it may be missing: `a.?b`. */
  readonly isOptional: boolean;
}

function chainOf(node: ASTNode): Chain | undefined {
  if (node.op === 'id') return { path: [node.args], columns: [node.start + 1], computed: [], isOptional: false };
  if (node.op === '.' || node.op === '.?') {
    const chain = chainOf(node.args[0]);
    const name = node.args[1];
    return (
      chain && {
        path: [...chain.path, name],
        columns: [...chain.columns, node.end - name.length + 1],
        computed: chain.computed,
        isOptional: chain.isOptional || node.op === '.?',
      }
    );
  }
  if (node.op !== '[]' && node.op !== '[?]') return undefined;
  const chain = chainOf(node.args[0]);
  if (chain === undefined) return undefined;
  const key = node.args[1];
  const literal = key.op === 'value' && key.args !== null;
  return {
    path: [...chain.path, literal ? String(key.args) : undefined],
    columns: [...chain.columns, key.start + 1],
    computed: literal ? chain.computed : [...chain.computed, key],
    isOptional: chain.isOptional || node.op === '[?]',
  };
}

/** What stands directly in a node. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/** Whether a tree goes through a list, whether it makes one of a text, and of how many nodes it is. */
export function shapeOf(tree: ASTNode): { readonly loops: boolean; readonly splits: boolean; readonly nodes: number } {
  const shape = { loops: false, splits: false, nodes: 0 };
  const pending: ASTNode[] = [tree];
  // The list grows while it is walked.
  for (const node of pending) {
    shape.nodes++;
    if (node.op === 'call' || node.op === 'rcall') {
      shape.loops ||= BINDERS.has(node.args[0]);
      shape.splits ||= node.args[0] === 'split';
    }
    pending.push(...childrenOf(node));
  }
  return shape;
}
