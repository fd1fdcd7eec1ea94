/**
 * Expressions: CEL, over the same names as prompts. It cannot loop for ever, and what would let one expression occupy
 * the process is refused at load (`cel-reads.ts`).
 */
import { Environment, type ASTNode, type ParseResult } from '@marcbachmann/cel-js';
import { FermataError } from '../errors.ts';
import { ParseCache } from './cache.ts';
import { shapeOf, variablesOf, type Refuse } from './cel-reads.ts';
import { searchesOf } from './cel-searches.ts';
import { fromCel, toCel } from './cel-value.ts';
import { MOST_STEPS, stepsOf, valueIn, type Work } from './cel-work.ts';
import { excerpt, type Path } from './faults.ts';
import { readsOfVariables, type Reads, type Scope, type Variable } from './reads.ts';

/** The language: what is not here is CEL's own. */
export const CEL_OPTIONS = {
  // Names are checked by us, with the nearest name in the message and every fault at once.
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 2_000, maxDepth: 50 },
} as const;
const environment = new Environment(CEL_OPTIONS);
const programs = new ParseCache<Program>(2_000, (text) => {
  const parsed = environment.parse(text);
  return { parsed, work: workOf(text, parsed.ast) };
});

interface Program {
  readonly parsed: ParseResult;
  readonly work: Work | undefined;
}

/** What there is to count where an expression goes through lists, or looks for one text in another. */
function workOf(expression: string, ast: ASTNode): Work | undefined {
  const shape = shapeOf(ast);
  const refuse = refusing(expression);
  const searches = searchesOf(ast, refuse);
  if (!shape.loops && searches.length === 0) return undefined;
  return { ...shape, searches, variables: variablesOf(ast, refuse) };
}

function refusing(expression: string): Refuse {
  return (node, reason) => {
    throw failure(expression, node.start, reason);
  };
}

/**
 * What an expression reads.
 *
 * @example
 * readsOfExpression('tasks["my plan"].output.size() > input.n').tasks // ['my plan']
 * @throws FermataError `expressionFailed` where it is not CEL, or holds what is refused
 */
export function readsOfExpression(expression: string): Reads {
  const ast = attempt(expression, () => {
    const { parsed } = programs.get(expression);
    const { error } = parsed.check();
    if (error !== undefined) throw error;
    return parsed.ast;
  });
  // `int`, `optional` and the like are CEL's own.
  const isOurs = ({ path: [root] }: Variable): boolean => root === undefined || !environment.hasVariable(root);
  return readsOfVariables(variablesOf(ast, refusing(expression)).filter(isOurs));
}

/**
 * The value of an expression, as JSON: whole numbers become numbers, timestamps ISO texts; undefined where the result
 * is an empty optional (`input.?depth`).
 *
 * @param own variables that there are here besides those of the scope
 * @example
 * evaluate('input.?depth.orValue(3)', { input: {}, tasks: {} }) // 3
 * @throws FermataError `expressionFailed`, naming the expression and the missing key
 */
export function evaluate(expression: string, scope: Scope, own: Readonly<Record<string, unknown>> = {}): unknown {
  const value: unknown = attempt(expression, () => {
    const { parsed, work } = programs.get(expression);
    const steps = work === undefined ? 0 : stepsOf(work, (variable) => valueIn({ ...scope, ...own }, variable));
    if (steps > MOST_STEPS)
      throw failure(
        expression,
        0,
        `it would take up to ${Math.ceil(steps)} steps, and at most ${MOST_STEPS} are allowed: its lists or texts are too long; use a task of kind code`,
      );
    return parsed({ ...variablesIn(scope), ...(toCel(own) as typeof own) });
  });
  return fromCel(value, (what) => {
    throw failure(expression, 0, `it gives ${what}, which JSON cannot carry; make a text of it: string(x)`);
  });
}

/** What a scope is to CEL: made once, though a task may have many expressions. */
const variables = new WeakMap<Scope, Readonly<Record<string, unknown>>>();

function variablesIn(scope: Scope): Readonly<Record<string, unknown>> {
  const known = variables.get(scope);
  if (known !== undefined) return known;
  const made: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(scope)) {
    if (name === 'input') made[name] = inputIn(value);
    // A number of ours is whole, unlike one of JSON: `index + 1` is what its author means.
    else made[name] = name === 'index' ? BigInt(Number(value)) : toCel(value);
  }
  variables.set(scope, made);
  return made;
}

/** The input of a run is the same value for all of its tasks, and may hold the 10,000 items of a map. */
const inputs = new WeakMap<object, unknown>();

function inputIn(input: unknown): unknown {
  if (typeof input !== 'object' || input === null) return input;
  const known = inputs.get(input);
  if (known !== undefined) return known;
  const made = toCel(input);
  inputs.set(input, made);
  return made;
}

/** A tree (the `input` of a code task) with every expression in it evaluated. An empty optional leaves its field out. */
export function evaluateTree(tree: unknown, scope: Scope, own: Readonly<Record<string, unknown>> = {}): unknown {
  if (typeof tree === 'string') return evaluate(tree, scope, own);
  if (Array.isArray(tree)) return tree.map((entry) => evaluateTree(entry, scope, own) ?? null);
  if (typeof tree !== 'object' || tree === null) return tree;
  const entries = Object.entries(tree).map(([key, entry]): [string, unknown] => [key, evaluateTree(entry, scope, own)]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Every expression of a tree, with its place. */
export function expressionsOf(tree: unknown, path: Path): { readonly path: Path; readonly text: string }[] {
  if (typeof tree === 'string') return [{ path, text: tree }];
  if (typeof tree !== 'object' || tree === null) return [];
  if (Array.isArray(tree)) return tree.flatMap((entry, index) => expressionsOf(entry, [...path, index]));
  return Object.entries(tree).flatMap(([key, entry]) => expressionsOf(entry, [...path, key]));
}

/** Says what is wrong with an expression: `expressionFailed`, with its column, and the key that is missing. */
export function attempt<Result>(expression: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof FermataError) throw thrown;
    const { summary, code, start } = celError(thrown);
    const hint =
      code === 'no_such_overload' && summary.includes('double')
        ? '; numbers of JSON are doubles: write 1.0 for 1, or int(x)'
        : code === 'no_such_key'
          ? '; where it may be absent, write a.?b.orValue(c) or has(a.b)'
          : '';
    const missing = code === 'no_such_key' ? summary.replace('No such key: ', '') : undefined;
    throw failure(expression, start, `${summary}${hint}`, thrown, missing);
  }
}

function failure(expression: string, start: number, reason: string, cause?: unknown, missing?: string): FermataError {
  const subject = `The expression ${JSON.stringify(excerpt(expression, 100))}`;
  const message = `${subject} cannot be evaluated: column ${start + 1}: ${reason}.`;
  return new FermataError('expressionFailed', message, {
    data: { expression, column: start + 1, ...(missing === undefined ? {} : { missing }) },
    cause,
  });
}

function celError(thrown: unknown): { summary: string; code: string; start: number } {
  if (!(thrown instanceof Error)) return { summary: String(thrown), code: '', start: 0 };
  const summary = 'summary' in thrown && typeof thrown.summary === 'string' ? thrown.summary : thrown.message;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  const range: unknown = 'range' in thrown ? thrown.range : undefined;
  const start = typeof range === 'object' && range !== null && 'start' in range ? Number(range.start) : 0;
  return { summary, code, start };
}
