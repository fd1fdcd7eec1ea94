/** An orderly stop, a doubtful write, trouble with reads: nothing is paid twice, nothing goes on in the dark (R4, R5). */
import { describe, expect, it } from 'vitest';
import { effect } from '../../src/runtime/effect.ts';
import { StoreError, type Store } from '../../src/store/store.ts';
import { openRuntime, turnsOfTheLoop } from '../harness/runtime.ts';
import { asker, counter, Deferred } from './machines.ts';
import { faulty } from './stores.ts';

describe('R5: an orderly stop', () => {
  it('commits the answers that have come in: their calls are not made again', async () => {
    const answers: Deferred[] = [];
    const call = effect({
      run: () => {
        const answer = new Deferred();
        answers.push(answer);
        return answer.promise;
      },
    });
    const under = await openRuntime({ machines: { 'asker@1': asker }, actors: { call } });
    const runs = await Promise.all(Array.from({ length: 50 }, () => under.runtime.start('asker')));
    await Promise.all(runs.map(({ runId }) => under.runtime.send(runId, { type: 'ASK' })));
    expect(answers).toHaveLength(50);
    for (const answer of answers) answer.resolve('yes');
    await answers.at(-1)?.promise;
    await Promise.resolve();
    await under.runtime.close();
    await under.open();
    await under.settle();
    expect(answers).toHaveLength(50);
    for (const { runId } of runs)
      expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({ value: 'answered' });
  });

  it('commits them also where the disk was busy for a moment', async () => {
    const store = faulty();
    const answer = new Deferred();
    let calls = 0;
    const call = effect({
      run: () => {
        calls++;
        return answer.promise;
      },
    });
    const under = await openRuntime({ machines: { 'asker@1': asker }, actors: { call }, wrap: store.wrap });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    store.fault = 'unchanged';
    answer.resolve('yes');
    await turnsOfTheLoop();
    const closing = under.runtime.close();
    store.fault = 'none';
    await closing;
    await under.open();
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({ value: 'answered' });
    expect(calls).toBe(1);
  });

  it('takes no new request', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const { runId } = await under.runtime.start('counter');
    const closing = under.runtime.close();
    await expect(under.runtime.send(runId, { type: 'ADD' })).rejects.toMatchObject({ code: 'shuttingDown' });
    await closing;
    await under.open();
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ count: 0 });
  });
});

describe('R4: a write of unknown outcome, whoever asked for it', () => {
  it('ends the process: nothing more is taken or started', async () => {
    let doubt: ((error: StoreError) => void) | undefined;
    const fatal: Error[] = [];
    const under = await openRuntime({
      machines: { 'counter@1': counter },
      onFatal: (error) => fatal.push(error),
      wrap: (store) => ({
        ...store,
        open(told) {
          doubt = told;
          return store.open(told);
        },
      }),
    });
    const { runId } = await under.runtime.start('counter');
    doubt?.(new StoreError('unknown', 'the disk failed while a run was deleted'));
    doubt?.(new StoreError('unknown', 'said twice'));
    await expect(under.runtime.send(runId, { type: 'ADD' })).rejects.toMatchObject({ code: 'outcomeUnknown' });
    expect(fatal).toMatchObject([{ code: 'outcomeUnknown' }]);
  });
});

/** A store whose `actor` read fails `times` times. */
function failingReads(times: () => number): (store: Store) => Store {
  let failed = 0;
  return (store) => ({
    ...store,
    actor(key, address) {
      if (failed++ < times()) throw new RangeError('disk I/O error');
      return store.actor(key, address);
    },
  });
}

describe('R7: a run that cannot be read', () => {
  it('once: whoever asked hears it, the run goes on by itself', async () => {
    let times = 0;
    const under = await openRuntime({ machines: { 'counter@1': counter }, wrap: failingReads(() => times) });
    const { runId } = await under.runtime.start('counter');
    await under.restart();
    times = 1;
    await expect(under.runtime.send(runId, { type: 'ADD' })).rejects.toMatchObject({ code: 'storeUnavailable' });
    await under.advance(1_000);
    await under.runtime.send(runId, { type: 'ADD' });
    expect((await under.runtime.read(runId)).state).toBe('counting');
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ count: 1 });
    expect((await under.runtime.why(runId)).blocked).toBeUndefined();
  });

  it('for a while: it is tried again and again, and others do not wait for it', async () => {
    let times = 0;
    const under = await openRuntime({ machines: { 'counter@1': counter }, wrap: failingReads(() => times) });
    const [{ runId }, other] = [await under.runtime.start('counter'), await under.runtime.start('counter')];
    await under.restart();
    await under.runtime.send(other.runId, { type: 'ADD' });
    times = 8;
    for (let i = 0; i < 7; i++)
      await expect(under.runtime.send(runId, { type: 'ADD' })).rejects.toMatchObject({ code: 'storeUnavailable' });
    times = 0;
    await under.runtime.send(other.runId, { type: 'ADD' });
    await under.advance(60_000);
    await under.runtime.send(runId, { type: 'ADD' });
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ count: 1 });
  });

  it('for good: it waits and says so, others go on, and it can be deleted', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const [{ runId }, other] = [await under.runtime.start('counter'), await under.runtime.start('counter')];
    await under.restart({ machines: { 'other@1': counter } });
    await expect(under.runtime.delete(runId)).rejects.toMatchObject({ code: 'runNotEnded' });
    await expect(under.runtime.cancel(runId)).rejects.toMatchObject({ code: 'machineMissing' });
    await under.runtime.delete(runId);
    await expect(under.runtime.read(runId)).rejects.toMatchObject({ code: 'notFound' });
    expect((await under.runtime.read(other.runId)).status).toBe('waiting');
  });
});

describe('a start after a crash', () => {
  it('serves at once: who asks does not wait for what is being recovered', async () => {
    const call = effect({ run: () => new Promise(() => {}) });
    const under = await openRuntime({
      machines: { 'asker@1': asker, 'counter@1': counter },
      actors: { call },
      leavesWork: true,
    });
    const runs = await Promise.all(Array.from({ length: 3_000 }, () => under.runtime.start('asker')));
    await Promise.all(runs.map(({ runId }) => under.runtime.send(runId, { type: 'ASK' })));
    under.facts.length = 0;
    await under.crash();
    await under.runtime.start('counter');
    const recovered = under.facts.filter(({ type }) => type === 'effect_in_doubt').length;
    expect(recovered).toBeLessThan(3_000);
    await under.settle();
    expect(under.facts.filter(({ type }) => type === 'effect_in_doubt')).toHaveLength(3_000);
  });
});
