/** From a document as written (a value, or a text in JSON or YAML) to its inner form, or to all its faults at once. */
import { LineCounter, parseDocument as parseYaml, type YAMLError } from 'yaml';
import { FermataError, type Fault } from '../errors.ts';
import type { Definition } from './definition.ts';
import { checkAnswerBounds } from './check-models.ts';
import { Faults, faultsMessage, formatPath, type Path } from './faults.ts';
import { checkItemNames } from './item-names.ts';
import { isRecord, walkJson } from './json.ts';
import { duplicateField, type Duplicate } from './json-text.ts';
import { checkLinks } from './links.ts';
import { normalise } from './normalise.ts';
import { outlineOf } from './outline.ts';
import { LIMITS } from './fields.ts';
import { checkKeptNames } from './round-names.ts';
import { checkSchema, checkShape, listOf } from './shape.ts';
import { atOnce, inTurns, type LetOthers, type Steps } from './steps.ts';
import { duplicateKeys } from './yaml-keys.ts';

/** Documents in documents; runs of them are refused at the same depth. */
const MOST_NESTED = 8;
/** After the first faults of syntax, the rest are mostly their consequences. */
const MOST_SYNTAX_FAULTS = 20;
const ALIAS_BOMB: Fault = { path: '', message: 'its aliases unfold to too much: write out what they stand for' };
const TOO_DEEP: Fault = { path: '', message: 'it is nested too deep' };

/** Where a document comes from. */
export interface Provenance {
  /** It was checked when it was stored, by this version or by an earlier one that did not refuse as much: its runs go on. */
  readonly stored?: boolean;
}

/**
 * Checks a document and gives its inner form. Faults of fields never hide faults of the graph: whatever can be read is
 * checked.
 *
 * @param source the document as a JSON value
 * @example
 * parseDocument({ name: 'hello', tasks: [{ name: 'greet', prompt: 'Greet {{ input.name }}' }] }).breadth // 3
 * @throws FermataError `invalidDocument` with every fault, or `notSupported` where all of them await a later version
 */
export function parseDocument(source: unknown, provenance: Provenance = {}): Definition {
  return atOnce(checkDocument(source, provenance));
}

const inline = new WeakMap<object, Definition>();

/** The inner form of a document that stands inside of another one. It is asked for at each start, and as lasting as that one. */
export function parseInline(document: Readonly<Record<string, unknown>>): Definition {
  const known = inline.get(document);
  if (known !== undefined) return known;
  const definition = parseDocument(document, { stored: true });
  inline.set(document, definition);
  return definition;
}

/**
 * `parseDocument` for a process that serves others meanwhile: it does a millisecond or two of the work at a time.
 *
 * @example
 * const { tasks } = await parseInTurns(document);
 * @throws FermataError as `parseDocument`
 */
export function parseInTurns(source: unknown, letOthers?: LetOthers, provenance: Provenance = {}): Promise<Definition> {
  return inTurns(checkDocument(source, provenance), letOthers);
}

/** @param depth documents that it stands in, and itself */
function* checkDocument(source: unknown, provenance: Provenance, depth = 1): Steps<Definition> {
  const subject = subjectOf(source);
  const faults = new Faults();
  const { structure, nul } = yield* walkJson(source);
  for (const { path, message } of [...structure, ...nul]) faults.add(path, message);
  // What contains itself, or is nested without end, cannot be walked by the other checks.
  if (structure.length > 0) faults.throwIfAny(subject);

  const document = yield* checkShape(source, faults);
  checkKeptNames(listOf(source), faults);
  if (provenance.stored !== true) checkAnswerBounds(listOf(source), faults);
  checkSchema(isRecord(source) ? source['input'] : undefined, ['input'], faults);
  yield* checkInline(source, provenance, faults, depth);
  const outline = yield* outlineOf(source);
  checkItemNames(outline.tasks, faults);
  const links = yield* checkLinks(outline, faults);
  faults.throwIfAny(subject);
  if (document === undefined)
    throw new FermataError('internal', `${subject} was refused without a reason. Please report this.`);
  return yield* normalise(document, links);
}

/**
 * Checks a document in JSON or YAML.
 *
 * @example
 * parseText('name: hello\ntasks:\n  - { name: greet, prompt: Hi }').tasks.length // 1
 * @throws FermataError as `parseDocument`; faults of syntax have the path `LINE:COLUMN`
 */
export function parseText(text: string): Definition {
  return parseDocument(readText(text));
}

/**
 * The value of a text that has to be JSON: the document as written.
 *
 * @throws FermataError `malformedJson`; `invalidDocument` where a field is given twice
 */
export function readJsonText(text: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    throw new FermataError(
      'malformedJson',
      `The body is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}.`,
    );
  }
  refuseDuplicate(text);
  return json;
}

/**
 * The value that a text in JSON or YAML stands for: the document as written, to be kept as it is.
 *
 * @throws FermataError `invalidDocument` with the faults of syntax, each with line and column
 */
export function readText(text: string): unknown {
  const json = readJson(text);
  if (json !== undefined) {
    refuseDuplicate(text);
    return json;
  }
  if (text.length > LIMITS.yamlLength) {
    const message = `expected at most ${LIMITS.yamlLength} characters of YAML, came ${text.length}: give it as JSON, which is read at once`;
    throw syntaxError([{ path: '', message }]);
  }
  const lines = new LineCounter();
  try {
    const document = parseYaml(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
    // A tag that is not resolved would silently be a text.
    const findings = [...document.errors, ...document.warnings];
    if (findings.length === 0) {
      const twice = duplicateKeys(document).slice(0, MOST_SYNTAX_FAULTS);
      if (twice.length > 0) throw syntaxError(twice.map((duplicate) => duplicateFault(duplicate, text)));
      return document.toJS({ maxAliasCount: 100 });
    }
    if (findings.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) throw syntaxError([TOO_DEEP]);
    throw syntaxError(findings.slice(0, MOST_SYNTAX_FAULTS).map((error) => syntaxFault(error, lines)));
  } catch (thrown) {
    if (thrown instanceof FermataError) throw thrown;
    throw syntaxError([thrown instanceof ReferenceError ? ALIAS_BOMB : TOO_DEEP], thrown);
  }
}

function refuseDuplicate(text: string): void {
  const duplicate = duplicateField(text);
  if (duplicate === undefined) return;
  throw syntaxError([duplicateFault(duplicate, text)]);
}

function duplicateFault({ name, offset }: Duplicate, text: string): Fault {
  return placedFault(`${JSON.stringify(name)} is given twice`, text, offset);
}

/** YAML reads JSON as well, but fifty times slower, and large documents are JSON. What is not JSON, YAML explains. */
function readJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function syntaxFault({ code, message, pos }: YAMLError, lines: LineCounter): Fault {
  const { line, col } = lines.linePos(pos[0]);
  const reason = code === 'MULTIPLE_DOCS' ? 'a second document begins here: give each in a text of its own' : message;
  return { path: `${line}:${col}`, message: `line ${line}, column ${col}: ${reason}` };
}

function placedFault(message: string, text: string, offset: number): Fault {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - before.lastIndexOf('\n');
  return { path: `${line}:${column}`, message: `line ${line}, column ${column}: ${message}` };
}

function syntaxError(faults: readonly Fault[], cause?: unknown): FermataError {
  const unplaced = faults.map(({ message }) => ({ path: '', message }));
  return new FermataError('invalidDocument', faultsMessage('The text, as JSON or YAML,', unplaced), { faults, cause });
}

/** Whole documents that tasks run as sub-workflows, and the task of a map's items. */
function* checkInline(source: unknown, provenance: Provenance, faults: Faults, depth: number): Steps<void> {
  for (const [position, task] of listOf(source).entries()) {
    const outer: Path = ['tasks', position];
    const inner = isRecord(task) && task['kind'] === 'map' ? task['task'] : task;
    if (!isRecord(inner) || inner['kind'] !== 'subworkflow' || !isRecord(inner['workflow'])) continue;
    const place = formatPath([...outer, ...(inner === task ? [] : ['task']), 'workflow']);
    if (depth >= MOST_NESTED) {
      faults.add(place, `stands inside of ${MOST_NESTED} other documents: expected at most ${MOST_NESTED}`);
      continue;
    }
    try {
      yield* checkDocument(inner['workflow'], provenance, depth + 1);
    } catch (thrown) {
      if (!(thrown instanceof FermataError) || thrown.faults === undefined) throw thrown;
      for (const { path, message } of thrown.faults) faults.add(path === '' ? place : `${place}.${path}`, message);
    }
  }
}

function subjectOf(source: unknown): string {
  const name = isRecord(source) ? source['name'] : undefined;
  return typeof name === 'string' ? `The workflow document ${JSON.stringify(name)}` : 'The workflow document';
}
