/**
 * What the tasks of a run share: values by key, each with a revision that counts its writes. An actor of the run, begun
 * with the first write, so that writes come one after the other and each is a turn.
 *
 * It holds counts only: the values are rows and facts, and what a write is decided with is attached to its event (R2), so
 * that one costs the same among 10,000 keys as among none (R3).
 */
import { enqueueActions, setup } from 'xstate';
import type { ErrorData } from '../src/errors.ts';
import { SHARED_ADDRESS } from '../src/document/shared-values.ts';
import { fact, send, sendTask } from './reserved.ts';

/** One value, as it is written. */
export interface SharedValue {
  readonly key: string;
  readonly value: unknown;
  /** That it gets: 1 for the first under its key. */
  readonly revision: number;
  /** Journal number of the fact that wrote the one before it; absent of the first. */
  readonly previous?: number;
}

/** One with which a fork begins. */
export interface TakenOverValue extends Pick<SharedValue, 'key' | 'value' | 'revision'> {
  /** The task that wrote it. */
  readonly by: string;
  /** Where: the run, and the number of the fact in it. */
  readonly reused: { readonly runId: string; readonly seq: number };
}

/** Some of those with which a fork begins. `next`: where the others go on. */
export interface SharedBeginning {
  readonly values: readonly TakenOverValue[];
  readonly next?: string;
}

/** A fork begins: it is told what those tasks shared whose outcomes it takes over. */
export interface TakesOverShared {
  readonly type: 'fermata.shared.takeOver';
  /** Behind this key. */
  readonly after?: string;
  readonly prepared?: SharedBeginning;
}

/** What rows say of a write: what it changes, or why it changes nothing. */
export type PreparedWrite =
  | { readonly writes: readonly SharedValue[] }
  /** The call was made before, and had written this. */
  | { readonly done: SharedValue }
  | { readonly error: ErrorData };

interface Asked {
  /** Who writes. */
  readonly task: string;
  readonly prepared?: PreparedWrite;
}

/** The function of a task sets a value. */
export interface SetsShared extends Asked {
  readonly type: 'fermata.shared.set';
  /** The same whenever its call is repeated. */
  readonly write: string;
  /** Which call of the task's it is. */
  readonly from: string;
  readonly key: string;
  readonly value: unknown;
  /** Only over this one; 0: only where there is none. */
  readonly revision?: number;
}

/** A task publishes what its `outputs` say of its result. */
export interface PublishesShared extends Asked {
  readonly type: 'fermata.shared.publish';
  readonly result: unknown;
}

/** What became of a write. The value is told where it is not the one that was asked for. */
export type WriteAnswer =
  | { readonly revision: number; readonly done?: { readonly value: unknown } }
  | { readonly error: ErrorData };

/** What became of what a task has written. */
export interface SharedAnswer {
  readonly type: 'fermata.shared.answer';
  /** Of a function's write: under which name its call hears of it. */
  readonly write?: string;
  readonly from?: string;
  readonly answer: WriteAnswer;
  /** Keys of the values that have changed. */
  readonly changed: readonly string[];
}

/** The shared space of a run. */
export const sharedMachine = setup({
  types: {} as {
    context: { readonly keys: number; readonly writes: number };
    events: SetsShared | PublishesShared | TakesOverShared;
  },
  actions: {
    // Data to the runtime (R3); see reserved.ts.
    'fermata.fact': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.send': (_, _params: Readonly<Record<string, unknown>>) => {},
    takeOver: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'fermata.shared.takeOver') return;
      const { values = [], next } = event.prepared ?? {};
      for (const { key, revision, value, by, reused } of values)
        fact(enqueue, 'shared_changed', { key, revision, value, by, reused });
      enqueue.assign({ keys: context.keys + values.length });
      // A turn for each page: of 10,000 values the first ones are not held back until the last one is read.
      if (next !== undefined) send(enqueue, SHARED_ADDRESS, { type: 'fermata.shared.takeOver', after: next });
    }),
    write: enqueueActions(({ enqueue, context, event }) => {
      if (event.type === 'fermata.shared.takeOver') return;
      const { prepared, task } = event;
      const writes = prepared !== undefined && 'writes' in prepared ? prepared.writes : [];
      const of = event.type === 'fermata.shared.set' ? { write: event.write } : {};
      for (const { key, revision, value, previous } of writes)
        fact(enqueue, 'shared_changed', {
          key,
          revision,
          value,
          by: task,
          ...of,
          ...(previous === undefined ? {} : { previous }),
        });
      enqueue.assign({
        keys: context.keys + writes.filter(({ revision }) => revision === 1).length,
        writes: context.writes + writes.length,
      });
    }),
    // To nobody but who wrote: in the middle of its turn the whole run would go on, and write what comes later first.
    answer: enqueueActions(({ enqueue, event }) => {
      if (event.type === 'fermata.shared.takeOver') return;
      const { prepared, task } = event;
      const writes = prepared !== undefined && 'writes' in prepared ? prepared.writes : [];
      const of = event.type === 'fermata.shared.set' ? { write: event.write, from: event.from } : {};
      const changed = writes.map(({ key }) => key);
      const answer: SharedAnswer = { type: 'fermata.shared.answer', ...of, answer: answerTo(prepared), changed };
      sendTask(enqueue, task, { ...answer });
    }),
  },
}).createMachine({
  id: 'shared',
  context: { keys: 0, writes: 0 },
  initial: 'open',
  states: {
    open: {
      meta: { waitsFor: 'writes' },
      on: {
        'fermata.shared.set': { actions: ['write', 'answer'] },
        'fermata.shared.publish': { actions: ['write', 'answer'] },
        'fermata.shared.takeOver': { actions: 'takeOver' },
      },
    },
  },
});

function answerTo(prepared: PreparedWrite | undefined): WriteAnswer {
  if (prepared === undefined)
    return { error: { code: 'internal', message: 'A shared value was written without its revision.', retry: 'never' } };
  if ('error' in prepared) return prepared;
  if ('done' in prepared) return { revision: prepared.done.revision, done: { value: prepared.done.value } };
  return { revision: prepared.writes[0]?.revision ?? 0 };
}
