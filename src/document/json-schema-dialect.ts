/**
 * Ajv as it is used here: patterns in linear time, formats that are all checked, defaults only of variants that hold,
 * and a bound for the steps of one check.
 */
import {
  _,
  Ajv2020,
  type Code,
  type CodeKeywordDefinition,
  type ErrorObject,
  type KeywordCxt,
  type KeywordErrorDefinition,
} from 'ajv/dist/2020.js';
import formats, { type FormatName } from 'ajv-formats';
import canonicalize from 'canonicalize';
import { RE2JS } from 're2js';
import { FermataError } from '../errors.ts';

/** Schemas that may be visited: at least, and for each value inside of the one that is checked. */
const LEAST_STEPS = 500_000;
const STEPS_PER_VALUE = 50;
/** What takes about as long as a visit: to compare so many characters, to follow so many states of a pattern. */
const CHARACTERS_PER_STEP = 50;
const STATES_PER_STEP = 500;
/** Longer ones are programs: one of 100,000 characters takes a second to read. */
const LONGEST_PATTERN = 1_000;

type KeywordErrorCxt = Parameters<Extract<NonNullable<KeywordErrorDefinition['params']>, (cxt: never) => Code>>[0];

const DATES: readonly FormatName[] = ['date-time', 'date', 'time', 'duration'];
const NAMES: readonly FormatName[] = ['email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uri-reference', 'uuid'];
const OWN_FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  regex: (text) => patternFault(text) === undefined,
  base64: (text) => /^[a-z0-9+/]*={0,2}$/i.test(text) && text.length % 4 === 0,
  base64url: (text) => /^[\w-]*={0,2}$/.test(text),
};
/** Names of the formats that are checked. */
export const FORMAT_NAMES: readonly string[] = [...DATES, ...NAMES, ...Object.keys(OWN_FORMATS)];

/** Keywords that only prepared schemas have: what a visit costs, and defaults of properties by their names. */
export const STEPS = 'fermata:steps';
export const DEFAULTS = 'fermata:defaults';

const REPORTS = { allErrors: true, verbose: true, messages: false } as const;

/**
 * A validator that tells the errors of a value, and puts defaults in place in a value without errors.
 *
 * @throws FermataError `invalidDocument`, from the validator, where a check takes too many steps
 */
export function compile(
  schema: Readonly<Record<string, unknown>> | boolean,
): (value: unknown) => readonly ErrorObject[] {
  const check = new Running();
  // One Ajv for each schema: Ajv keeps what it compiles for as long as it lives.
  const validate = dialect(check).compile(schema);
  return (value) => {
    check.begin(value);
    if (!validate(value)) return validate.errors ?? [];
    for (const { object, name, value: absent } of check.additions) {
      // An assignment to `__proto__` would change what the object is.
      const property = { value: structuredClone(absent), writable: true, enumerable: true, configurable: true };
      if (!Object.hasOwn(object, name)) Object.defineProperty(object, name, property);
    }
    return [];
  };
}

/** Why a text is no pattern that can be tested in linear time, as the end of a sentence about it. */
export function patternFault(source: string): string | undefined {
  if (source.length > LONGEST_PATTERN) return `has ${source.length} characters: at most ${LONGEST_PATTERN} are allowed`;
  try {
    patternOf(source);
    return undefined;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message.replace('error parsing regexp: ', '') : String(thrown);
    if (/`\(\?<?[=!]/.test(reason))
      return 'looks ahead or behind: write each condition as a pattern of its own, in allOf';
    if (/`\\[1-9k]/.test(reason)) return 'refers back to a group, which has no bounded time';
    return `cannot be read: ${reason}`;
  }
}

function patternOf(source: string): RE2JS {
  // RE2 matches characters, never the half of one.
  const whole = source.replace(/\\u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})/gi, (_pair, high: string, low: string) =>
    String.fromCharCode(parseInt(high, 16), parseInt(low, 16)),
  );
  return RE2JS.compile(RE2JS.translateRegExp(whole));
}

/** Entries of a list that an earlier one equals: `[index, index of the earlier one]`. */
export function duplicates(list: readonly unknown[]): (readonly [number, number])[] {
  const first = new Map<string | undefined, number>();
  return list.flatMap((value, index) => {
    const key = canonicalize(value);
    const before = first.get(key);
    if (before === undefined) first.set(key, index);
    return before === undefined ? [] : [[index, before] as const];
  });
}

/** A check under way. */
class Running {
  #steps = 0;
  /** Defaults for absent properties, of the variants that hold so far. */
  readonly additions: { readonly object: object; readonly name: string; readonly value: unknown }[] = [];

  begin(value: unknown): void {
    this.#steps = LEAST_STEPS + STEPS_PER_VALUE * sizeOf(value);
    this.additions.length = 0;
  }

  spend(steps: number): void {
    this.#steps -= steps;
    if (this.#steps >= 0) return;
    const message = 'takes too long to check: its schema has too many variants, or patterns, for so large a value';
    throw new FermataError('invalidDocument', message);
  }
}

function dialect(check: Running): Ajv2020 {
  const regExp = (source: string) => {
    const pattern = patternOf(source);
    const test = (text: string): boolean => {
      check.spend((text.length * pattern.programSize()) / STATES_PER_STEP);
      return pattern.test(text);
    };
    // By this text Ajv tells patterns apart.
    return { test, toString: () => source };
  };
  const ajv = new Ajv2020({
    ...REPORTS,
    strict: false,
    logger: false,
    meta: false,
    validateSchema: false,
    ownProperties: true,
    multipleOfPrecision: 6,
    code: { optimize: false, regExp: Object.assign(regExp, { code: 'pattern' }) },
  });
  formats.default(ajv, [...DATES, ...NAMES]);
  for (const [name, test] of Object.entries(OWN_FORMATS)) ajv.addFormat(name, test);
  followVariants(ajv, check);
  ajv.addKeyword({
    keyword: STEPS,
    code({ gen, schema, parentSchema }) {
      // For each reference Ajv copies the errors that were found before it.
      const copied = parentSchema['$ref'] === undefined ? _`0` : _`(errors >> 5)`;
      gen.code(_`${gen.scopeValue('obj', { ref: check })}.spend(${Number(schema)} + ${copied})`);
    },
  });
  ajv.addKeyword({
    keyword: DEFAULTS,
    type: 'object',
    compile: (defaults: readonly (readonly [string, unknown])[]) => (object: object) => {
      for (const [name, value] of defaults)
        if (!Object.hasOwn(object, name)) check.additions.push({ object, name, value });
      return true;
    },
  });
  // Ajv's own compare each entry with each other, and each value with each option.
  ajv.removeKeyword('uniqueItems').addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    compile: (wanted: boolean) => (list: readonly unknown[]) => !wanted || duplicates(list).length === 0,
  });
  ajv.removeKeyword('enum').addKeyword({
    keyword: 'enum',
    compile: (options: readonly unknown[]) => {
      const known = new Set(options.map((option) => canonicalize(option)));
      return (value: unknown) => {
        const text = canonicalize(value);
        check.spend((text?.length ?? 0) / CHARACTERS_PER_STEP);
        return known.has(text);
      };
    },
  });
  return ajv;
}

/** Takes back the defaults of variants that fail, and tells with an error where the errors of each variant end. */
function followVariants(ajv: Ajv2020, check: Running): Ajv2020 {
  for (const keyword of ['anyOf', 'oneOf', 'not', 'if', 'contains']) {
    const definition = ajv.getKeyword(keyword) as CodeKeywordDefinition;
    const own = definition.error?.params;
    const params = (cxt: KeywordErrorCxt): Code => {
      const before = typeof own === 'function' ? own(cxt) : (own ?? _`{}`);
      return _`{...${before}, start: ${cxt.errsCount}, ends: ${cxt.params['ends'] ?? _`[]`}}`;
    };
    const code = (cxt: KeywordCxt): void => {
      const { gen } = cxt;
      const additions = _`${gen.scopeValue('obj', { ref: check })}.additions`;
      const ends = gen.const('ends', _`[]`);
      const subschema = cxt.subschema.bind(cxt);
      cxt.subschema = (part, valid) => {
        const count = gen.const('count', _`${additions}.length`);
        const inner = subschema(part, valid);
        gen.code(_`${ends}.push(errors)`).code(_`if (!${valid}) ${additions}.length = ${count}`);
        cxt.setParams({ ends }, true);
        return inner;
      };
      definition.code(cxt);
    };
    ajv.removeKeyword(keyword).addKeyword({ ...definition, error: { message: '', params }, code });
  }
  return ajv;
}

function sizeOf(root: unknown): number {
  const pending = [root];
  for (const value of pending) {
    if (typeof value !== 'object' || value === null) continue;
    for (const entry of Object.values(value)) pending.push(entry);
  }
  return pending.length;
}

/** Knows the keywords, and what they must be like. */
export const standard = followVariants(new Ajv2020({ ...REPORTS, validateFormats: false }), new Running());
