import { describe, expect, it } from 'vitest';
import { layOut, progressLine, type ShownFact } from '../../src/cli/progress.ts';

const context = {
  width: 80,
  approve: (task: string) => `fermata approve R ${task}`,
  send: (type: string) => `fermata send R ${type}`,
};

function shown(event: string, data: ShownFact['data']): string | undefined {
  const line = progressLine({ event, data }, context);
  return line && layOut(line);
}

const task = { task: 'market', description: 'Researching market conditions', progress: 20 };

describe('a line of progress', () => {
  it.each<[string, ShownFact['data'], string | undefined]>([
    ['task_started', { ...task, attempt: 1 }, '[ 20%] Researching market conditions… ⏳'],
    ['task_started', { ...task, attempt: 2 }, '[ 20%] Researching market conditions (attempt 2)… ⏳'],
    ['task_started', { task: 'plan', progress: 0 }, '[  0%] plan… ⏳'],
    [
      'task_started',
      { task: 'bill', progress: 0, waitsFor: { event: 'paid' } },
      '[  0%] ⏸ bill: waits for the event "paid" → fermata send R paid',
    ],
    [
      'task_started',
      { task: 'nap', waitsFor: { date: '2026-12-24T00:00:00.000Z' } },
      '⏸ nap: waits until 2026-12-24T00:00:00.000Z',
    ],
    ['event_kept', { progress: 5, eventType: 'paid' }, '[  5%] · The event "paid" is kept until a task waits for it'],
    [
      'event_refused',
      { task: 'bill', progress: 5, error: { message: 'no amount' } },
      '[  5%] ✗ bill: did not take an event: no amount',
    ],
    [
      'task_completed',
      { ...task, progress: 35, result: '\n\nTech grew 23 %\nmore' },
      '[ 35%] ✓ Researching market conditions: Tech grew 23 %',
    ],
    [
      'task_completed',
      { ...task, progress: 100, result: { a: [1] } },
      '[100%] ✓ Researching market conditions: {"a":[1]}',
    ],
    ['task_completed', { ...task, result: '' }, '[ 20%] ✓ Researching market conditions: '],
    [
      'task_retrying',
      { ...task, attempt: 1, delaySeconds: 1.2345, error: { message: 'no answer' } },
      '[ 20%] ↻ Researching market conditions: again in 1.2 s after attempt 1: no a…',
    ],
    ['task_failed', { ...task, error: { message: 'it broke' } }, '[ 20%] ✗ Researching market conditions: it broke'],
    ['task_cancelled', { ...task, reason: 'enough' }, '[ 20%] ✗ Researching market conditions: cancelled: enough'],
    [
      'task_cancelled',
      { ...task, reason: 'Its cancelWhen is true.', condition: { expression: 'shared.full' } },
      '[ 20%] – Researching market conditions: cancelled: Its cancelWhen is true.',
    ],
    [
      'task_completed',
      { ...task, result: 'done', warning: 'one was cut off.' },
      '[ 20%] ! Researching market conditions: completed, but one was cut off.',
    ],
    ['task_skipped', { task: 'b', progress: 50, reason: 'It needs "a".' }, '[ 50%] – b: skipped: It needs "a".'],
    [
      'task_in_doubt',
      { task: 'b', progress: 50, policy: 'retry' },
      '[ 50%] ↻ b: the process was stopped; this call is made again, same key',
    ],
    [
      'approval_requested',
      { task: 'b', progress: 50, prompt: 'Book it?' },
      '[ 50%] ⏸ b: Book it? → fermata approve R b',
    ],
    ['approval_resolved', { task: 'b', progress: 50, approved: true, by: 'Ada' }, '[ 50%] ✓ b: approved by Ada'],
    [
      'approval_resolved',
      { task: 'b', progress: 50, approved: false, reason: 'too dear' },
      '[ 50%] ✗ b: refused: too dear',
    ],
    [
      'approval_resolved',
      { task: 'b', progress: 50, approved: false, expired: true },
      '[ 50%] ✗ b: nobody decided in time',
    ],
    ['progress', { task: 'b', progress: 50, percent: 33.9, note: 'page 3' }, '[ 50%] · b: 33 % page 3'],
    ['run_completed', { progress: 100 }, '[100%] ✓ Complete'],
    [
      'cost_warning',
      { progress: 40, costDollars: 0.31, warnAtDollars: 0.3, maxCostDollars: 0.5 },
      '[ 40%] ! $0.31 of the budget of $0.50 are spent',
    ],
    [
      'budget_awaited',
      { task: 'b', progress: 20, needDollars: 1e-7, leastDollars: 0 },
      '[ 20%] ⏸ b: waits for money: it may cost $0.0000001',
    ],
    ['run_failed', { progress: 40, error: { message: 'task b failed' } }, '[ 40%] ✗ The run failed: task b failed'],
    ['run_cancelled', { progress: 40, reason: { message: 'enough' } }, '[ 40%] ✗ The run was cancelled: enough'],
    ['run_paused', { progress: 40 }, '[ 40%] ⏸ The run is paused'],
    ['emitted', { event: { type: 'ping' } }, '· {"type":"ping"}'],
    ['run_started', { total: 3, progress: 0 }, undefined],
    ['what_comes_later', {}, undefined],
    ['constructor', {}, undefined],
  ])('of %s %j', (event, data, expected) => {
    expect(shown(event, data)).toBe(expected);
  });

  it('says when the run will have ended, where that is known and seen', () => {
    const line = progressLine({ event: 'task_started', data: task }, context);
    expect(line && layOut({ ...line, left: 200 })).toBe('[ 20%, 3 min 20 s left] Researching market conditions… ⏳');
  });

  it('never steers the terminal, and never cuts an emoji', () => {
    expect(shown('task_completed', { task: 't', progress: 1, result: '\u001b[2J\u0007boo' })).toBe(
      '[  1%] ✓ t: �[2J�boo',
    );
    const long = shown('task_completed', { task: 't', progress: 1, result: '👩'.repeat(90) });
    expect(long).toMatch(/^\[ {2}1%\] ✓ t: (👩)+…$/u);
    expect(long?.isWellFormed()).toBe(true);
  });
});
