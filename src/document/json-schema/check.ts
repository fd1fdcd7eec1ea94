/**
 * A value against a JSON Schema, keyword by keyword: all of those that stand in one schema must hold. Says what was
 * expected and what came, as the checks of documents do.
 */
import { describeValue, excerpt, type Path } from '../faults.ts';
import { isRecord } from '../json.ts';
import { didYouMean } from '../nearest.ts';
import { canonical } from './canonical.ts';
import {
  bounds,
  duplicates,
  expectationOf,
  failed,
  isThere,
  joined,
  mismatch,
  noneOf,
  NOTHING,
  numberFindings,
  type Finding,
  type Findings,
  type Value,
} from './findings.ts';
import { hasFormat } from './formats.ts';
import type { JsonSchema } from './keywords.ts';
import { Pattern } from './pattern.ts';
import { targetOf } from './references.ts';
import { typeFinding } from './types.ts';

/** Longer texts are not tested on patterns and formats, but refused: their time must be bounded. */
export const LONGEST_TESTED = 10_000;
/** Schemas, and states of patterns, that may be visited: at least, and for each value inside of the one that is checked. */
const LEAST_STEPS = 500_000;
const STEPS_PER_VALUE = 50;
/** States of a pattern that take about the time of one schema. */
const STATES_PER_STEP = 10;
/** Characters that are compared in about that time. */
const CHARACTERS_PER_STEP = 50;
/** Among more names the nearest is not looked for, and more values are not listed: it would be done for each fault. */
const MOST_NAMES = 100;
const MOST_LISTED = 10;

type Schema = JsonSchema | boolean;

/** What is read from a schema once, however many values it checks. */
interface Compiled {
  readonly pattern: Pattern | undefined;
  readonly patternProperties: readonly (readonly [Pattern, Schema])[];
  /** What `enum` and `const` allow, in the form that equal values share. */
  readonly options: ReadonlySet<string> | undefined;
  readonly constant: string | undefined;
}
const compiled = new WeakMap<JsonSchema, Compiled>();

/** Checks one value against one schema without faults (`keywordFaults`). */
export class Check {
  readonly #root: JsonSchema;
  #steps: number;

  constructor(root: JsonSchema, value: unknown) {
    this.#root = root;
    this.#steps = LEAST_STEPS + STEPS_PER_VALUE * sizeOf(value);
  }

  /** Everything that does not hold of `value`, which stands at `path`. */
  run(value: unknown, path: Path): Findings {
    const found = this.#schema(this.#root, { value, path });
    if (this.#steps >= 0) return found;
    const message = 'takes too long to check: its schema has too many variants, or patterns, for so large a value';
    return { findings: [{ path, message }], additions: [] };
  }

  #schema(schema: Schema, at: Value): Findings {
    this.#steps -= 1;
    if (this.#steps < 0) return NOTHING;
    if (schema === true) return NOTHING;
    if (schema === false) return failed(at, 'must not be there');
    const type = typeFinding(schema, at);
    // What is not even of the right type breaks all other keywords as well, which helps nobody.
    if (type !== undefined) return { findings: [type], additions: [] };
    const { value } = at;
    const found = this.#valueFindings(schema, at);
    if (typeof value === 'string') found.push(...this.#textFindings(schema, value, at));
    if (typeof value === 'number') found.push(...numberFindings(schema, value, at));
    const parts: Findings[] = found.length === 0 ? [] : [{ findings: found, additions: [] }];
    if (Array.isArray(value)) parts.push(this.#list(schema, value, at));
    else if (isRecord(value)) parts.push(this.#object(schema, value, at));
    return joined([...parts, ...this.#combined(schema, at)]);
  }

  #valueFindings(schema: JsonSchema, at: Value): Finding[] {
    const found: Finding[] = [];
    const { value } = at;
    const { options, constant } = this.#compiled(schema);
    if (options === undefined && constant === undefined) return found;
    const text = canonical(value);
    this.#steps -= Math.ceil(text.length / CHARACTERS_PER_STEP);
    if (options !== undefined && !options.has(text)) {
      const shown = [...options.values().take(MOST_LISTED)].join(' or ');
      const more = options.size > MOST_LISTED ? ` or one of ${options.size - MOST_LISTED} more` : '';
      const hint = typeof value === 'string' && options.size <= MOST_NAMES ? didYouMean(value, textsOf(schema)) : '';
      found.push(mismatch(at, shown + more, hint));
    }
    if (constant !== undefined && constant !== text) found.push(mismatch(at, excerpt(constant, 100)));
    return found;
  }

  #textFindings(schema: JsonSchema, text: string, at: Value): Finding[] {
    const { format, pattern: source } = schema;
    const { pattern } = this.#compiled(schema);
    const isBounded = schema['minLength'] !== undefined || schema['maxLength'] !== undefined;
    const length = isBounded ? lengthOf(text) : text.length;
    const found = bounds(schema, ['minLength', 'maxLength'], length, ' characters', at);
    if (pattern === undefined && format === undefined) return found;
    if (text.length > LONGEST_TESTED) {
      const message = `has ${length} characters: expected at most ${LONGEST_TESTED} where a pattern or a format is tested`;
      return [...found, { path: at.path, message }];
    }
    if (pattern !== undefined && !this.#matches(pattern, text)) {
      found.push(mismatch(at, `a text that matches ${JSON.stringify(source)}`));
    }
    if (typeof format === 'string' && !hasFormat(text, format)) {
      found.push(mismatch(at, `a text of the format ${JSON.stringify(format)}`));
    }
    return found;
  }

  #list(schema: JsonSchema, list: readonly unknown[], at: Value): Findings {
    const { items, additionalItems, uniqueItems, contains } = schema;
    const prefix = (schema['prefixItems'] ?? (Array.isArray(items) ? items : [])) as readonly Schema[];
    const rest = (Array.isArray(items) ? additionalItems : items) as Schema | undefined;
    const found = bounds(schema, ['minItems', 'maxItems'], list.length, ' entries', at);
    if (contains !== undefined) found.push(...this.#contained(schema, list, at));
    const parts: Findings[] = [{ findings: found, additions: [] }];
    if (uniqueItems === true) parts.push({ findings: duplicates(list, at), additions: [] });
    for (const [index, value] of list.entries()) {
      const part = prefix[index] ?? rest;
      if (part === undefined) continue;
      const result = this.#schema(part, { value, path: [...at.path, index] });
      if (result !== NOTHING) parts.push(result);
    }
    return joined(parts);
  }

  #contained(schema: JsonSchema, list: readonly unknown[], at: Value): Finding[] {
    const { contains, minContains, maxContains } = schema;
    const matching = list.filter((value) => this.#holds(contains as Schema, { value, path: at.path })).length;
    return bounds(
      { least: minContains ?? 1, most: maxContains },
      ['least', 'most'],
      matching,
      ' entries of "contains"',
      at,
    );
  }

  #object(schema: JsonSchema, object: Readonly<Record<string, unknown>>, at: Value): Findings {
    const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>;
    const required = new Set((schema['required'] ?? []) as readonly string[]);
    const names = Object.keys(object).filter((name) => object[name] !== undefined);
    const entries = Object.entries(properties);
    // An empty object against 10,000 properties is not for nothing.
    this.#steps -= entries.length + required.size;
    const found = bounds(schema, ['minProperties', 'maxProperties'], names.length, ' fields', at);
    const parts: Findings[] = [];
    for (const [name, part] of entries) {
      const place = [...at.path, name];
      if (isThere(object, name)) parts.push(this.#schema(part, { value: object[name], path: place }));
      else if (isRecord(part) && part['default'] !== undefined)
        parts.push({ findings: [], additions: [{ path: place, value: part['default'] }] });
      else if (required.has(name))
        parts.push(failed({ value: undefined, path: place }, `is required${expectationOf(part)}`));
    }
    for (const name of required) {
      if (!Object.hasOwn(properties, name) && !isThere(object, name))
        found.push({ path: [...at.path, name], message: 'is required' });
    }
    const others = this.#others(schema, properties, object, names, at);
    return joined([...parts, { findings: found, additions: [] }, ...others, ...this.#dependencies(schema, object, at)]);
  }

  /** Fields by pattern, fields that nothing names, and the names themselves. */
  #others(
    schema: JsonSchema,
    properties: Readonly<Record<string, Schema>>,
    object: Readonly<Record<string, unknown>>,
    names: readonly string[],
    at: Value,
  ): Findings[] {
    const { patternProperties } = this.#compiled(schema);
    const rest = schema['additionalProperties'] as Schema | undefined;
    const nameSchema = schema['propertyNames'] as Schema | undefined;
    // A name that is only required is one that the author knows: refused as unknown, nothing could ever be right.
    const known = new Set([...Object.keys(properties), ...((schema['required'] ?? []) as readonly string[])]);
    const hint = (name: string): string => (known.size <= MOST_NAMES ? didYouMean(name, known) : '');
    return names.flatMap((name) => {
      const field: Value = { value: object[name], path: [...at.path, name] };
      const tooLong = patternProperties.length > 0 && name.length > LONGEST_TESTED;
      const matching = tooLong ? [] : patternProperties.filter(([pattern]) => this.#matches(pattern, name));
      const found = matching.map(([, part]) => this.#schema(part, field));
      const isOther = matching.length === 0 && !known.has(name);
      if (tooLong) found.push(failed(field, `has a name of more than ${LONGEST_TESTED} characters`));
      else if (isOther && rest === false)
        found.push(failed(field, `unknown field ${JSON.stringify(name)}${hint(name)}`));
      else if (isOther && rest !== undefined) found.push(this.#schema(rest, field));
      if (nameSchema !== undefined) found.push(this.#schema(nameSchema, { value: name, path: field.path }));
      return found;
    });
  }

  #dependencies(schema: JsonSchema, object: Readonly<Record<string, unknown>>, at: Value): Findings[] {
    const entries = ['dependentRequired', 'dependentSchemas', 'dependencies'].flatMap((key) =>
      Object.entries((schema[key] ?? {}) as Readonly<Record<string, Schema | readonly string[]>>),
    );
    return entries.flatMap(([name, needed]) => {
      if (!isThere(object, name)) return [];
      if (!Array.isArray(needed)) return [this.#schema(needed as Schema, at)];
      return needed
        .filter((other: string) => !isThere(object, other))
        .map((other: string) =>
          failed({ value: undefined, path: [...at.path, other] }, `is required where ${JSON.stringify(name)} is given`),
        );
    });
  }

  #combined(schema: JsonSchema, at: Value): Findings[] {
    const { $ref, not, anyOf, oneOf, allOf, if: condition } = schema;
    const found = ((allOf ?? []) as readonly Schema[]).map((part) => this.#schema(part, at));
    if (typeof $ref === 'string') found.push(this.#schema(targetOf(this.#root, $ref) ?? true, at));
    if (anyOf !== undefined) found.push(this.#anyOf(anyOf as readonly Schema[], at));
    if (oneOf !== undefined) found.push(this.#oneOf(oneOf as readonly Schema[], at));
    if (not !== undefined && this.#holds(not as Schema, at))
      found.push(failed(at, `is what "not" excludes, came ${describeValue(at.value)}`));
    if (condition !== undefined) {
      const branch = schema[this.#holds(condition as Schema, at) ? 'then' : 'else'];
      if (branch !== undefined) found.push(this.#schema(branch as Schema, at));
    }
    return found;
  }

  #anyOf(variants: readonly Schema[], at: Value): Findings {
    const failures: Findings[] = [];
    for (const variant of variants) {
      const found = this.#schema(variant, at);
      if (found.findings.length === 0) return found;
      failures.push(found);
    }
    return noneOf(failures, at);
  }

  #oneOf(variants: readonly Schema[], at: Value): Findings {
    const results = variants.map((variant) => this.#schema(variant, at));
    const right = results.filter(({ findings }) => findings.length === 0);
    const [only] = right;
    if (right.length > 1) return failed(at, `expected exactly one of "oneOf", but ${right.length} of them hold`);
    return only ?? noneOf(results, at);
  }

  #holds(schema: Schema, at: Value): boolean {
    return this.#schema(schema, at).findings.length === 0;
  }

  #matches(pattern: Pattern, text: string): boolean {
    return pattern.test(text, (states) => {
      this.#steps -= Math.ceil(states / STATES_PER_STEP);
    });
  }

  #compiled(schema: JsonSchema): Compiled {
    const known = compiled.get(schema);
    if (known !== undefined) return known;
    const { pattern, patternProperties, enum: options } = schema;
    const made: Compiled = {
      pattern: typeof pattern === 'string' ? new Pattern(pattern) : undefined,
      patternProperties: Object.entries((patternProperties ?? {}) as Readonly<Record<string, Schema>>).map(
        ([source, part]) => [new Pattern(source), part] as const,
      ),
      options: Array.isArray(options) ? new Set(options.map(canonical)) : undefined,
      constant: Object.hasOwn(schema, 'const') ? canonical(schema['const']) : undefined,
    };
    compiled.set(schema, made);
    return made;
  }
}

function textsOf(schema: JsonSchema): readonly string[] {
  return (schema['enum'] as readonly unknown[]).filter((option) => typeof option === 'string');
}

/** In characters, not in UTF-16 units. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

function sizeOf(root: unknown): number {
  const pending = [root];
  for (const value of pending) {
    if (typeof value !== 'object' || value === null) continue;
    for (const entry of Object.values(value)) pending.push(entry);
  }
  return pending.length;
}
