/** What can be seen of a world from outside, in the order in which it happened. */
import { createHash } from 'node:crypto';

/** A fact of a run, as it was committed or published. */
export interface SeenFact {
  readonly run: string;
  /** Number among the run's facts. */
  readonly seq: number;
  /** Milliseconds since 1970, as the run counts them. */
  readonly at: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A run as a group left it. */
export interface SeenState {
  readonly run: string;
  readonly status: string;
  readonly progress: number;
  /** Time of its last entry. */
  readonly lastAt: number;
  /** The group was cut in the middle of a turn: what it did is done, what it is to do comes with the next one. */
  readonly cut: boolean;
}

/** A call that left the process: which task of which run, which attempt, under which key. */
export interface SeenCall {
  readonly run: string;
  readonly actor: string;
  readonly src: string;
  /** Absent where a machine of the user's own calls. */
  readonly task?: string;
  readonly attempt?: number;
  /** Name of the function that is called. */
  readonly called?: string;
  readonly key: string;
  /** Whether the caller said that an earlier process may have made it. */
  readonly repeated: boolean;
}

/** One thing that happened. */
export type Observation =
  /** The store has kept a group. `doubtful`: nobody was told, and the next start found it. */
  | {
      readonly kind: 'commit';
      readonly runs: readonly SeenState[];
      readonly facts: readonly SeenFact[];
      readonly doubtful: boolean;
    }
  | { readonly kind: 'fact'; readonly fact: SeenFact }
  | { readonly kind: 'call'; readonly call: SeenCall }
  /** What the other side answered, as the process got it. */
  | { readonly kind: 'answer'; readonly call: SeenCall; readonly value: unknown }
  | { readonly kind: 'failure'; readonly call: SeenCall; readonly code: string }
  | { readonly kind: 'request'; readonly request: string; readonly body: unknown; readonly key: string | undefined }
  | {
      readonly kind: 'reply';
      readonly request: string;
      readonly body: unknown;
      readonly key: string | undefined;
      readonly status: number;
      readonly answer: unknown;
    }
  /** A fault that has no observation of its own. */
  | { readonly kind: 'fault'; readonly fault: string }
  /** A line that the process logged. */
  | { readonly kind: 'log'; readonly message: string; readonly run: string | undefined }
  | { readonly kind: 'clock'; readonly byMs: number }
  | { readonly kind: 'crash' | 'start' | 'stop' };

/** An observation with the milliseconds since the world began. */
export type Seen = Observation & { readonly elapsed: number };

/** Everything that was seen, and its hash. */
export class Trace {
  readonly seen: Seen[] = [];
  readonly #hash = createHash('sha256');

  add(observation: Observation, elapsed: number): void {
    const seen = { elapsed, ...observation };
    this.seen.push(seen);
    this.#hash.update(`${JSON.stringify(seen)}\n`);
  }

  /** Of everything so far: two worlds with the same hash have seen the same. */
  get hash(): string {
    return this.#hash.copy().digest('hex');
  }

  /** One line for each observation, for people. */
  get lines(): readonly string[] {
    return this.seen.map((seen) => `${(seen.elapsed / 1_000).toFixed(3).padStart(12)} s  ${lineOf(seen)}`);
  }
}

function lineOf(seen: Observation): string {
  switch (seen.kind) {
    case 'commit': {
      const runs = seen.runs.map(
        ({ run, status, progress, cut }) => `${run} ${status} ${progress} %${cut ? ', cut' : ''}`,
      );
      const facts = seen.facts.map(
        ({ run, seq, type, data }) => `\n${' '.repeat(18)}${run} #${seq} ${type} ${text(data)}`,
      );
      return `commit${seen.doubtful ? ' (found at the start)' : ''}: ${runs.join(', ')}${facts.join('')}`;
    }
    case 'fact':
      return `published: ${seen.fact.run} #${seen.fact.seq} ${seen.fact.type}`;
    case 'call':
      return `call: ${nameOf(seen.call)}${seen.call.repeated ? ', repeated' : ''}`;
    case 'answer':
      return `answer: ${nameOf(seen.call)} ${text(seen.value)}`;
    case 'failure':
      return `failure: ${nameOf(seen.call)} ${seen.code}`;
    case 'request':
      return `request: ${seen.request} ${text(seen.body)}${seen.key === undefined ? '' : ` key ${seen.key}`}`;
    case 'reply':
      return `reply: ${seen.request} ${seen.status} ${text(seen.answer)}`;
    case 'fault':
      return `fault: ${seen.fault}`;
    case 'log':
      return `log: ${seen.message}${seen.run === undefined ? '' : ` (${seen.run})`}`;
    case 'clock':
      return `the clock was set by ${seen.byMs / 1_000} s`;
    default:
      return seen.kind;
  }
}

function nameOf({ run, actor, src, attempt, key }: SeenCall): string {
  return `${run} ${actor} ${src}${attempt === undefined ? '' : ` attempt ${attempt}`} (${key.slice(0, 6)})`;
}

function text(value: unknown): string {
  const json = JSON.stringify(value) ?? '';
  return json.length > 200 ? `${json.slice(0, 200)}…` : json;
}
