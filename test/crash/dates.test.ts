/** R10: what has a date keeps it while nobody is there; what is measured from a call begins anew with the call. */
import { describe, expect, it } from 'vitest';
import type { CodeFunction } from '../../actors/code-function.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { ManualClock } from '../harness/clock.ts';
import { openEmbedded, type Embedded } from './embedded.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A task that a person must allow, within `seconds`. */
function gated(seconds: number): WorkflowDocument {
  return {
    name: 'gated',
    tasks: [{ name: 'pay', kind: 'code', function: 'pay', requiresApproval: true, approvalTimeoutSeconds: seconds }],
  };
}

const pay: CodeFunction = () => 'paid';

function pass(clock: ManualClock, { fermata }: Embedded, ms: number): Promise<void> {
  return clock.advance(ms, () => quiet(fermata.runtime));
}

/** Functions of these tests end at once, so a few turns of the loop after the last commit are enough. */
async function quiet(runtime: Embedded['fermata']['runtime']): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await runtime.idle();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('R10: dates across downtime', () => {
  it('an approval whose time ran out while nothing ran is refused at the next start', async () => {
    const clock = new ManualClock();
    const place = await openEmbedded({ clock, functions: { pay } });
    const run = await place.run(gated(3_600));
    await place.close();
    clock.jump(2 * HOUR);
    await place.open();
    const { status, reason } = await place.ended(run);
    expect({ status, code: reason?.code }).toEqual({ status: 'failed', code: 'approvalExpired' });
    expect(await place.statuses(run)).toEqual(['pay timedOut']);
    expect(await place.facts(run, 'approval_resolved')).toMatchObject([{ data: { approved: false, expired: true } }]);
    await expect(place.approve(run, 'pay')).rejects.toMatchObject({ code: 'runEnded' });
  });

  it('an approval expires on its date, not that long after a restart', async () => {
    const clock = new ManualClock();
    const place = await openEmbedded({ clock, functions: { pay } });
    const run = await place.run(gated(3_600));
    await pass(clock, place, 10 * MINUTE);
    await place.crash();
    clock.jump(20 * MINUTE);
    await place.open({ clock });
    await pass(clock, place, 29 * MINUTE);
    expect(await place.statuses(run)).toEqual(['pay awaitingApproval']);
    await pass(clock, place, MINUTE);
    expect(await place.statuses(run)).toEqual(['pay timedOut']);
  });

  it('a wait of 30 days is one, and needs no timer longer than a minute', async () => {
    const clock = new ManualClock();
    let longest = 0;
    const measured = {
      now: () => clock.now(),
      setTimer(wake: () => void, ms: number) {
        longest = Math.max(longest, ms);
        return clock.setTimer(wake, ms);
      },
    };
    const place = await openEmbedded({ clock: measured, functions: { pay } });
    const early = await place.run(gated(30 * 86_400));
    const late = await place.run(gated(30 * 86_400));
    clock.jump(29 * DAY);
    await pass(clock, place, 23 * HOUR);
    expect(await place.statuses(early)).toEqual(['pay awaitingApproval']);
    await place.approve(early, 'pay');
    expect((await place.ended(early)).status).toBe('completed');
    await pass(clock, place, HOUR);
    expect(await place.statuses(late)).toEqual(['pay timedOut']);
    expect(longest).toBeLessThanOrEqual(MINUTE);
    expect(place.fermata.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
  });

  it('a back-off that ended in the downtime is over at the next start', async () => {
    const clock = new ManualClock();
    let calls = 0;
    const once: CodeFunction = () => {
      if (++calls === 1) throw new Error('not yet');
      return 'paid';
    };
    const place = await openEmbedded({ clock, functions: { pay: once } });
    const run = await place.run({
      name: 'retrying',
      tasks: [{ name: 'pay', kind: 'code', function: 'pay', retry: { initialSeconds: 600, maxSeconds: 600 } }],
    });
    await quiet(place.fermata.runtime);
    expect(await place.statuses(run)).toEqual(['pay retrying']);
    await place.close();
    clock.jump(DAY);
    await place.open();
    expect((await place.ended(run)).output).toBe('paid');
    expect(calls).toBe(2);
  });

  it.each(['retry', 'ask'] as const)(
    'a call that the downtime cut off has its whole time again (onInDoubt %s)',
    async (onInDoubt) => {
      const clock = new ManualClock();
      const keys: string[] = [];
      let answer: (value: string) => void = () => {};
      const slow: CodeFunction = (_, { idempotencyKey }) => {
        keys.push(idempotencyKey);
        return new Promise<string>((resolve) => (answer = resolve));
      };
      // Where the policy is `ask`, the crash comes before the mark: the call was never made.
      const halt = (): void => {
        throw new Error('the process dies here');
      };
      const place = await openEmbedded({
        clock,
        functions: { pay: slow },
        ...(onInDoubt === 'ask' ? { crashPoint: (point) => point === 'acted' && halt() } : {}),
      });
      const run = await place.run({
        name: 'slow',
        tasks: [{ name: 'pay', kind: 'code', function: 'pay', onInDoubt, timeoutSeconds: 60, maxRetries: 0 }],
      });
      await place.crash();
      clock.jump(HOUR);
      await place.open({ crashPoint: () => {} });
      await pass(clock, place, 59_000);
      expect(await place.statuses(run)).toEqual(['pay running']);
      answer('paid');
      expect((await place.ended(run)).output).toBe('paid');
      expect(new Set(keys).size).toBe(1);
      expect(keys).toHaveLength(onInDoubt === 'retry' ? 2 : 1);
      expect(await place.facts(run, 'task_in_doubt')).toHaveLength(onInDoubt === 'retry' ? 1 : 0);
    },
  );
});

describe('R2, R10: a clock that jumps', () => {
  it('an hour back: what was to wait a second waits a second, and the journal never goes back', async () => {
    const clock = new ManualClock();
    let calls = 0;
    const twice: CodeFunction = () => {
      if (++calls < 3) throw new Error('not yet');
      return 'paid';
    };
    const place = await openEmbedded({ clock, functions: { pay: twice } });
    const run = await place.run({
      name: 'retrying',
      tasks: [{ name: 'pay', kind: 'code', function: 'pay', retry: { initialSeconds: 1, factor: 1 } }],
    });
    await quiet(place.fermata.runtime);
    await pass(clock, place, 900);
    clock.jump(-HOUR);
    await pass(clock, place, HOUR);
    for (let second = 0; second < 3; second++) await pass(clock, place, 1_000);
    const end = await place.fermata.runtime.read(run);
    expect(end.status).toBe('completed');
    const times = (await place.fermata.runtime.journal(run)).map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('an hour back: a back-off that begins afterwards takes its time by the new clock', async () => {
    const clock = new ManualClock();
    let calls = 0;
    const once: CodeFunction = () => {
      if (++calls > 1) return 'paid';
      clock.jump(-HOUR);
      throw new Error('not yet');
    };
    const place = await openEmbedded({ clock, functions: { pay: once } });
    const run = await place.run({
      name: 'retrying',
      tasks: [{ name: 'pay', kind: 'code', function: 'pay', retry: { initialSeconds: 1 } }],
    });
    await quiet(place.fermata.runtime);
    await pass(clock, place, 1_000);
    expect((await place.fermata.runtime.read(run)).status).toBe('completed');
  });

  it('an hour back: an approval keeps its date', async () => {
    const clock = new ManualClock();
    const place = await openEmbedded({ clock, functions: { pay } });
    const run = await place.run(gated(1_800));
    clock.jump(-HOUR);
    await pass(clock, place, 89 * MINUTE);
    expect(await place.statuses(run)).toEqual(['pay awaitingApproval']);
    await pass(clock, place, 2 * MINUTE);
    expect(await place.statuses(run)).toEqual(['pay timedOut']);
  });

  it('a day on: what is due is noticed within a minute, what is not yet due stays, and a call whose time is over is tried again', async () => {
    const clock = new ManualClock();
    let calls = 0;
    const slow: CodeFunction = () => (++calls === 1 ? new Promise(() => {}) : 'found');
    const place = await openEmbedded({ clock, functions: { pay, slow } });
    const short = await place.run({ ...gated(3_600), name: 'an hour' });
    const long = await place.run({ ...gated(2 * 86_400), name: 'two days' });
    const call = await place.run({
      name: 'call',
      tasks: [{ name: 'search', kind: 'code', function: 'slow', timeoutSeconds: 60, retry: { initialSeconds: 1 } }],
    });
    await quiet(place.fermata.runtime);
    clock.jump(DAY);
    await pass(clock, place, MINUTE);
    await pass(clock, place, 1_000);
    expect(await place.statuses(short)).toEqual(['pay timedOut']);
    expect(await place.statuses(long)).toEqual(['pay awaitingApproval']);
    expect(await place.statuses(call)).toEqual(['search completed']);
    await place.approve(long, 'pay');
    expect((await place.ended(long)).status).toBe('completed');
  });

  it('a day on: a wait of a second that begins afterwards is armed for a second', async () => {
    const clock = new ManualClock();
    const armed: number[] = [];
    const measured = {
      now: () => clock.now(),
      setTimer(wake: () => void, ms: number) {
        armed.push(ms);
        return clock.setTimer(wake, ms);
      },
    };
    const place = await openEmbedded({ clock: measured, functions: { pay } });
    await place.run(gated(30));
    await quiet(place.fermata.runtime);
    clock.jump(DAY);
    await place.run({ ...gated(1), name: 'a second' });
    await quiet(place.fermata.runtime);
    expect(armed.at(-1)).toBeLessThanOrEqual(1_000);
  });
});
