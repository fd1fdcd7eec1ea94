/** What would break if a run were migrated, and the first thing that is asked of every migration: that it is pure. */
import { isDeepStrictEqual } from 'node:util';
import { WRITE_REFS } from './actor.ts';
import { assertStorable } from './codec.ts';

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

/** What a function gave, or why it cannot be used. */
export type PureResult<T> = { readonly value: T } | { readonly fault: Pick<Break, 'code' | 'message'> };

/**
 * What `call` gives, called twice; a fault where it throws, or is not a function of its argument alone.
 *
 * @param where what it gives, for the path of a value that cannot be stored
 */
export function pureResult<T>(where: string, call: () => T): PureResult<T> {
  try {
    const [value, again] = [call(), call()];
    if (value instanceof Promise) {
      for (const promise of [value, again as Promise<unknown>]) promise.catch(() => {});
      return { fault: { code: 'notPure', message: 'the function gave a promise; it has to answer at once' } };
    }
    if (isDeepStrictEqual(value, again)) return { value };
    // A new function or instance is another one each time, and that is not what is wrong with it.
    const unstorable = storingFault(value, where);
    if (unstorable !== undefined) return { fault: { code: 'notStorable', message: unstorable } };
    const message =
      'the function gave another result when it was called again with the same; it may use no clock, chance or state';
    return { fault: { code: 'notPure', message } };
  } catch (thrown) {
    return { fault: { code: 'threw', message: `the function threw ${String(thrown)}` } };
  }
}

/** Why a value cannot be stored; undefined where it can. */
export function storingFault(value: unknown, where: string): string | undefined {
  try {
    assertStorable(value, where, WRITE_REFS);
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
