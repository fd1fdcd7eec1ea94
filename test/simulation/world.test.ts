/** The door: what somebody who tests a workflow of his own can do with a world. */
import { describe, expect, it } from 'vitest';
import { fromPromise, setup } from 'xstate';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { FermataError } from '../../src/errors.ts';
import { effect } from '../../src/runtime/effect.ts';
import { simulate } from '../../src/testing/index.ts';

const DAY = 86_400_000;

const gated: WorkflowDocument = {
  name: 'gated',
  tasks: [
    { name: 'plan', prompt: 'Plan {{ input.topic }}', retry: { maxRetries: 3 } },
    { name: 'pay', kind: 'code', function: 'pay', input: { plan: 'tasks.plan.output' }, requiresApproval: true },
  ],
};
const functions = { pay: ({ plan }: Readonly<Record<string, unknown>>) => `paid for ${String(plan)}` };

describe('a world', () => {
  it('lets a month pass, and then a person decide', async () => {
    const world = await simulate({ workflows: [gated], functions, answers: ({ prompt }) => `[${prompt}]` });
    const began = world.now;
    const run = await world.start('gated', { input: { topic: 'tea' } });
    expect((await world.run(run)).status).toBe('waiting');
    await world.advance('30 days');
    expect(world.now - began).toBeGreaterThanOrEqual(30 * DAY);
    await world.approve(run, 'pay', { approved: true, by: 'Ada' });
    expect(await world.run(run)).toMatchObject({ status: 'completed', output: 'paid for [Plan tea]' });
    await world.finish();
    await world.close();
  });

  it('runs workflows that run each other, given in any order', async () => {
    const caller: WorkflowDocument = {
      name: 'caller',
      tasks: [
        { name: 'ask', kind: 'subworkflow', workflow: 'gated', input: { topic: '{{ input.topic }}' } },
        {
          name: 'say',
          kind: 'subworkflow',
          workflow: { name: 'inline', tasks: [{ name: 'say', prompt: 'Say {{ input.what }}' }] },
          input: { what: '{{ tasks.ask.output }}' },
        },
      ],
    };
    const answers = ({ prompt }: { readonly prompt: string }): string => `[${prompt}]`;
    const world = await simulate({ workflows: [caller, gated], functions, answers, faults: { crashes: 0.1 } });
    const run = await world.start('caller', { input: { topic: 'tea' } });
    expect((await world.run(run)).status).toBe('waiting');
    const [child] = [...world.database.runs.values()].filter(({ origin }) => origin.parent?.run === run);
    await world.approve(child?.origin.run ?? '', 'pay', { approved: true });
    world.heal();
    expect(await world.run(run)).toMatchObject({ status: 'completed', output: '[Say paid for [Plan tea]]' });
    await world.finish();
    await world.close();
  });

  it('says what it lacks: a workflow, answers, a fault', async () => {
    const world = await simulate({ workflows: [gated], functions });
    await expect(world.start('gatet')).rejects.toMatchObject({
      code: 'notFound',
      message: expect.stringContaining('"gatet"; there are: gated.') as string,
    });
    await expect(world.start('gated', { input: { topic: 'tea' } })).rejects.toMatchObject({
      code: 'providerMissing',
      message: expect.stringContaining('Give simulate() some: answers:') as string,
    });
    await world.close();
    const misspelt: object = { crashs: true };
    await expect(simulate({ faults: misspelt })).rejects.toMatchObject({
      code: 'invalidConfig',
      message: expect.stringContaining('no fault "crashs"') as string,
    });
    await expect(simulate({ faults: { kills: 20 } })).rejects.toMatchObject({ code: 'invalidConfig' });
  });

  it('asks the script with the attempt, and what it throws is tried again', async () => {
    const asked: unknown[] = [];
    const world = await simulate({
      workflows: [{ name: 'one', tasks: [{ name: 'a', prompt: 'Say a', retry: { maxRetries: 1 } }] }],
      answers: ({ task, attempt, prompt, model }) => {
        asked.push({ task, attempt, prompt, model });
        if (attempt === 1) throw new Error('not yet');
        return 'a';
      },
    });
    const run = await world.start('one');
    expect((await world.run(run)).output).toBe('a');
    const of = { task: 'a', prompt: 'Say a', model: 'gpt-4o-mini' };
    expect(asked).toEqual([
      { ...of, attempt: 1 },
      { ...of, attempt: 2 },
    ]);
    await world.close();
  });

  it('gives values where the document asks for JSON, and refuses what breaks its schema', async () => {
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
    const task = { name: 'a', prompt: 'Count', responseFormat: { schema }, maxRetries: 0 };
    for (const [said, end] of [
      [{ n: 1 }, { status: 'completed', output: { n: 1 } }],
      [{ n: 'one' }, { status: 'failed', reason: { code: 'invalidAnswer' } }],
    ] as const) {
      const world = await simulate({ workflows: [{ name: 'one', tasks: [task] }], answers: () => said });
      expect(await world.run(await world.start('one'))).toMatchObject(end);
      await world.close();
    }
  });

  it('can be killed in the middle of a call: the next process repeats it under the same key', async () => {
    const world = await simulate({ workflows: [gated], functions, answers: () => 'plan', latency: () => '10 seconds' });
    const run = await world.start('gated', { input: { topic: 'tea' } });
    await world.advance('5 seconds');
    await world.crash('1 hour');
    expect((await world.run(run)).status).toBe('waiting');
    expect(world.calls.map(({ task, attempt, repeated }) => ({ task, attempt, repeated }))).toEqual([
      { task: 'plan', attempt: 1, repeated: false },
      { task: 'plan', attempt: 1, repeated: true },
    ]);
    expect(new Set(world.calls.map(({ key }) => key)).size).toBe(1);
    world.check();
    await world.close();
  });

  it('can be stopped in good order, and goes on', async () => {
    const world = await simulate({ workflows: [gated], functions, answers: () => 'plan' });
    const run = await world.start('gated', { input: { topic: 'tea' } });
    await world.restart();
    await world.run(run, ({ status }) => status === 'waiting');
    await world.restart();
    await world.approve(run, 'pay', { approved: true });
    expect((await world.run(run)).status).toBe('completed');
    await world.close();
  });

  it('runs machines of one’s own, with what they invoke', async () => {
    const order = setup({
      actors: { ship: fromPromise(async () => 'parcel 42'), print: fromPromise(async () => '') },
    }).createMachine({
      initial: 'unpaid',
      states: {
        unpaid: { on: { paid: 'shipping' }, after: { [7 * DAY]: 'forgotten' } },
        shipping: { invoke: { src: 'ship', onDone: 'printing' } },
        printing: { invoke: { src: 'print', onDone: 'done' } },
        done: { type: 'final' },
        forgotten: { type: 'final' },
      },
    });
    const print = effect({ run: async () => 'label' });
    const world = await simulate({ machines: { 'order@1': order }, actors: { print }, faults: { crashes: 0.3 } });
    const [paid, forgotten] = [await world.start('order'), await world.start('order')];
    await world.send(paid, { type: 'paid' });
    await world.run(paid);
    expect(world.calls.filter(({ run }) => run === paid).map(({ src }) => src)).toEqual(
      expect.arrayContaining(['ship', 'print']),
    );
    expect((await world.read(paid)).state).toBe('done');
    const weekAfter = world.now + 7 * DAY;
    await world.run(forgotten);
    expect((await world.read(forgotten)).state).toBe('forgotten');
    expect(Math.abs(world.now - weekAfter)).toBeLessThan(60_000);
    await world.finish();
    await world.close();
  });

  it('shows what a person is refused, as the API does', async () => {
    const world = await simulate({
      workflows: [gated],
      functions,
      answers: () => 'plan',
      faults: { lostReplies: 0.5 },
    });
    const run = await world.start('gated', { input: { topic: 'tea' } });
    await expect(world.approve(run, 'plan', { approved: true })).rejects.toMatchObject({ code: 'notAwaitingApproval' });
    await world.run(run);
    await world.approve(run, 'pay', { approved: false });
    await expect(world.approve(run, 'pay', { approved: true })).rejects.toMatchObject({ code: 'alreadyDecided' });
    await expect(world.start('nothing')).rejects.toMatchObject({ code: 'notFound' });
    await world.close();
  });

  it('needs a script only where models are asked', async () => {
    const world = await simulate({ workflows: [gated], functions });
    await expect(world.start('gated', { input: {} })).rejects.toMatchObject({ code: 'providerMissing' });
    await world.close();
  });

  it('says so where an effect waits for the real world', async () => {
    const caller = setup({ actors: { call: fromPromise(async () => '') } }).createMachine({ invoke: { src: 'call' } });
    const call = effect({ run: () => new Promise<never>(() => {}) });
    const world = await simulate({ machines: { 'caller@1': caller }, actors: { call } });
    const run = await world.start('caller');
    await expect(world.run(run)).rejects.toMatchObject({ code: 'simulationStuck' });
    await world.close();
  });

  it.each(['a while', '-1 days', '3 parsecs', -5, Number.NaN])('refuses %s as a duration', async (duration) => {
    const world = await simulate();
    await expect(world.advance(duration as never)).rejects.toMatchObject({ code: 'invalidRequest' });
    await world.close();
  });

  it('finds a broken promise, and tells the story', async () => {
    const world = await simulate({ workflows: [gated], functions, answers: () => 'plan' });
    const run = await world.start('gated', { input: { topic: 'tea' } });
    await world.run(run);
    world.check();
    // Somebody edits the database.
    const [record] = world.database.runs.values();
    if (record !== undefined) record.state = { ...record.state, facts: 7 };
    await world.approve(run, 'pay', { approved: true });
    const broken = expect.objectContaining({ code: 'simulationFailed', data: { promise: 'P2' } }) as FermataError;
    expect(() => world.check()).toThrow(broken);
    await world.close();
  });
});
