/** Functions that listen to shared values: from when to when, one that is slow, one that fails; and runs too old for it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SharedChange } from '../../actors/code-shared.ts';
import { CommittedShared } from '../../actors/shared-source.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const of = (task: string) => bench.call(task).context.shared;
const write = async (value: unknown, key = 'k', task = 'writes'): Promise<void> => {
  const written = of(task).set(key, value);
  await bench.settle();
  await written;
};

describe('a function that listens', () => {
  it.each<[string, object, (run: string) => Promise<unknown>]>([
    ['is stopped', { cancelWhen: 'shared.?enough.orValue(false)' }, () => write(true, 'enough')],
    ['is out of time', { timeoutSeconds: 10, maxRetries: 0 }, () => bench.advance(11)],
    ['is cancelled', {}, (run) => bench.fermata.runtime.control(run, '/listens', { type: 'fermata.cancel' })],
  ])('hears nothing more once it %s, though it runs on', async (_, fields, ends) => {
    const heard: unknown[] = [];
    const run = await bench.start({
      config: { onTaskFailure: 'continue' },
      tasks: [
        { name: 'writes', timeoutSeconds: 1_000 },
        { name: 'listens', ...fields },
      ],
    });
    const kept = of('listens');
    kept.subscribe('k', ({ value }) => void heard.push(value));
    await write(1);
    await ends(run);
    await bench.settle();
    await write(2);
    expect(heard).toEqual([1]);
    expect(() => kept.subscribe('k', () => {})).toThrow(/after its end/);
    await bench.complete('writes');
  });

  it('and is slow hears how the value stands when it is ready again, and by the revision what it has missed', async () => {
    const heard: SharedChange[] = [];
    const goOn: (() => void)[] = [];
    await bench.start({ tasks: [{ name: 'writes' }, { name: 'listens' }] });
    of('listens').subscribe('k', (change) => {
      heard.push(change);
      return new Promise((resolve) => goOn.push(resolve));
    });
    for (let value = 1; value <= 50; value++) await write(value);
    expect(heard.map(({ value }) => value)).toEqual([1]);
    goOn.shift()?.();
    await bench.settle();
    expect(heard.slice(1)).toEqual([expect.objectContaining({ key: 'k', value: 50, revision: 50, by: 'writes' })]);
    await write(51);
    goOn.shift()?.();
    await bench.settle();
    goOn.shift()?.();
    await bench.settle();
    await write(52);
    expect(heard.map(({ value }) => value)).toEqual([1, 50, 51, 52]);
    await bench.complete('listens');
    goOn.shift()?.();
    await write(53);
    expect(heard).toHaveLength(4);
    await bench.complete('writes');
  });

  it('and fails, at once or later, harms nobody, and hears what comes next', async () => {
    const heard: string[] = [];
    await bench.start({ tasks: [{ name: 'writes' }, { name: 'listens' }] });
    of('listens').subscribe('k', ({ revision }) => {
      heard.push(`throws ${revision}`);
      throw new Error('at once');
    });
    of('listens').subscribe('k', async ({ revision }) => {
      heard.push(`rejects ${revision}`);
      await Promise.resolve();
      throw new Error('later');
    });
    of('listens').subscribe('k', ({ revision }) => void heard.push(`hears ${revision}`));
    await write(1);
    await write(2);
    expect(heard).toEqual(['throws 1', 'rejects 1', 'hears 1', 'throws 2', 'rejects 2', 'hears 2']);
    await bench.complete('listens');
    await bench.complete('writes');
  });

  it('is called again after a restart, and hears what comes then; what it missed it reads', async () => {
    const heard: unknown[] = [];
    const run = await bench.start({ tasks: [{ name: 'writes' }, { name: 'listens' }] });
    of('listens').subscribe('k', ({ value }) => void heard.push(value));
    await write('before');
    await bench.restart();
    // The repeated call asks for its first write again: that was done.
    await write('before again');
    expect(heard, 'the call that listened is gone').toEqual(['before']);
    expect(bench.call('listens').context.repeated).toBe(true);
    of('listens').subscribe('k', ({ value }) => void heard.push(value));
    expect(await of('listens').entry('k')).toMatchObject({ value: 'before', revision: 1 });
    await write('after');
    expect(heard).toEqual(['before', 'after']);
    await bench.complete('listens');
    await bench.complete('writes');
    expect((await bench.read(run)).status).toBe('completed');
  });
});

it('R3: a change is told to whoever follows its key, and asks nobody else; whoever stops last stops hearing the run', () => {
  let told: ((fact: { type: string; data: Readonly<Record<string, unknown>> }) => void) | undefined;
  const runtime = {
    sharedValue: async () => undefined,
    subscribe: (_: string, listener: NonNullable<typeof told>) => {
      expect(told, 'one listener for all').toBeUndefined();
      told = listener;
      return () => {
        told = undefined;
      };
    },
  };
  const shared = new CommittedShared(
    () => runtime,
    () => {},
  );
  const heard: string[] = [];
  const stops = Array.from({ length: 10_000 }, (_, n) =>
    shared.follow('r', `k${n}`, ({ key }) => void heard.push(key)),
  );
  const twice = (): void => void heard.push('twice');
  stops.push(shared.follow('r', 'k7', twice), shared.follow('r', 'k7', twice));
  const tell = (key: string): void => told?.({ type: 'shared_changed', data: { key, value: 1, revision: 1, by: 'a' } });
  tell('k7');
  tell('none');
  told?.({ type: 'task_completed', data: { key: 'k7' } });
  expect(heard).toEqual(['k7', 'twice', 'twice']);
  stops.pop()?.();
  stops.pop()?.();
  tell('k7');
  expect(heard.slice(3)).toEqual(['k7']);
  // One that is stopped by another one that hears the same change.
  stops.push(shared.follow('r', 'k8', () => stopped()));
  const stopped = shared.follow('r', 'k8', twice);
  tell('k8');
  expect(heard.slice(4)).toEqual(['k8']);
  for (const stop of stops) stop();
  for (const stop of stops) stop();
  expect(told).toBeUndefined();
});

describe('a run of an earlier version, whose machine knows of no shared values', () => {
  const message = /began under an earlier version of Fermata.*Start the workflow again, or fork the run: POST/;

  it('fails the function that writes, listens or asks a model, and says what to do', async () => {
    const tasks = [{ name: 'a', maxRetries: 3 }, { name: 'b' }];
    const run = await bench.start({ config: { onTaskFailure: 'continue' }, tasks }, {}, 'workflow@1');
    expect(await of('a').get('k')).toBeUndefined();
    expect(await of('a').entry('k')).toEqual({ value: undefined, revision: 0 });
    expect(() => of('a').subscribe('k', () => {})).toThrow(message);
    await expect(of('a').update('k', () => 1)).rejects.toMatchObject({ code: 'notSupported' });
    const { model } = bench.call('b').context;
    const asked: unknown = await model({ prompt: 'Hello' }).catch((thrown: unknown) => thrown);
    expect(asked).toMatchObject({ code: 'notSupported', message: expect.stringMatching(message) as string });
    const refused: unknown = await of('a')
      .set('k', 1)
      .catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'notSupported', message: expect.stringMatching(message) as string });
    await bench.fail('a', refused);
    await bench.fail('b', asked);
    expect(await bench.statuses(run)).toEqual({ a: 'failed', b: 'failed' });
    const fork = await bench.fork(run, { point: { atSeq: 0 } });
    await write(1, 'k', 'a');
    expect((await bench.fermata.runtime.sharedValue(fork, 'k'))?.value).toBe(1);
    await bench.complete('a');
    await bench.complete('b');
  });
});
