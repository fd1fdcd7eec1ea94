/**
 * What a fact of a run looks like to the person who watches: one line, or nothing. Pure: plain lines, the list on a
 * terminal and the demo all show what is decided here.
 */
import { money } from './money.ts';
import { duration, firstLine, printable, shorten } from './text.ts';

/** A fact as the stream gives it. */
export interface ShownFact {
  /** `task_started`, … */
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What happened to the thing that a line is about; a terminal colours by it. */
export type Mood = 'begun' | 'done' | 'failed' | 'waits' | 'repeats' | 'told' | 'passed' | 'warns';

/** One line of progress, not yet laid out. */
export interface ProgressLine {
  /** 0..100; undefined: the run is not one of a document. */
  readonly percent: number | undefined;
  readonly mood: Mood;
  /** Name of the task it is about; undefined: the run itself. */
  readonly task: string | undefined;
  readonly text: string;
  /** Nothing more comes about that task (or, without one, about the run). */
  readonly last: boolean;
  /** Seconds until the run ends; undefined: not known, or not for this reader. */
  readonly left?: number;
}

/** What lines need beyond the fact. */
export interface ProgressContext {
  /** Characters of a line. */
  readonly width: number;
  /** The command that decides an approval. */
  readonly approve: (task: string) => string;
  /** The command that sends an event from outside. */
  readonly send: (type: string) => string;
}

const SYMBOLS: Readonly<Record<Mood, string>> = {
  begun: '⏳',
  done: '✓',
  failed: '✗',
  waits: '⏸',
  repeats: '↻',
  told: '·',
  passed: '–',
  warns: '!',
};
/** Room for `[ 35%] ✓ ` and a margin. */
const BRACKET_WIDTH = 12;
const LAST: ReadonlySet<string> = new Set([
  'task_completed',
  'task_failed',
  'task_cancelled',
  'task_skipped',
  'run_completed',
  'run_failed',
  'run_cancelled',
]);

/**
 * The line for a fact; undefined where there is nothing to show.
 *
 * @example
 * const line = progressLine({ event: 'task_started', data: { task: 'a', progress: 20 } }, context);
 * layOut(line) // '[ 20%] a… ⏳'
 */
export function progressLine(fact: ShownFact, context: ProgressContext): ProgressLine | undefined {
  const { event, data } = fact;
  // Names of facts come from a server, also from one that is newer than this.
  const show = showOf(ofRun, event) ?? showOf(ofTask, event);
  const shown = show?.(data, context);
  if (shown === undefined) return undefined;
  const [mood, text] = shown;
  return {
    mood,
    text,
    last: LAST.has(event),
    percent: typeof data['progress'] === 'number' ? data['progress'] : undefined,
    task: typeof data['task'] === 'string' ? data['task'] : undefined,
  };
}

function showOf(lines: Readonly<Record<string, Show>>, event: string): Show | undefined {
  return Object.hasOwn(lines, event) ? lines[event] : undefined;
}

/** `[ 35%] ✓ text`; what has only begun ends in `… ⏳`. */
export function layOut(line: ProgressLine): string {
  const symbol = SYMBOLS[line.mood];
  return line.mood === 'begun' ? `${bracket(line)}${line.text}… ${symbol}` : `${bracket(line)}${symbol} ${line.text}`;
}

/** `[ 35%] `, `[ 35%, 4.2 s left] `; nothing where there is no percentage. */
export function bracket({ percent, left }: Pick<ProgressLine, 'percent' | 'left'>): string {
  if (percent === undefined) return '';
  const rest = left === undefined ? '' : `, ${duration(left * 1_000)} left`;
  return `[${String(Math.floor(percent)).padStart(3)}%${rest}] `;
}

type Shown = readonly [mood: Mood, text: string];
type Show = (data: ShownFact['data'], context: ProgressContext) => Shown | undefined;

const ofTask: Readonly<Record<string, Show>> = {
  task_started: (data, { send }) => {
    const waits = waitText(data['waitsFor'], send);
    if (waits !== undefined) return ['waits', `${nameOf(data)}: ${waits}`];
    return [
      'begun',
      `${nameOf(data)}${Number(data['attempt'] ?? 1) > 1 ? ` (attempt ${Number(data['attempt'])})` : ''}`,
    ];
  },
  task_completed: (data, context) => {
    const { warning } = data;
    return typeof warning === 'string'
      ? ['warns', said(data, `completed, but ${warning}`, context)]
      : ['done', said(data, data['result'], context)];
  },
  task_failed: (data, context) => ['failed', said(data, messageOf(data['error']), context)],
  // What was stopped by its own condition is as the author wants it.
  task_cancelled: (data, context) => [
    data['condition'] === undefined ? 'failed' : 'passed',
    said(data, `cancelled${because(data['reason'])}`, context),
  ],
  task_skipped: (data, context) => ['passed', said(data, `skipped${because(data['reason'])}`, context)],
  task_retrying: (data, context) => [
    'repeats',
    said(
      data,
      `again in ${seconds(data['delaySeconds'])} after attempt ${Number(data['attempt'])}: ${messageOf(data['error'])}`,
      context,
    ),
  ],
  task_in_doubt: (data, context) =>
    data['policy'] === 'ask'
      ? [
          'waits',
          `${nameOf(data)}: the process was stopped in the middle of this call, and nobody knows whether it was made. Retry or cancel the task.`,
        ]
      : ['repeats', said(data, 'the process was stopped; this call is made again, same key', context)],
  approval_requested: (data, { approve }) => [
    'waits',
    `${nameOf(data)}: ${printable(String(data['prompt']))} → ${approve(String(data['task']))}`,
  ],
  approval_resolved: (data, context) => {
    const by = typeof data['by'] === 'string' ? ` by ${data['by']}` : '';
    if (data['approved'] === true) return ['done', said(data, `approved${by}${because(data['reason'])}`, context)];
    return [
      'failed',
      said(
        data,
        data['expired'] === true ? 'nobody decided in time' : `refused${by}${because(data['reason'])}`,
        context,
      ),
    ];
  },
  // Where nothing else was wanted there is nothing to tell.
  model_chosen: (data, context) =>
    data['reason'] === 'first'
      ? undefined
      : ['told', said(data, `asks ${String(data['model'])}: ${String(data['because'])}`, context)],
  budget_awaited: (data, context) => [
    'waits',
    said(data, `waits for money: it may cost ${dollars(data['needDollars'])}`, context),
  ],
  budget_granted: (data, context) => ['told', said(data, 'has money, and begins', context)],
  overcharged: (data, context) => [
    'failed',
    said(
      data,
      `its provider took ${dollars(data['costDollars'])}, ${dollars(data['reservedDollars'])} at most was right`,
      context,
    ),
  ],
  event_kept: (data) => [
    'told',
    printable(`The event ${JSON.stringify(data['eventType'])} is kept until a task waits for it`),
  ],
  wait_ended: (data, context) => ['told', said(data, 'has waited', context)],
  event_refused: (data, context) => [
    'failed',
    said(data, `did not take an event: ${messageOf(data['error'])}`, context),
  ],
  progress: (data, context) => [
    'told',
    said(
      data,
      `${Math.floor(Number(data['percent']))} %${typeof data['note'] === 'string' ? ` ${data['note']}` : ''}`,
      context,
    ),
  ],
  shared_changed: (data, { width }) => [
    'told',
    firstLine(
      `${String(data['by'])} shares ${String(data['key'])}: ${JSON.stringify(data['value'])}`,
      width - BRACKET_WIDTH,
    ),
  ],
  emitted: (data, { width }) => ['told', firstLine(data['event'], width)],
  action_failed: (data, { width }) => [
    'failed',
    firstLine(`action ${String(data['action'])}: ${String(data['message'])}`, width),
  ],
};

const ofRun: Readonly<Record<string, Show>> = {
  run_paused: () => ['waits', 'The run is paused'],
  run_resumed: () => ['told', 'The run goes on'],
  cost_warning: (data) => [
    'warns',
    `${dollars(data['costDollars'])} of the budget of ${dollars(data['maxCostDollars'])} are spent`,
  ],
  run_completed: () => ['done', 'Complete'],
  run_failed: (data, { width }) => ['failed', firstLine(`The run failed: ${messageOf(data['error'])}`, width)],
  run_cancelled: (data, { width }) => [
    'failed',
    firstLine(`The run was cancelled: ${messageOf(data['reason'])}`, width),
  ],
};

/** What a task that begins to wait waits for. */
function waitText(waitsFor: unknown, send: ProgressContext['send']): string | undefined {
  if (typeof waitsFor !== 'object' || waitsFor === null) return undefined;
  if ('event' in waitsFor) {
    const type = String(waitsFor.event);
    return `${printable(`waits for the event ${JSON.stringify(type)}`)} → ${send(type)}`;
  }
  return 'date' in waitsFor ? `waits until ${String(waitsFor.date)}` : undefined;
}

function dollars(value: unknown): string {
  return money({ costDollars: Number(value) });
}

function nameOf(data: ShownFact['data']): string {
  return printable(String(data['description'] ?? data['task']));
}

/** `NAME: first line`, within the width. */
function said(data: ShownFact['data'], value: unknown, { width }: ProgressContext): string {
  const name = `${nameOf(data)}${data['reused'] === undefined ? '' : ' (taken over)'}`;
  return shorten(`${name}: ${firstLine(value, width)}`, width - BRACKET_WIDTH);
}

function messageOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return 'no reason was given';
}

function because(reason: unknown): string {
  return typeof reason === 'string' && reason !== '' ? `: ${reason}` : '';
}

function seconds(value: unknown): string {
  return `${Number(Number(value).toFixed(1))} s`;
}
