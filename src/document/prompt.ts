/**
 * Prompts: Liquid, locked down. A template sees `input` and `tasks` and nothing else: no files, no prototype, no clock,
 * no chance, no endless loop. A value that is put in is text, never a template again.
 */
import { Context, defaultOperators, Liquid, LiquidError, Output, toValue, type Template } from 'liquidjs';
import { FermataError } from '../errors.ts';
import { ParseCache } from './cache.ts';
import { excerpt } from './faults.ts';
import { readsOfVariables, type Reads, type Scope } from './reads.ts';
import { LIMITS } from './fields.ts';
import { findPositionsFast } from './token-position.ts';

/** They read files or other templates, or write into the values they are given. */
const REFUSED_TAGS = ['include', 'render', 'layout', 'block', 'increment', 'decrement'];
/** They give another result each time, or hide from analysis what they read. */
const REFUSED_FILTERS = [
  'sample',
  'raw',
  'where_exp',
  'reject_exp',
  'group_by_exp',
  'has_exp',
  'find_exp',
  'find_index_exp',
];
const DATE_FILTERS = ['date', 'date_to_xmlschema', 'date_to_rfc822', 'date_to_string', 'date_to_long_string'];

/**
 * Parts of templates that one rendering may put in: about 200 ms, in which no other run goes on. Counted, not measured:
 * on a busy machine a prompt must not fail that is rendered on an idle one.
 */
const MOST_PARTS = 200_000;
/** A filter touches each entry of its list many times: sorting 100,000 of them takes ten milliseconds. */
const WEIGHT_OF_ENTRIES = 10;
/** They look for one text in another: at worst they compare each character of the one with each of the other. */
const SEARCHES = new Set([
  'replace',
  'replace_first',
  'replace_last',
  'remove',
  'remove_first',
  'remove_last',
  'split',
]);
/** Comparisons in the time in which one character is copied. */
const COMPARISONS = 200;

/** Characters that one rendering may give. Put in 500 times, a text of a million is soon made, and kept by nobody. */
const LONGEST = 32 * 1024 * 1024;

const NOTHING = readsOfVariables([]);
findPositionsFast();
const engine = createEngine();
const templates = new ParseCache<Template[]>(2_000, (text) => engine.parse(text));

/**
 * What a template reads.
 *
 * @example
 * readsOf('{{ input.topic }}: {{ tasks["my plan"].output }}').tasks // ['my plan']
 * @throws FermataError `promptFailed` where it is not Liquid
 */
export function readsOf(template: string): Reads {
  if (!template.includes('{{') && !template.includes('{%')) return NOTHING;
  const { globals } = attempt(template, 'read', () => engine.analyzeSync(templates.get(template), { partials: false }));
  const variables = Object.values(globals)
    .flat()
    .map(({ segments, location }) => ({
      path: segments.map((step) => (typeof step === 'object' ? undefined : String(step))),
      at: `line ${location.row}, column ${location.col}`,
    }));
  return readsOfVariables(variables);
}

/** The parts of a template that can be read. Throws what the engine throws where it is not Liquid. */
export function partsOfPrompt(template: string): readonly Template[] {
  return templates.get(template);
}

/**
 * The text of a template. Objects and lists that stand alone (`{{ tasks.plan.output }}`) become JSON; before a filter
 * that makes text of them, write `| json`.
 *
 * @throws FermataError `promptFailed`, with line, column and the missing variable
 */
export function renderPrompt(template: string, scope: Scope): string {
  return attempt(template, 'rendered', () => {
    const context = new Context(scope, engine.options, { sync: true }, { liquid: engine });
    let parts = 0;
    // By a name of its own: written straight into the property, V8 would keep it for long, and all values with it (decision 028).
    const count = (): void => {
      parts += 1;
      if (parts <= MOST_PARTS) return;
      throw new FermataError('promptFailed', `it has more than ${MOST_PARTS} parts: its loops multiply`);
    };
    context.renderLimit.check = count;
    const text = String(engine.renderSync(templates.get(template), context));
    if (text.length <= LONGEST) return text;
    throw new FermataError('promptFailed', `it gives ${text.length} characters, and at most ${LONGEST} are allowed`);
  });
}

/**
 * The value of a template that is a single output (`{{ input.topics }}`), with its type; of every other one its text.
 *
 * @example
 * renderValue('{{ input.n }}', scope) // 3
 * renderValue('{{ input.n }} times', scope) // '3 times'
 * @throws FermataError `promptFailed`, as `renderPrompt` does
 */
export function renderValue(template: string, scope: Scope): unknown {
  if (!template.includes('{{')) return renderPrompt(template, scope);
  const [only, ...others] = attempt(template, 'read', () => templates.get(template.trim()));
  if (!(only instanceof Output) || others.length > 0) return renderPrompt(template, scope);
  try {
    const { input, contentRange } = only.token as Output['token'];
    const context = new Context(scope, engine.options, { sync: true }, { liquid: engine });
    // Read anew: the output itself makes text of lists and objects.
    const value: unknown = engine.evalValueSync(input.slice(...contentRange), context);
    return toValue(value) ?? null;
  } catch {
    // It says where and what is missing.
    return renderPrompt(template, scope);
  }
}

/** What is put in: of an object its JSON. That is text which is made, unlike text that is merely put in. */
function written(this: { readonly context: Context }, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const text = JSON.stringify(value);
  this.context.memoryLimit.use(text.length);
  return text;
}

function countSearch({ memoryLimit }: Context, text: unknown, sought: unknown): void {
  if (typeof text === 'string' && typeof sought === 'string')
    memoryLimit.use((text.length * sought.length) / COMPARISONS);
}

function createEngine(): Liquid {
  const contains = defaultOperators['contains'] as (text: unknown, sought: unknown, context: Context) => boolean;
  const liquid = new Liquid({
    operators: {
      ...defaultOperators,
      contains(text: unknown, sought: unknown, context: Context): boolean {
        countSearch(context, text, sought);
        return contains(text, sought, context);
      },
    },
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    lenientIf: true,
    templates: {},
    timezoneOffset: 0,
    locale: 'en',
    parseLimit: LIMITS.promptLength,
    // Counted in characters and list entries; text that is merely put in does not count.
    memoryLimit: 20_000_000,
    // Its type says that only texts are put in.
    outputEscape: written as (value: unknown) => string,
  });
  for (const tag of REFUSED_TAGS) delete liquid.tags[tag];
  for (const filter of REFUSED_FILTERS) liquid.unregisterFilter(filter);
  for (const [name, filter] of Object.entries(liquid.filters)) {
    const { handler, raw } = typeof filter === 'function' ? { handler: filter, raw: false } : filter;
    liquid.registerFilter(name, {
      raw,
      handler(value: unknown, ...rest: unknown[]): unknown {
        if (Array.isArray(value)) this.context.memoryLimit.use(value.length * WEIGHT_OF_ENTRIES);
        if (SEARCHES.has(name)) countSearch(this.context, value, rest[0]);
        return handler.call(this, value, ...rest);
      },
    });
  }
  for (const filter of DATE_FILTERS) {
    const original = liquid.filters[filter];
    const format = typeof original === 'function' ? original : original?.handler;
    liquid.registerFilter(filter, function (value, ...rest) {
      if (value === 'now' || value === 'today') {
        throw new FermataError('promptFailed', `"${value}" would differ at every reading: give the date in the input`);
      }
      return format?.call(this, value, ...rest);
    });
  }
  return liquid;
}

function attempt<Result>(template: string, verb: 'read' | 'rendered', work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    const prefix = `The prompt ${JSON.stringify(excerpt(template))} cannot be ${verb}`;
    if (!LiquidError.is(thrown)) {
      const reason = thrown instanceof FermataError ? thrown.message : String(thrown);
      throw new FermataError('promptFailed', `${prefix}: ${reason}.`, { cause: thrown });
    }
    const [line = 1, column = 1] = thrown.token.getPosition();
    const variable = missingVariable(thrown);
    const reason =
      variable === undefined
        ? reasonOf(thrown)
        : `${variable} is missing; where it may be absent, write | default: "…"`;
    const data = { line, column, ...(variable === undefined ? {} : { variable }) };
    throw new FermataError('promptFailed', `${prefix}: line ${line}, column ${column}: ${reason}.`, {
      data,
      cause: thrown,
    });
  }
}

/** Liquid's own sentence without the position that it appends: we say that ourselves. */
function reasonOf(error: LiquidError): string {
  return error.originalError?.message ?? error.message.replace(/, line:\d+, col:\d+$/, '');
}

function missingVariable(error: LiquidError): string | undefined {
  const original: unknown = error.originalError;
  if (typeof original !== 'object' || original === null || !('variableName' in original)) return undefined;
  return String(original.variableName);
}
