/**
 * Regular expressions whose time is bounded. JavaScript's own backtrack: `^(a+)+$` takes seconds for 27 letters and
 * doubles with each further one, and the whole process waits. Here all ways to match are followed side by side, so
 * that a text takes time in proportion to its length, whatever the pattern. (Thompson's construction.)
 */
import { readPattern, refusal, type PatternNode } from './pattern-syntax.ts';

/** A pattern of more states is a program: `a{1000}` has 1,000. */
const MOST_STATES = 1_000;
const WORD = /^\w$/;

type State =
  | { readonly kind: 'character'; readonly matches: (character: string) => boolean; readonly next: number }
  | { readonly kind: 'assertion'; readonly at: (PatternNode & { kind: 'assertion' })['at']; readonly next: number }
  | { kind: 'fork'; to: readonly number[] }
  | { readonly kind: 'end' };

/**
 * A pattern of a JSON Schema: found anywhere in a text, unless it is anchored.
 *
 * @example
 * new Pattern('^[a-z]+(-[a-z]+)*$').test('two-words') // true
 */
export class Pattern {
  readonly #states: State[] = [{ kind: 'end' }];
  readonly #start: number;
  readonly #flags: 'u' | '';
  #copies = 0;

  /** @throws FermataError `invalidDocument` where the text is no regular expression, or holds what is refused */
  constructor(source: string) {
    const { tree, flags } = readPattern(source);
    this.#flags = flags;
    this.#start = this.#compile(tree, 0);
  }

  /**
   * True where the pattern is found in the text.
   *
   * @param spend told how many states were visited: the measure of the time that it took
   */
  test(text: string, spend: (steps: number) => void = () => {}): boolean {
    const characters = this.#flags === 'u' ? Array.from(text) : text.split('');
    const seen = new Int32Array(this.#states.length).fill(-1);
    let current: number[] = [];
    let steps = 0;
    let found = false;

    /** Follows what needs no character; keeps in `list` the states that wait for one. */
    const enter = (from: number, at: number, list: number[]): void => {
      const open = [from];
      for (let state = open.pop(); state !== undefined; state = open.pop()) {
        if (seen[state] === at) continue;
        seen[state] = at;
        steps += 1;
        const here = this.#states[state];
        if (here === undefined || here.kind === 'end') found = true;
        else if (here.kind === 'character') list.push(state);
        else if (here.kind === 'fork') open.push(...here.to);
        else if (holds(here.at, characters, at)) open.push(here.next);
      }
    };

    for (let at = 0; ; at++) {
      enter(this.#start, at, current);
      const character = characters[at];
      if (found || character === undefined) break;
      const next: number[] = [];
      for (const state of current) {
        const here = this.#states[state];
        if (here?.kind === 'character' && here.matches(character)) enter(here.next, at + 1, next);
      }
      current = next;
    }
    spend(steps);
    return found;
  }

  /** The state at which `node` begins, where `next` is what follows it. */
  #compile(node: PatternNode, next: number): number {
    switch (node.kind) {
      case 'character':
        return this.#add({ kind: 'character', matches: node.matches, next });
      case 'assertion':
        return this.#add({ kind: 'assertion', at: node.at, next });
      case 'sequence':
        return node.parts.reduceRight((after, part) => this.#compile(part, after), next);
      case 'choice':
        return this.#add({ kind: 'fork', to: node.options.map((option) => this.#compile(option, next)) });
      case 'repeat':
        return this.#repeat(node, next);
    }
  }

  #repeat({ body, least, most }: PatternNode & { kind: 'repeat' }, next: number): number {
    let start = next;
    if (most === Infinity) {
      const loop: State & { kind: 'fork' } = { kind: 'fork', to: [next] };
      start = this.#add(loop);
      loop.to = [this.#compile(body, start), next];
    } else {
      for (let copy = least; copy < most; copy++) {
        start = this.#add({ kind: 'fork', to: [this.#compile(body, start), next] });
      }
    }
    for (let copy = 0; copy < least; copy++) {
      this.#count();
      start = this.#compile(body, start);
    }
    return start;
  }

  #add(state: State): number {
    this.#count();
    return this.#states.push(state) - 1;
  }

  /** Copies of nothing count as well: `(){1000}` adds no state, but takes its time. */
  #count(): void {
    this.#copies += 1;
    if (this.#copies > MOST_STATES)
      throw refusal(`is too large: its repetitions unfold to more than ${MOST_STATES} steps`);
  }
}

function holds(place: 'start' | 'end' | 'boundary' | 'inside', characters: readonly string[], at: number): boolean {
  if (place === 'start') return at === 0;
  if (place === 'end') return at === characters.length;
  const boundary = WORD.test(characters[at - 1] ?? '') !== WORD.test(characters[at] ?? '');
  return boundary === (place === 'boundary');
}
