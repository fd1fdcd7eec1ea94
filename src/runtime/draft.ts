/**
 * What one run contributes to the group that is being decided: rows to write, and what to do once they are written.
 *
 * D1. What was asked for and taken back within one group leaves no trace: no row, no call.
 * D2. Everything to be done outside (effects, facts, custom actions, replies) is here and nowhere else, so that it
 *     cannot happen before the commit (R1) and is forgotten with a failed one (R4).
 */
import type { FermataError } from '../errors.ts';
import type { EffectRow } from '../store/effects.ts';
import type { JournalEntry } from '../store/journal.ts';
import type { MessageRow } from '../store/messages.ts';
import type { RunOrigin } from '../store/runs.ts';
import type { TimerRow } from '../store/timers.ts';
import type { InDoubtPolicy } from './effect.ts';
import type { InspectionEvent } from 'xstate';
import type { Input, Receipt } from './input.ts';
import type { CustomAction, Event } from './xstate.ts';

/** An effect that may start once its commit has returned. */
export interface EffectStart {
  readonly row: EffectRow;
  readonly id: string;
  readonly logicPath: string;
  readonly key: string;
  readonly input: unknown;
  readonly repeated: boolean;
  readonly policy: InDoubtPolicy;
}

/** A journal entry without the order over all runs, which it gets when the group closes. */
export type DraftEntry = Omit<JournalEntry, 'position'>;

/** A fact as stated, before it has its position. */
export interface DraftFact {
  readonly seq: number;
  readonly entry: number;
  readonly at: number;
  readonly actor: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A message that has no number yet. */
export type Unnumbered = Omit<MessageRow, 'id'>;

/** One run's part of a group. */
export class Draft {
  origin: RunOrigin | undefined;
  /** The version of its machine that the run goes on with from here. */
  machine: string | undefined;
  /** It goes on with a cascade that an earlier group was cut in, whose row must be written anew. */
  goesOn = false;
  readonly entries: DraftEntry[] = [];
  /** Characters of its entries and big values. */
  chars = 0;
  readonly facts: DraftFact[] = [];
  readonly timersArmed = new Map<string, TimerRow>();
  readonly timersGone = new Set<string>();
  /** Timers that end with the process. They have no rows. */
  readonly callTimersArmed = new Map<string, TimerRow>();
  readonly callTimersGone = new Set<string>();
  readonly effectsAsked = new Map<string, EffectStart>();
  readonly effectsMarked = new Set<string>();
  readonly effectsGone = new Set<string>();
  readonly taken: { readonly id: string; readonly seq: number }[] = [];
  readonly messagesSent: Unnumbered[] = [];
  readonly messagesTaken: number[] = [];
  /** Effects to start again, or now that their mark is committed. */
  readonly starts = new Map<string, EffectStart>();
  /** Effects that cannot be called in this process, by token. */
  readonly unavailable = new Map<string, { readonly start: EffectStart; readonly error: FermataError }>();
  readonly aborts = new Set<string>();
  /** What actors send to their calls. */
  readonly effectsTold: { readonly token: string; readonly event: Event }[] = [];
  readonly custom: CustomAction[] = [];
  /** Inputs taken into this group: answered after it, or put back if it fails. */
  readonly inputs: Input[] = [];
  /** What each request from outside is told after the commit. */
  readonly answers = new Map<Input, Receipt | Error>();
  /** What an inspector is told after the commit; empty where nobody inspects. */
  readonly inspected: InspectionEvent[] = [];
  turns = 0;
  /** The clock has been read for the turns that are being taken. */
  dated = false;

  get empty(): boolean {
    return (
      !this.goesOn &&
      this.entries.length === 0 &&
      this.timersArmed.size === 0 &&
      this.effectsAsked.size === 0 &&
      this.messagesSent.length === 0 &&
      this.effectsMarked.size === 0 &&
      this.effectsGone.size === 0 &&
      this.timersGone.size === 0 &&
      this.messagesTaken.length === 0 &&
      this.origin === undefined
    );
  }

  armTimer(row: TimerRow): void {
    this.timersArmed.set(row.token, row);
  }

  dropTimer(token: string): void {
    if (!this.timersArmed.delete(token)) this.timersGone.add(token);
  }

  armCallTimer(row: TimerRow): void {
    this.callTimersArmed.set(row.token, row);
  }

  dropCallTimer(token: string): void {
    if (this.callTimersArmed.delete(token)) return;
    this.callTimersGone.add(token);
    // It may have a row: of a cut, or of a version in which all had one.
    this.dropTimer(token);
  }

  /** The group is cut: before the call itself is asked for, nothing but a row would be left of its timer after a crash. */
  keepCallTimers(): void {
    for (const row of this.callTimersArmed.values()) this.armTimer(row);
    this.callTimersArmed.clear();
  }

  askEffect(start: EffectStart): void {
    this.effectsAsked.set(start.row.token, start);
  }

  /** Its outcome is known, or nobody waits for it any more. */
  dropEffect(token: string): void {
    this.starts.delete(token);
    this.unavailable.delete(token);
    if (this.effectsAsked.delete(token)) return;
    this.effectsGone.add(token);
    this.aborts.add(token);
  }
}
