/** What can reach a run from outside its own cascade of turns. */
import type { FermataError } from '../errors.ts';
import type { EffectRow } from '../store/effects.ts';
import type { MessageRow } from '../store/messages.ts';
import type { RunOrigin, RunState } from '../store/runs.ts';
import type { TimerRow } from '../store/timers.ts';
import type { MigrationStep } from './catalog.ts';
import type { Event } from './xstate.ts';

/** What whoever asked is told after the commit. */
export interface Receipt {
  /** Journal number of the turn that took it. */
  readonly seq: number;
  readonly state: RunState;
  /** True where the message had been taken before and nothing happened now. */
  readonly repeated: boolean;
}

/** How a request from outside is answered: exactly once, after the commit or with an error. */
export interface Reply {
  resolve(receipt: Receipt): void;
  reject(error: Error): void;
}

/** One thing for a run to take. */
export type Input =
  /** A new run begins. `restore` is XState's own persisted snapshot of its root. */
  | {
      readonly kind: 'start';
      readonly origin: RunOrigin;
      readonly blobs: ReadonlyMap<string, string>;
      readonly input: unknown;
      readonly restore: unknown;
      /** The same for the same request, however often it comes. */
      readonly fingerprint: string;
      readonly reply: Reply;
    }
  /** A request from outside; where `checked`, refused if the actor does not accept it now. */
  | {
      readonly kind: 'event';
      readonly to: string;
      readonly event: Event;
      readonly checked: boolean;
      readonly messageId: string | undefined;
      readonly reply: Reply;
    }
  /** Stop the run, gracefully where its machine knows how; with `decideNothing` without asking any machine. */
  | {
      readonly kind: 'cancel';
      readonly reason: string | undefined;
      readonly decideNothing: boolean;
      readonly reply: Reply;
    }
  /** The run goes on with another version of its machine. */
  | { readonly kind: 'migrate'; readonly step: MigrationStep; readonly reply: Reply }
  /** Its last migration is taken back, if nothing has come after the entry `seq`. */
  | { readonly kind: 'undoMigration'; readonly seq: number; readonly reply: Reply }
  /** An effect ended. */
  | {
      readonly kind: 'outcome';
      readonly actor: string;
      readonly id: string;
      readonly token: string;
      readonly event: Event;
    }
  /** An effect under way says something. */
  | {
      readonly kind: 'notice';
      readonly actor: string;
      readonly id: string;
      readonly token: string;
      readonly event: Event;
    }
  | { readonly kind: 'timer'; readonly row: TimerRow }
  | { readonly kind: 'message'; readonly row: MessageRow }
  /** A committed effect without an outcome was found at start. */
  | { readonly kind: 'inDoubt'; readonly row: EffectRow }
  /** A committed effect cannot be called in this process: whoever asked for it stops its clock. */
  | { readonly kind: 'unavailable'; readonly row: EffectRow; readonly error: FermataError }
  /** The commit that asked is done; "about to call" must be committed before the call. */
  | { readonly kind: 'mark'; readonly row: EffectRow }
  /** Stated after the commit of the turn that caused it: a custom action threw, an effect emitted. Changes no state. */
  | {
      readonly kind: 'fact';
      readonly actor: string;
      readonly type: string;
      readonly data: Readonly<Record<string, unknown>>;
    }
  /** The cap of a group cut its cascade: go on. */
  | { readonly kind: 'goOn' };

/** The reply of a request from outside; undefined for what comes from inside and must not be lost. */
export function replyOf(input: Input): Reply | undefined {
  return 'reply' in input ? input.reply : undefined;
}
