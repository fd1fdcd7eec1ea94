/** What would break if a run were migrated, and the first thing that is asked of every migration: that it is pure. */
import { isDeepStrictEqual } from 'node:util';

/** Names of what can break; `docs/upgrades.md` says what to do about each. */
export type BreakCode =
  /** The function threw. */
  | 'threw'
  /** It gave something else when called again, or a promise. */
  | 'notPure'
  /** It gave no persisted snapshot. */
  | 'notASnapshot'
  /** A value of the new snapshot cannot be stored. */
  | 'notStorable'
  /** An actor would begin to be, or cease to be, active. */
  | 'statusChanged'
  /** The new machine has no such state, or the value stops half way down. */
  | 'stateMissing'
  /** A remembered state does not exist in the new machine. */
  | 'historyMissing'
  /** The new machine has no such actor or effect. */
  | 'sourceMissing'
  /** A child is gone from the new snapshot. */
  | 'childRemoved'
  /** A child is new: nobody would start it. */
  | 'childAdded'
  /** No active state of the new machine waits for a child under way. */
  | 'childWithoutPlace'
  /** An active state of the new machine invokes what is not under way. */
  | 'invokeNotStarted'
  /** A delayed event is pending that no active state takes. */
  | 'timerWithoutPlace'
  /** An active state has a delayed transition that would never fire. */
  | 'delayNotArmed'
  /** The run was cut off in the middle of a cascade. */
  | 'midCascade'
  /** A row cannot be read. */
  | 'unreadable'
  /** The run cannot go on for another reason, or ended or moved meanwhile. */
  | 'blocked';

/** One thing that would break. */
export interface Break {
  readonly code: BreakCode;
  /** Address of the actor. */
  readonly actor: string;
  /** Finishes the sentence "it would break, because …". */
  readonly message: string;
}

/** What `call` gives, called twice; a break where it throws, or is not a function of its argument alone. */
export function pureResult<T>(
  call: () => T,
): { readonly value: T } | { readonly fault: Pick<Break, 'code' | 'message'> } {
  try {
    const [value, again] = [call(), call()];
    if (value instanceof Promise) {
      value.catch(() => {});
      (again as Promise<unknown>).catch(() => {});
      return { fault: { code: 'notPure', message: 'the function gave a promise; it has to answer at once' } };
    }
    if (isDeepStrictEqual(value, again)) return { value };
    const message =
      'the function gave another result when it was called again with the same; it may use no clock, chance or state';
    return { fault: { code: 'notPure', message } };
  } catch (thrown) {
    return { fault: { code: 'threw', message: `the function threw ${String(thrown)}` } };
  }
}
