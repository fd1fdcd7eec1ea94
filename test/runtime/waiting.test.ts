/** `waitFor` and `stream` of the embedded API: what they see, and how they end. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { effect } from '../../src/runtime/effect.ts';
import { openRuntime } from '../harness/runtime.ts';
import { asker, counter, Deferred } from './machines.ts';

describe('waitFor', () => {
  it('sees every committed state, also one that no fact announces', async () => {
    const answer = new Deferred();
    const under = await openRuntime({
      machines: { 'asker@1': asker },
      actors: { call: effect({ run: () => answer.promise }) },
    });
    const { runId } = await under.runtime.start('asker');
    const running = under.runtime.waitFor(runId, ({ status }) => status === 'running');
    await under.runtime.send(runId, { type: 'ASK' });
    expect((await running).status).toBe('running');
    answer.resolve('yes');
    expect((await under.runtime.waitFor(runId, ({ status }) => status === 'waiting')).status).toBe('waiting');
  });

  it("sees the state of a user's own machine", async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const { runId } = await under.runtime.start('counter');
    const ended = under.runtime.waitFor(runId, ({ state }) => state === 'end');
    await under.runtime.send(runId, { type: 'END' });
    expect(await ended).toMatchObject({ status: 'completed', output: 0 });
  });

  it('of what never came before the end is refused, and says how the run ended', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const { runId } = await under.runtime.start('counter');
    const never = under.runtime.waitFor(runId, ({ status }) => status === 'paused');
    const refused = expect(never).rejects.toMatchObject({ code: 'runEnded', data: { runStatus: 'completed' } });
    await under.runtime.send(runId, { type: 'END' });
    await refused;
    await expect(under.runtime.waitFor(runId, () => false)).rejects.toThrow(
      /has ended \(completed\): what was waited for was not seen/,
    );
  });

  it('of an unknown run is refused; with a signal it ends when that does', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    await expect(under.runtime.waitFor('nobody')).rejects.toMatchObject({ code: 'notFound' });
    const { runId } = await under.runtime.start('counter');
    const enough = new AbortController();
    const waiting = under.runtime.waitFor(runId, undefined, { signal: enough.signal });
    enough.abort(new RangeError('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('and streams end when the runtime is closed', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const { runId } = await under.runtime.start('counter');
    const waiting = under.runtime.waitFor(runId);
    const refused = expect(waiting).rejects.toMatchObject({ code: 'shuttingDown' });
    const streams = [under.runtime.stream(runId), under.runtime.stream(undefined), under.runtime.turns(runId)].map(
      async (stream) => {
        let items = 0;
        for await (const _ of stream) items++;
        return items;
      },
    );
    await under.settle();
    await under.runtime.close();
    await refused;
    expect(await Promise.all(streams)).toEqual([2, 2, 1]);
    await under.open();
  });
});

describe('an open runtime', () => {
  it('keeps its process alive while a timer is to come, as plain XState does; after close it does not', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fermata-alive-'));
    const source = `
      import { createMachine } from 'xstate';
      import { createRuntime, sqliteStore } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/index.ts'))};
      const napping = createMachine({ initial: 'asleep', states: { asleep: { after: { 50: 'awake' } }, awake: { type: 'final' } } });
      const runtime = await createRuntime({ store: sqliteStore(${JSON.stringify(join(folder, 'nap.db'))}), machines: { 'nap@1': napping } });
      const { runId } = await runtime.start('nap');
      console.log((await runtime.waitFor(runId)).status);
      await runtime.start('nap');
      await runtime.close();`;
    const ended = spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
      cwd: resolve(import.meta.dirname, '../..'),
      encoding: 'utf8',
      timeout: 20_000,
    });
    rmSync(folder, { recursive: true });
    expect(ended).toMatchObject({ status: 0, stdout: 'completed\n' });
  });
});
