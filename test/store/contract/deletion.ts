import { describe, expect, test } from 'vitest';
import type { RunKey } from '../../../src/store/runs.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  actor,
  approvalChange,
  approvalRow,
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
const fork = runKey('fork');
const ended = { state: state({ status: 'completed' }) };

async function isGone(store: Store, owner: RunKey): Promise<void> {
  expect(await store.run(owner)).toBeUndefined();
  expect(await store.actors(owner)).toEqual([]);
  expect(await store.journal(owner, { after: 0, limit: 9 })).toEqual([]);
}

export function deletionContract(make: MakeStore): void {
  describe('deletion', () => {
    const current = storeOfTest(make);

    test('leaves alone what a fork that has not ended reads from (R11)', async () => {
      const { store } = current();
      const between = runKey('between');
      const forked = (...forkedFrom: readonly string[]) => ({ forkedFrom, forkJson: '{"layers":[]}' });
      await store.commit(
        group([begin(a, ended), begin(between, ended, forked('a')), begin(fork, {}, forked('between', 'a'))]),
      );
      for (const origin of [a, between]) {
        const refused = { code: 'runHasForks', data: { forks: ['fork'] } };
        await expect(store.deleteRun(origin)).rejects.toMatchObject(refused);
        await expect(store.deleteRun(origin, { unended: true })).rejects.toMatchObject(refused);
      }
      await store.commit(group([changes(fork, 1, ended)]));
      expect(await store.deleteRun(a)).toBe(true);
      expect(await store.deleteRun(between)).toBe(true);
      expect(await store.run(fork)).toMatchObject({ forkJson: '{"layers":[]}' });
    });

    test('a run lists its own forks, and not theirs', async () => {
      const { store } = current();
      const between = runKey('between');
      await store.commit(
        group([begin(a), begin(between, {}, { forkedFrom: ['a'] }), begin(fork, {}, { forkedFrom: ['between', 'a'] })]),
      );
      const forksOf = async (run: string) =>
        (await store.runs('default', { limit: 9, forkedFrom: run })).map(({ run: id }) => id);
      expect([await forksOf('a'), await forksOf('between'), await forksOf('fork')]).toEqual([
        ['between'],
        ['fork'],
        [],
      ]);
    });

    test('takes all rows of the run along, and nothing of its neighbour', async () => {
      const { store } = current();
      const full = (owner: RunKey, position: number) => ({
        ...ended,
        entries: [entry(1, position, { kind: 'fact' as const, factSeq: 1 })],
        actors: [actor('root')],
        timersArmed: [timer(owner, 't', 1)],
        effectsAsked: [effect(owner, 'e')],
        rows: [taskChange(taskRow('plan', 0)), approvalChange(approvalRow('plan'))],
        taken: [{ id: 'm', seq: 1 }],
      });
      await store.commit(group([begin(a, full(a, 1), { tags: ['x'] }), begin(fork, full(fork, 2), { tags: ['x'] })]));
      expect(await store.deleteRun(a)).toBe(true);
      expect(await store.deleteRun(a)).toBe(false);
      await isGone(store, a);
      expect(await store.feed('default', 0, 9)).toHaveLength(1);
      expect(await store.approvals('default', { limit: 9 })).toHaveLength(1);
      expect(await store.runs('default', { limit: 9, tags: ['x'] })).toHaveLength(1);
      expect(await store.dueTimers(9, 9)).toEqual([timer(fork, 't', 1)]);
      expect(await store.openEffects(undefined, 9)).toEqual([effect(fork, 'e')]);
      expect(await store.row(fork, 'task', 'plan')).toEqual(taskRow('plan', 0));
      await store.commit(group([begin(a)]));
      expect(await store.tasks(a, { limit: 9 })).toEqual([]);
      expect(await store.messageTaken(a, 'm')).toBeUndefined();
    });

    test('a run that begins where a deleted one was reads nothing of it', async () => {
      const { store } = current();
      const full = { ...ended, entries: [entry(1, 1), entry(2, 2)] };
      await store.commit(group([begin(a, full)]));
      expect(await store.entry(a, 1)).toMatchObject({ position: 1 });
      expect(await store.deleteRun(a)).toBe(true);
      await store.commit(group([begin(fork)]));
      expect(await store.entry(fork, 1)).toBeUndefined();
      expect(await store.entry(fork, 2)).toBeUndefined();
    });

    test('refuses a run that could still write', async () => {
      const { store } = current();
      await store.commit(group([begin(a, { state: state({ status: 'waiting' }) })]));
      await expect(store.deleteRun(a)).rejects.toMatchObject({ code: 'runNotEnded' });
      expect(await store.run(a)).toMatchObject({ status: 'waiting' });
    });

    test('sends its messages where the run is deleted: both or neither', async () => {
      const { store } = current();
      await store.commit(group([begin(a), begin(fork, {}, { forkedFrom: ['a'] })], { messagesSent: [message(1)] }));
      const ids = async (): Promise<readonly number[]> => (await store.messages(9)).map(({ id }) => id);
      const deletion = (id: number) => store.deleteRun(a, { unended: true, messagesSent: [message(id)] });
      await expect(deletion(2)).rejects.toMatchObject({ code: 'runHasForks' });
      expect(await ids()).toEqual([1]);
      await store.commit(group([changes(fork, 1, ended)]));
      await expect(deletion(1), 'a number that is taken').rejects.toThrow();
      expect(await store.run(a)).toMatchObject({ status: 'running' });
      expect(await deletion(2)).toBe(true);
      expect([await ids(), await store.run(a)]).toEqual([[1, 2], undefined]);
    });

    test('R11: a big value stays until the last run that claims it is gone', async () => {
      const { store } = current();
      const blobs = [
        { hash: 'shared', text: 'S' },
        { hash: 'own', text: 'O' },
      ];
      await store.commit(group([begin(a, { ...ended, blobs: uses(['shared', 'own', 'own']) })], { blobs }));
      await store.commit(
        group([begin(fork, { ...ended, blobs: uses(['shared']) })], { blobs: [{ hash: 'shared', text: 'S' }] }),
      );
      await store.commit(group([changes(fork, 1, { ...ended, blobs: uses(['shared']) })]));
      await store.deleteRun(a);
      expect(await store.blob('shared')).toBe('S');
      expect(await store.blob('own')).toBeUndefined();
      await store.deleteRun(fork);
      expect(await store.blob('shared')).toBeUndefined();
    });

    test('R3: what an actor does not hold any more goes at once, unless somebody else holds it', async () => {
      const { store } = current();
      const texts = (hashes: readonly string[]) => ({ blobs: hashes.map((hash) => ({ hash, text: hash })) });
      const [one, two] = [uses(['kept', 'old'], '/'), uses(['old'], '/child')];
      await store.commit(group([begin(a, { blobs: [...one, ...two, ...uses(['kept'])] })], texts(['kept', 'old'])));
      await store.commit(group([changes(a, 1, { blobs: uses(['new'], '/'), blobsGone: one })], texts(['new'])));
      expect([await store.blob('kept'), await store.blob('old'), await store.blob('new')]).toEqual([
        'kept',
        'old',
        'new',
      ]);
      // Another run claims in the same group what this one lets go of.
      await store.commit(
        group([
          changes(a, 2, { blobsGone: [...two, ...uses(['new'], '/')] }),
          begin(fork, { ...ended, blobs: uses(['new']) }),
        ]),
      );
      expect(await store.blob('old')).toBeUndefined();
      expect(await store.blob('new')).toBe('new');
      await store.deleteRun(fork);
      expect(await store.blob('new')).toBeUndefined();
      expect(await store.blob('kept')).toBe('kept');
    });

    test('R11: a big value in a message under way outlives its sender', async () => {
      const { store } = current();
      // The second is named by the first, not by the message.
      const sent = message(1, { eventJson: '{"body":{"$fermata":"blob","hash":"cafe"}}', blobs: ['cafe', 'inner'] });
      await store.commit(
        group([begin(a, { ...ended, blobs: uses(['cafe', 'inner']) })], {
          blobs: [
            { hash: 'cafe', text: 'C' },
            { hash: 'inner', text: 'I' },
          ],
          messagesSent: [sent],
        }),
      );
      await store.deleteRun(a);
      expect([await store.blob('cafe'), await store.blob('inner')]).toEqual(['C', 'I']);
      await store.commit(group([begin(fork, { ...ended, blobs: uses(['cafe']) })], { messagesTaken: [1] }));
      expect(await store.blob('cafe')).toBe('C');
      await store.deleteRun(fork);
      expect(await store.blob('cafe')).toBeUndefined();
    });
  });
}
