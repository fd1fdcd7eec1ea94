/**
 * Who sent what. The journal keeps what an actor took, not from whom; the turns before it say who sent such an event.
 */
import * as xstate from './xstate.ts';

/** Remembers what was sent until it is taken. */
export class Senders {
  /** `address type` → senders of what is still on its way, oldest first. */
  readonly #underway = new Map<string, string[]>();
  /** What actors send to themselves later: most of it is cancelled and never taken, so it is kept once. */
  readonly #delayed = new Set<string>();

  /** One action of an actor's turn. */
  note(from: string, action: xstate.Action): void {
    if (action.kind !== 'send' && action.kind !== 'sendDetached') return;
    const to = action.kind === 'send' ? action.to?.address : detachedAddress(from, action.to);
    if (to === undefined) return;
    const key = `${to} ${action.event.type}`;
    if (action.kind === 'send' && action.delay !== undefined && to === from) {
      this.#delayed.add(key);
      return;
    }
    const senders = this.#underway.get(key);
    if (senders === undefined) this.#underway.set(key, [from]);
    else senders.push(from);
  }

  /** Address of the actor or effect that sent `event` to `to`; undefined where it came from outside. */
  of(to: string, event: xstate.Event): string | undefined {
    const ended = xstate.endedActor(event);
    if (ended !== undefined) return xstate.childAddress(to, ended);
    const key = `${to} ${event.type}`;
    const senders = this.#underway.get(key);
    const from = senders?.shift();
    if (senders?.length === 0) this.#underway.delete(key);
    return from ?? (this.#delayed.has(key) ? to : undefined);
  }
}

function detachedAddress(from: string, to: string | { readonly run: string }): string | undefined {
  if (typeof to !== 'string') return undefined;
  return to.startsWith('/') ? to : xstate.childAddress(from, to);
}
