/**
 * The order in which the actors of one run take events: XState's own. Each actor has a mailbox; what a turn sends is
 * delivered depth-first, and an actor that is still working finds it in its mailbox afterwards (R8).
 *
 * Plain XState keeps this order on the JavaScript call stack. Here it is data, so that a group may close in the middle
 * of it and the rest is a row of that commit (R4), and so that a deep cascade cannot overflow the stack.
 */
import type { EffectRow } from '../store/effects.ts';
import { WRITE_REFS } from './actor.ts';
import { Aside } from './codec.ts';
import { Mailbox, type Mail, type StoredMailbox } from './mailbox.ts';
import type { Action } from './xstate.ts';

/** A call that a crash has cut off, and that is made again once its actor has heard of that. */
export interface Repeat {
  readonly kind: 'repeat';
  readonly row: EffectRow;
  /** Which process found it cut off: where the journal ended when that one began. */
  readonly begunAt: number;
}

/** What is done one after the other: what a turn wants done, and what is to follow it. */
export type Step = Action | Repeat;

/** The unexecuted rest of one turn's actions. */
export interface Frame {
  /** The actor whose turn it was; `null` for a delivery that belongs to no turn (an outcome, a timer). */
  readonly actor: string | null;
  /** Who sent what such a delivery brings, where an actor or an effect did. */
  readonly from?: string | undefined;
  readonly turn: number;
  actions: readonly Step[];
  next: number;
  /** Another actor has taken the address meanwhile: what is left is said, and nothing is done to that one. */
  over?: true;
}

/** A cascade as data, for the row that carries it over a commit. */
export interface StoredCascade {
  readonly frames: readonly (Omit<Frame, 'actions'> & { readonly actions: readonly Step[] | Aside })[];
  readonly mailboxes: readonly StoredMailbox[];
}

/** Actions of a turn from which on they are set aside: the run that stops ten thousand tasks would write them with each group. */
const MANY = 200;

/** The stack of turns that are not finished, and the mailboxes of the actors on it. */
export class Cascade {
  readonly #frames: Frame[] = [];
  readonly #mailboxes = new Map<string, Mailbox>();
  readonly #aside = new WeakMap<readonly Step[], Aside>();

  get resting(): boolean {
    return this.#frames.length === 0;
  }

  get top(): Frame | undefined {
    return this.#frames.at(-1);
  }

  /** True while the actor's turn or what it caused is under way. */
  busy(actor: string): boolean {
    return this.#mailboxes.has(actor);
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
    if (frame.actor !== null) this.#mailboxes.set(frame.actor, new Mailbox());
  }

  /** The finished frame on top makes way for the actor's next turn. */
  replaceTop(frame: Frame): void {
    this.#frames[this.#frames.length - 1] = frame;
  }

  /** The actor on top has nothing left to do. */
  pop(): void {
    const frame = this.#frames.pop();
    if (frame !== undefined && frame.actor !== null) this.#mailboxes.delete(frame.actor);
  }

  post(actor: string, mail: Mail): void {
    this.#mailboxes.get(actor)?.add(mail);
  }

  /** The oldest mail of the actor on top, left where it is. */
  peek(actor: string): Mail | undefined {
    return this.#mailboxes.get(actor)?.first;
  }

  /** True where the actor's turn is under way, and it stops after it. */
  isToStop(actor: string): boolean {
    return this.#mailboxes.get(actor)?.isToStop === true;
  }

  dropFirst(actor: string): void {
    this.#mailboxes.get(actor)?.dropFirst();
  }

  /** Another actor takes the address: whose turn was under way there has no mailbox any more, and no actor. It ends with `last`. */
  abandon(actor: string, last?: Action): void {
    if (!this.#mailboxes.delete(actor)) return;
    for (const frame of this.#frames) {
      if (frame.actor !== actor || frame.over === true) continue;
      frame.over = true;
      if (last !== undefined) frame.actions = [...frame.actions, last];
    }
  }

  /** Nothing of it happens any more. */
  clear(): void {
    this.#frames.length = 0;
    this.#mailboxes.clear();
  }

  store(): StoredCascade {
    return {
      frames: this.#frames.map((frame) => ({ ...frame, actions: this.#stored(frame.actions) })),
      mailboxes: [...this.#mailboxes].map(([actor, mailbox]) => mailbox.store(actor)),
    };
  }

  restore({ frames, mailboxes }: StoredCascade): void {
    this.#frames.push(...(frames as readonly Frame[]).map((frame) => ({ ...frame })));
    for (const stored of mailboxes) this.#mailboxes.set(stored[0], Mailbox.restore(stored));
  }

  #stored(actions: readonly Step[]): readonly Step[] | Aside {
    if (actions.length < MANY) return actions;
    const known = this.#aside.get(actions) ?? new Aside(actions, 'agenda', WRITE_REFS);
    this.#aside.set(actions, known);
    return known;
  }
}
