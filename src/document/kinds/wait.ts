/** A task that waits: for a time span, until a date, or for an event from outside. It holds no slot meanwhile. */
import { z } from 'zod';
import { FermataError } from '../../errors.ts';
import { constantOf } from '../constant.ts';
import { evaluate } from '../expression.ts';
import { commonFields, LIMITS, seconds } from '../fields.ts';
import type { Scope } from '../reads.ts';
import { textAt, type Gives, type Places } from './places.ts';

const cel = z.string().max(LIMITS.promptLength).regex(/\S/, 'must not be empty');
const eventType = z
  .string()
  .min(1)
  .max(LIMITS.nameLength)
  .refine(
    (type) => !/^(xstate|fermata)\./.test(type),
    'must not begin with "xstate." or "fermata.", which are the system\'s own',
  );

/** As it is written: exactly one of `seconds`, `until` and `event`. */
export const waitTaskSchema = z
  .strictObject({
    ...commonFields,
    timeoutSeconds: seconds
      .optional()
      .describe('From the moment when it begins to wait to the end of its waiting; default: none'),
    kind: z.literal('wait'),
    seconds: seconds.optional().describe('A time span'),
    until: cel.optional().describe('A date: ISO 8601 (a time needs Z or an offset), or CEL that gives one'),
    event: z
      .strictObject({
        type: eventType,
        filter: cel
          .optional()
          .describe('CEL over `event`, `input` and `tasks`: only an event for which it is true is taken'),
      })
      .optional()
      .describe('An event from outside: POST /runs/{id}/events'),
    onTimeout: z
      .enum(['fail', 'skip', 'continue'])
      .default('fail')
      .describe('fail: as after a failed task; skip: what depends on it runs; continue: it completes with null'),
  })
  .superRefine((task, context) => {
    const given = (['seconds', 'until', 'event'] as const).filter((field) => task[field] !== undefined);
    if (given.length === 0)
      context.addIssue('says not what it waits for: give seconds (a time span), until (a date) or event');
    else if (given.length > 1)
      context.addIssue(`waits for ${given.join(' and ')}: keep one, and make a second task for another`);
    const fault = task.until === undefined ? undefined : dateFault(task.until);
    if (fault !== undefined) context.addIssue({ code: 'custom', path: ['until'], message: fault });
    // Nothing but its timeout could end it: the whole run would wait for ever.
    const always = task.event?.filter === undefined ? undefined : constantOf(task.event.filter);
    if (always !== undefined && always.value !== true && task.timeoutSeconds === undefined)
      context.addIssue({
        code: 'custom',
        path: ['event', 'filter'],
        message: `is always ${JSON.stringify(always.value) ?? 'absent'}, so no event is ever taken and the task could never end: correct it, or give the task timeoutSeconds`,
      });
  });

/** What happens where the time is over: to the task, and to what depends on it. */
export type OnTimeout = 'fail' | 'skip' | 'continue';

/** A wait, complete. */
export interface WaitSpec {
  readonly kind: 'wait';
  readonly for:
    | { readonly seconds: number }
    /** An ISO text, or CEL. */
    | { readonly until: string }
    | { readonly event: { readonly type: string; readonly filter: string | undefined } };
  readonly onTimeout: OnTimeout;
}

/** A wait, ready to begin. JSON: what is not set is absent. */
export interface PreparedWait {
  readonly kind: 'wait';
  readonly for:
    | { readonly seconds: number }
    /** Milliseconds since 1970. */
    | { readonly until: number }
    | { readonly event: { readonly type: string; readonly filter?: string } };
  readonly onTimeout: OnTimeout;
}

/** Its inner form. */
export function waitSpec({ seconds: span, until, event, onTimeout }: z.output<typeof waitTaskSchema>): WaitSpec {
  if (event !== undefined)
    return { kind: 'wait', for: { event: { type: event.type, filter: event.filter } }, onTimeout };
  return { kind: 'wait', for: until === undefined ? { seconds: span ?? 0 } : { until }, onTimeout };
}

/** Where it reads. */
export const waitPlaces: Places = (task, path) => {
  const event = typeof task['event'] === 'object' && task['event'] !== null ? task['event'] : {};
  const filters = textAt(event as Readonly<Record<string, unknown>>, [...path, 'event'], 'filter');
  return {
    templates: [],
    expressions: [
      ...textAt(task, path, 'until').filter(({ text }) => !looksLikeDate(text)),
      ...filters.map((filter) => ({ ...filter, variables: ['event'] })),
    ],
  };
};

/** The event that came, or the date; nothing, where its time was over and it goes on all the same. */
export const waitGives: Gives = ({ event, onTimeout }) =>
  event === undefined ? { type: onTimeout === 'continue' ? ['string', 'null'] : 'string' } : undefined;

/** Throws `expressionFailed`. */
export function prepareWait({ for: what, onTimeout }: WaitSpec, scope: Scope): PreparedWait {
  if ('seconds' in what) return { kind: 'wait', for: what, onTimeout };
  if ('until' in what) return { kind: 'wait', for: { until: dateOf(what.until, scope) }, onTimeout };
  const { type, filter } = what.event;
  return { kind: 'wait', for: { event: { type, ...(filter === undefined ? {} : { filter }) } }, onTimeout };
}

/** A date, or a date with a time and its offset. Without the offset it would mean another moment on another machine. */
const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

function looksLikeDate(text: string): boolean {
  return /^\s*\d{4}-\d{2}-\d{2}(?:[T ]|\s*$)/.test(text);
}

function dateFault(text: string): string | undefined {
  if (!looksLikeDate(text) || isDate(text)) return undefined;
  return `expected a date such as 2026-12-24 or 2026-12-24T18:00:00Z (a time needs Z or an offset), came ${JSON.stringify(text)}`;
}

/** A day that there is not, such as 31 February, would silently be another one. */
/** True for a date as it is written: a day, or a time with its offset. */
export function isDate(text: string): boolean {
  if (!DATE.test(text)) return false;
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  return !Number.isNaN(Date.parse(text)) && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function dateOf(until: string, scope: Scope): number {
  if (isDate(until)) return Date.parse(until);
  const value = evaluate(until, scope);
  if (typeof value === 'string' && isDate(value)) return Date.parse(value);
  throw new FermataError(
    'expressionFailed',
    `The expression ${JSON.stringify(until)} gives ${JSON.stringify(value) ?? 'nothing'}; expected a date such as "2026-12-24" or "2026-12-24T18:00:00Z" (a time needs Z or an offset).`,
    { data: { expression: until } },
  );
}
