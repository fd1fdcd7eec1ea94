/**
 * Conditions against the schemas of what they read, when a document is loaded: names that are not there, operators that the
 * types do not have, and a result that can be neither true nor false. Where a schema does not say, nothing is assumed.
 */
import { Environment } from '@marcbachmann/cel-js';
import { attempt, CEL_OPTIONS } from './expression.ts';
import { known } from './reads.ts';
import type { Variable } from './reads.ts';
import { schemaAt, type SchemaType } from './schema-path.ts';

/** What the values are that expressions read. JSON Schemas; undefined where nothing is known. */
export interface Schemas {
  readonly input: unknown;
  /** Of the output of a task. */
  output(task: string): unknown;
  /** Of the output of the task itself, where that is read. */
  readonly result?: unknown;
}

/** What an expression is for. */
export type Purpose = 'condition' | 'switch';

/** What stands in an expression in place of what it reads, while its types are checked: short, for columns must not move. */
const STAND_INS: ReadonlyMap<SchemaType, string> = new Map([
  ['string', '_S_'],
  ['number', '_N_'],
  ['boolean', '_B_'],
  ['array', '_L_'],
  ['object', '_M_'],
]);

const environment = new Environment(CEL_OPTIONS)
  .registerVariable('_S_', 'string')
  .registerVariable('_N_', 'double')
  .registerVariable('_B_', 'bool')
  .registerVariable('_L_', 'list')
  .registerVariable('_M_', 'map')
  // They are there at run time, where numbers of JSON meet whole numbers; only the check does not know them.
  .registerOperator('double == int', () => true)
  .registerOperator('double in list<int>', () => true)
  .registerOperator('double in list<double>', () => true);

const FITS: Readonly<Record<Purpose, ReadonlySet<string>>> = {
  condition: new Set(['bool', 'dyn']),
  switch: new Set(['bool', 'string', 'int', 'uint', 'double', 'dyn']),
};
const WANTED: Readonly<Record<Purpose, string>> = {
  condition: 'a condition has to give true or false, so compare it with something',
  switch: 'a switch has to give a text, a number, true or false',
};

/** Finds the nearest of known names. */
export type Suggest = (word: string, names: ReadonlySet<string>) => string;

/**
 * Reads of what a schema does not have; each a message. Where a schema allows fields that it does not name, only what
 * looks like a mistyped one is reported.
 */
export function unknownFields(variables: readonly Variable[], schemas: Schemas, suggest: Suggest): readonly string[] {
  return variables.flatMap((variable) => {
    const { schema, below } = schemaOf(variable, schemas);
    const place = schemaAt(schema, variable.path.slice(below));
    if (!('step' in place)) return [];
    const step = below + place.step;
    const name = variable.path[step] ?? '?';
    const owner = variable.path.slice(0, step).join('.');
    const at = variable.columns?.[step];
    const where = at === undefined ? variable.at : `column ${at}`;
    if (place.known === undefined)
      return [`${where}: reads ${JSON.stringify(name)} of ${owner}, which is ${A[place.type]}`];
    const hint = suggest(name, place.known);
    if (hint === '' && !place.closed) return [];
    return [
      `${where}: reads ${JSON.stringify(name)} of ${owner}, which its schema does not have${hint || known(place.known)}`,
    ];
  });
}

/**
 * Checks operators, functions and the result.
 *
 * @throws FermataError `expressionFailed` with the column
 */
export function checkTypes(
  expression: string,
  variables: readonly Variable[],
  schemas: Schemas,
  purpose: Purpose,
): string | undefined {
  const typed = withStandIns(expression, variables, schemas);
  const type = attempt(expression, () => {
    const result = environment.check(typed);
    if (result.error !== undefined) throw result.error;
    return result.type ?? 'dyn';
  });
  if (FITS[purpose].has(type)) return undefined;
  const hint = type.startsWith('optional') ? 'write .orValue(…) behind it' : WANTED[purpose];
  return `gives ${typeName(type)}: ${hint}`;
}

/** The same expression, as long as before, over variables whose types are declared. */
function withStandIns(expression: string, variables: readonly Variable[], schemas: Schemas): string {
  let typed = expression;
  for (const variable of variables) {
    if (variable.span === undefined) continue;
    const place = typeOfVariable(variable, schemas);
    const standIn = STAND_INS.get(place);
    const [start, end] = variable.span;
    if (standIn === undefined || end - start < standIn.length) continue;
    typed = `${typed.slice(0, start)}${standIn.padEnd(end - start)}${typed.slice(end)}`;
  }
  return typed;
}

function typeOfVariable(variable: Variable, schemas: Schemas): SchemaType {
  const [root, , member] = variable.path;
  if (root === 'tasks' && member === 'status' && variable.path.length === 3) return 'string';
  const { schema, below } = schemaOf(variable, schemas);
  const place = schemaAt(schema, variable.path.slice(below));
  return 'step' in place ? 'any' : place.type;
}

/** The schema that a variable reads from, and how many of its steps lead there. */
function schemaOf({ path }: Variable, schemas: Schemas): { readonly schema: unknown; readonly below: number } {
  const [root, name, member] = path;
  if (root === 'input') return { schema: schemas.input, below: 1 };
  if (root === 'result') return { schema: schemas.result, below: 1 };
  const isOutput = root === 'tasks' && name !== undefined && member === 'output';
  return { schema: isOutput ? schemas.output(name) : undefined, below: Math.min(3, path.length) };
}

const A: Readonly<Record<SchemaType, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  any: 'a value',
};

/** A type of CEL in the words of our messages. */
function typeName(type: string): string {
  if (type === 'string') return A.string;
  if (type === 'int' || type === 'uint' || type === 'double') return A.number;
  if (type.startsWith('list')) return A.array;
  if (type.startsWith('map')) return A.object;
  return type === 'bool' ? A.boolean : `a value of the type ${type}`;
}
