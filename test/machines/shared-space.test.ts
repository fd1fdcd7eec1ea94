/** The shared space, as far as it decides: what it states and answers, and what its end means for the run. */
import { expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { sharedMachine } from '../../machines/shared-space.ts';
import { workflowMachine } from '../../machines/workflow.ts';

const write = { type: 'fermata.shared.set', task: 'a', write: 'w1', from: 'call', key: 'k', value: 1 } as const;

/** The shared space, with what it states and sends. */
function space() {
  let [snapshot] = initialTransition(sharedMachine);
  const facts: unknown[] = [];
  const told: unknown[] = [];
  return {
    facts,
    told,
    context: () => snapshot.context,
    send(event: object) {
      const [next, actions] = transition(sharedMachine, snapshot, event as never);
      snapshot = next;
      for (const { type, params } of actions)
        if (type === 'fermata.fact') facts.push(params);
        else told.push(params);
    },
  };
}

it('states each value that it writes, answers who asked, and counts', () => {
  const { send, facts, told, context } = space();
  send({ ...write, prepared: { writes: [{ key: 'k', value: 1, revision: 1 }] } });
  const both = [
    { key: 'k', value: 2, revision: 2 },
    { key: 'other', value: null, revision: 1 },
  ];
  send({ type: 'fermata.shared.publish', task: '50%', result: {}, prepared: { writes: both } });
  expect(facts).toEqual([
    { type: 'shared_changed', key: 'k', revision: 1, value: 1, by: 'a', write: 'w1' },
    { type: 'shared_changed', key: 'k', revision: 2, value: 2, by: '50%' },
    { type: 'shared_changed', key: 'other', revision: 1, value: null, by: '50%' },
  ]);
  const answer = { type: 'fermata.shared.answer' };
  expect(told).toEqual([
    { to: '/a', event: { ...answer, write: 'w1', from: 'call', answer: { revision: 1 }, changed: ['k'] } },
    { to: '/50%25', event: { ...answer, answer: { revision: 2 }, changed: ['k', 'other'] } },
  ]);
  expect(context()).toEqual({ keys: 2, writes: 3 });
});

it.each([
  ['done before', { done: { key: 'k', value: 7, revision: 3 } }, { revision: 3, done: { value: 7 } }],
  [
    'refused',
    { error: { code: 'sharedConflict', message: 'late' } },
    { error: { code: 'sharedConflict', message: 'late' } },
  ],
])('a write that was %s changes nothing', (_, prepared, answer) => {
  const { send, facts, told, context } = space();
  send({ ...write, prepared });
  expect(facts).toEqual([]);
  expect(told).toMatchObject([{ to: '/a', event: { answer, changed: [] } }]);
  expect(context()).toEqual({ keys: 0, writes: 0 });
});

it('a fork begins with values of its origin, a page a turn', () => {
  const { send, facts, told, context } = space();
  const value = { key: 'k', value: 1, revision: 7, by: 'a', reused: { runId: 'origin', seq: 3 } };
  send({ type: 'fermata.shared.takeOver', prepared: { values: [value], next: 'k' } });
  expect(told).toEqual([{ to: '/%2Fshared', event: { type: 'fermata.shared.takeOver', after: 'k' } }]);
  send({ type: 'fermata.shared.takeOver', after: 'k', prepared: { values: [] } });
  expect(facts).toEqual([{ type: 'shared_changed', ...value }]);
  expect([told.length, context()]).toEqual([1, { keys: 1, writes: 0 }]);
  send({ ...write, prepared: { writes: [{ key: 'k', value: 2, revision: 8, previous: 12 }] } });
  expect(facts.slice(1)).toEqual([
    { type: 'shared_changed', key: 'k', revision: 8, value: 2, by: 'a', write: 'w1', previous: 12 },
  ]);
  expect(context()).toEqual({ keys: 1, writes: 1 });
});

it('where it breaks, its run fails, and what is alive is cancelled', () => {
  const input = { workflow: 'w', version: 1, total: 1, breadth: 1, onTaskFailure: 'continue' } as const;
  const begun = initialTransition(workflowMachine, {
    ...input,
    prepared: { candidates: [{ name: 'a', live: false }] },
  });
  const broken = {
    type: 'xstate.error.actor./shared',
    actorId: '/shared',
    error: { message: 'gone' },
    prepared: { live: ['a'] },
  };
  const [after, actions] = transition(workflowMachine, begun[0], broken as never);
  expect(after.context.ending).toEqual({
    status: 'failed',
    reason: { code: 'actorFailed', message: 'Its shared values are lost: gone' },
  });
  expect(actions).toContainEqual(
    expect.objectContaining({
      type: 'fermata.send',
      params: { to: 'a', event: expect.objectContaining({ type: 'fermata.cancel' }) as unknown },
    }),
  );
});
