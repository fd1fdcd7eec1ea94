/**
 * Faults of a document, gathered rather than thrown one by one: the author sees all of them at once, each with its
 * path (`tasks[2].prompt`, `config.breadth`).
 */
import { FermataError, type Fault } from '../errors.ts';
import { didYouMean } from './nearest.ts';

/** From the root of a value to one place in it. */
export type Path = readonly PropertyKey[];

/** More than this many faults are counted, not listed: an answer of 100,000 faults helps nobody. */
const MOST_LISTED = 1_000;
/** Looking for the nearest of 100,000 names takes ten milliseconds; only the first faults are worth it. */
const MOST_SUGGESTIONS = 50;
const MOST_COMPARED = 500_000;
/** Letters of a word that is compared in the time that this is for. It grows with their square. */
const LETTERS = 16;

/** Collects faults. */
export class Faults {
  readonly #listed: Fault[] = [];
  #total = 0;
  #unsupported = 0;
  #suggestions = 0;
  #compared = 0;

  get count(): number {
    return this.#total;
  }

  /** Something is wrong at `path`. */
  add(path: string, message: string): void {
    this.#total += 1;
    if (this.#listed.length < MOST_LISTED) this.#listed.push({ path, message });
  }

  /** Something is right, but a later version brings it: `what` is the subject of "… is not supported yet". */
  addUnsupported(path: string, what: string): void {
    this.#unsupported += 1;
    this.add(path, `${what} is not supported yet`);
  }

  /** `didYouMean`, until enough suggestions were made. */
  suggest(word: string, names: Iterable<string> & ({ readonly size: number } | { readonly length: number })): string {
    this.#suggestions += 1;
    this.#compared += ('size' in names ? names.size : names.length) * Math.max(1, (word.length / LETTERS) ** 2);
    const enough = this.#suggestions > MOST_SUGGESTIONS || this.#compared > MOST_COMPARED;
    return enough ? '' : didYouMean(word, names);
  }

  /**
   * Throws what was found, in the order of finding; returns where nothing was found.
   *
   * @throws FermataError `notSupported` where nothing worse was found, else `invalidDocument`
   */
  throwIfAny(subject: string): void {
    if (this.#total === 0) return;
    const code = this.#unsupported === this.#total ? 'notSupported' : 'invalidDocument';
    throw new FermataError(code, faultsMessage(subject, this.#listed, this.#total), { faults: this.list() });
  }

  /** Every fault; the last entry counts those that are not listed. */
  list(): Fault[] {
    const unlisted = this.#total - this.#listed.length;
    return unlisted === 0 ? this.#listed : [...this.#listed, { path: '', message: `and ${unlisted} faults more` }];
  }
}

/** One sentence about many faults: how many, and the first three. */
export function faultsMessage(subject: string, faults: readonly Fault[], total = faults.length): string {
  const first = faults.slice(0, 3).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const rest = total - first.length;
  const listed = [...first.map((one) => one.replace(/\.$/, '')), ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ');
  return `${subject} has ${total === 1 ? 'a fault' : `${total} faults`}: ${listed}${listed.endsWith('?') ? '' : '.'}`;
}

/**
 * A path as its author would write it.
 *
 * @example
 * formatPath(['tasks', 2, 'metadata', 'my key']) // 'tasks[2].metadata["my key"]'
 */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const name = String(step);
      if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}

/** A value as a reader of an error message recognises it: `a number (5)`, `a text ("ab…")`, `a list`, `nothing`. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return `a text (${JSON.stringify(excerpt(value, 40))})`;
  if (typeof value === 'number') return `a number (${value})`;
  if (typeof value === 'boolean') return `${value}`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The beginning of a text, at most `length` characters, on one line. */
export function excerpt(text: string, length = 60): string {
  const characters = Array.from(text.slice(0, length * 2 + 2).replace(/\s+/g, ' '));
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : characters.join('');
}
