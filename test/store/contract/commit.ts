import { describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/store/store.ts';
import type { CommitGroup } from '../../../src/store/commit.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  NOON,
  actor,
  approvalChange,
  approvalRow,
  growthChange,
  growthRow,
  begin,
  changes,
  effect,
  entry,
  group,
  message,
  runKey,
  state,
  taskChange,
  taskRow,
  timer,
  uses,
} from './rows.ts';
import { storeOfTest } from './under-test.ts';
import type { MakeStore } from './under-test.ts';

const a = runKey('a');
const b = runKey('b');

/** Commits, and returns the error that it must give. */
async function refused(store: Store, wrong: CommitGroup): Promise<StoreError> {
  const error: unknown = await store.commit(wrong).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
}

export function commitContract(make: MakeStore): void {
  describe('commit', () => {
    const current = storeOfTest(make);

    test('keeps a run as it was given, and counts its revisions', async () => {
      const { store } = current();
      const whole = {
        workflowId: 'w',
        workflowName: 'research',
        workflowVersion: 3,
        tags: ['x', 'y'],
        inputJson: '{"n":1}',
      };
      await store.commit(
        group([begin(a, { state: state({ counts: { total: 2 }, systemIds: { clock: 'root/clock' } }) }, whole)]),
      );
      expect(await store.run(a)).toEqual({
        ...a,
        ...whole,
        machine: 'light@1',
        seed: 'seed',
        createdAt: NOON,
        ...state({ counts: { total: 2 }, systemIds: { clock: 'root/clock' } }),
        revision: 1,
      });
      const ended = state({
        status: 'failed',
        seq: 9,
        progress: 33.3,
        endedAt: NOON + 1,
        reasonJson: '{"code":"x"}',
        outputJson: '1',
      });
      await store.commit(group([changes(a, 1, { state: ended })]));
      expect(await store.run(a)).toMatchObject({ ...ended, ...whole, revision: 2 });
    });

    test('a run goes on with another version of its machine, and is found under it', async () => {
      const { store } = current();
      await store.commit(group([begin(a), begin(b)]));
      await store.commit(group([changes(a, 1, { machine: 'light@2' })]));
      expect(await store.run(a)).toMatchObject({ machine: 'light@2', revision: 2, seed: 'seed' });
      expect(await store.run(b)).toMatchObject({ machine: 'light@1' });
      expect((await store.runs('default', { q: 'light@2', limit: 10 })).map(({ run }) => run)).toEqual(['a']);
      const late = await refused(store, group([changes(a, 1, { machine: 'light@3' })]));
      expect(late.outcome).toBe('unchanged');
      expect(await store.run(a)).toMatchObject({ machine: 'light@2' });
    });

    test('S2: what is counted after a commit is not in it', async () => {
      const { store } = current();
      const counts = { settled: 1 };
      const systemIds = { clock: '/clock' };
      await store.commit(group([begin(a, { state: state({ counts, systemIds }) })]));
      counts.settled++;
      systemIds.clock = '/other';
      expect(await store.run(a)).toMatchObject({ counts: { settled: 1 }, systemIds: { clock: '/clock' } });
    });

    test('writes every kind of row', async () => {
      const { store } = current();
      await store.commit(
        group([
          begin(a, {
            entries: [entry(1, 1), entry(2, 2, { kind: 'fact', factSeq: 1, type: 'run_started' })],
            actors: [actor('root')],
            timersArmed: [timer(a, '1.0', NOON)],
            effectsAsked: [effect(a, '1.1')],
            rows: [
              taskChange(taskRow('plan', 0)),
              approvalChange(approvalRow('plan')),
              growthChange(growthRow('plan', { open: 2 })),
              growthChange(growthRow('dive', { parent: 'plan', depth: 1, specSeq: 2, detailJson: '{}' })),
            ],
            taken: [{ id: 'm1', seq: 1 }],
          }),
        ]),
      );
      expect(await store.entry(a, 2)).toEqual(entry(2, 2, { kind: 'fact', factSeq: 1, type: 'run_started' }));
      expect(await store.actor(a, 'root')).toEqual(actor('root'));
      expect(await store.timersOf(a)).toEqual([timer(a, '1.0', NOON)]);
      expect(await store.effectsOf(a)).toEqual([effect(a, '1.1')]);
      expect(await store.row(a, 'task', 'plan')).toEqual(taskRow('plan', 0));
      expect(await store.row(a, 'approval', 'plan')).toEqual(approvalRow('plan'));
      expect(await store.row(a, 'growth', 'plan')).toEqual(growthRow('plan', { open: 2 }));
      expect(await store.row(a, 'growth', 'dive')).toEqual(
        growthRow('dive', { parent: 'plan', depth: 1, specSeq: 2, detailJson: '{}' }),
      );
      expect(await store.row(a, 'growth', 'nobody')).toBeUndefined();
      expect(await store.messageTaken(a, 'm1')).toBe(1);
    });

    test('overwrites actors and projected rows by their key', async () => {
      const { store } = current();
      await store.commit(
        group([
          begin(a, {
            actors: [actor('root')],
            rows: [taskChange(taskRow('plan', 0)), approvalChange(approvalRow('plan'))],
          }),
        ]),
      );
      const settled = taskRow('plan', 0, {
        status: 'completed',
        attempts: 1,
        startedAt: 1,
        endedAt: 2,
        resultSeq: 7,
        detailJson: '{}',
      });
      const decided = approvalRow('plan', { status: 'approved', decidedAt: 3, decisionJson: '{"by":"me"}' });
      const moved = actor('root', { birth: 4, status: 'done', stateJson: '{"value":"green"}' });
      await store.commit(
        group([changes(a, 1, { actors: [moved], rows: [taskChange(settled), approvalChange(decided)] })]),
      );
      expect(await store.actors(a)).toEqual([moved]);
      expect(await store.row(a, 'task', 'plan')).toEqual(settled);
      expect(await store.row(a, 'approval', 'plan')).toEqual(decided);
    });

    test('timers and effects come, are marked and go, also within one group', async () => {
      const { store } = current();
      const armed = {
        timersArmed: [timer(a, 't1', 1), timer(a, 't2', 2)],
        effectsAsked: [effect(a, 'e1'), effect(a, 'e2')],
      };
      await store.commit(
        group([begin(a, { ...armed, timersGone: ['t1'], effectsGone: ['e1'], effectsMarked: ['e2'] })]),
      );
      expect(await store.timersOf(a)).toEqual([timer(a, 't2', 2)]);
      expect(await store.effectsOf(a)).toEqual([{ ...effect(a, 'e2'), marked: true }]);
      await store.commit(group([changes(a, 1, { timersGone: ['t2', 'unknown'], effectsGone: ['e2'] })]));
      expect(await store.timersOf(a)).toEqual([]);
      expect(await store.effectsOf(a)).toEqual([]);
    });

    test('messages are sent, delivered in order, and gone with the commit that takes them', async () => {
      const { store } = current();
      await store.commit(
        group([begin(a)], { messagesSent: [message(2), message(1, { tenant: 'other' }), message(3)] }),
      );
      expect(await store.messages(2)).toEqual([message(1, { tenant: 'other' }), message(2)]);
      expect(await store.messages(10, 1)).toEqual([message(2), message(3)]);
      await store.commit(group([begin(b)], { messagesTaken: [1, 2] }));
      expect(await store.messages(10)).toEqual([message(3)]);
    });

    test('S1: one stale revision in a group of two runs changes nothing at all', async () => {
      const { store } = current();
      await store.commit(group([begin(a), begin(b)]));
      await store.commit(group([changes(b, 1)]));
      const wrong = group([changes(a, 1, { entries: [entry(1, 1)], state: state({ seq: 1 }) }), changes(b, 1)], {
        messagesSent: [message(1)],
        blobs: [{ hash: 'h', text: 'big' }],
      });
      const error = await refused(store, wrong);
      expect(error).toMatchObject({
        outcome: 'unchanged',
        message: expect.stringMatching(/"b".*revision 1/) as string,
      });
      expect(await store.run(a)).toMatchObject({ revision: 1, seq: 0 });
      expect(await store.entry(a, 1)).toBeUndefined();
      expect(await store.messages(1)).toEqual([]);
      expect(await store.blob('h')).toBeUndefined();
    });

    test('S3: what breaks a rule of the tables leaves everything unchanged, and the store goes on', async () => {
      const { store } = current();
      await store.commit(group([begin(a, { entries: [entry(1, 1)], taken: [{ id: 'm', seq: 1 }] })]));
      const wrong: Record<string, CommitGroup> = {
        'a run begins twice': group([begin(a)]),
        'a run that does not exist': group([changes(b, 0)]),
        'a message taken twice': group([changes(a, 1, { taken: [{ id: 'm', seq: 2 }] })]),
        'a journal number used twice': group([changes(a, 1, { entries: [entry(1, 2)] })]),
        'a position used twice': group([changes(a, 1, { entries: [entry(2, 1)] })]),
        'a big value that is stored nowhere': group([changes(a, 1, { blobs: uses(['nowhere']) })]),
        'the same run twice in one group': group([changes(a, 1), changes(a, 1)]),
      };
      for (const [what, commit] of Object.entries(wrong)) {
        expect((await refused(store, commit)).outcome, what).toBe('unchanged');
        expect(await store.run(a), what).toMatchObject({ revision: 1 });
      }
      await store.commit(group([changes(a, 1)]));
      expect(await store.run(a)).toMatchObject({ revision: 2 });
    });

    test('a run whose first group failed is unknown, and can begin again', async () => {
      const { store } = current();
      await refused(store, group([begin(a), changes(b, 5)]));
      expect(await store.run(a)).toBeUndefined();
      expect((await refused(store, group([changes(a, 1)]))).outcome).toBe('unchanged');
      await store.commit(group([begin(b, { actors: [actor('of b')] })]));
      await store.commit(group([begin(a)]));
      expect(await store.actors(a)).toEqual([]);
    });

    test('S1: a run that began and went on in a group that fell owns nothing of the next run', async () => {
      const { store } = current();
      await refused(store, group([begin(a), changes(a, 1), changes(b, 5)]));
      await store.commit(group([begin(b, { actors: [actor('of b')] })]));
      expect(await store.run(a)).toBeUndefined();
      expect(await store.actors(a)).toEqual([]);
    });

    test('two starts under one idempotency key make one run', async () => {
      const { store } = current();
      const idempotency = { key: 'k', bodyHash: 'h1' };
      await store.commit(group([begin(a, {}, { idempotency })]));
      expect((await refused(store, group([begin(b, {}, { idempotency: { key: 'k', bodyHash: 'h2' } })]))).outcome).toBe(
        'unchanged',
      );
      expect(await store.startedUnder('default', 'k')).toEqual({ run: 'a', bodyHash: 'h1' });
      expect((await store.run(a))?.idempotency).toEqual(idempotency);
      const elsewhere = runKey('b', 'other');
      await store.commit(group([begin(elsewhere, {}, { idempotency })]));
      expect(await store.startedUnder('other', 'k')).toEqual({ run: 'b', bodyHash: 'h1' });
      expect(await store.startedUnder('default', 'none')).toBeUndefined();
    });

    test('an empty group is no error', async () => {
      await current().store.commit(group([]));
    });
  });
}
