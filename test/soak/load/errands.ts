/**
 * What clients want of a server: errands, each with an end that is known beforehand. A client goes on with its errand
 * whatever becomes of the server, and every request may be made again.
 */
import assert from 'node:assert/strict';
import { FermataClientError, type FermataClient } from '../../../src/client/index.ts';
import type { WorkflowDocument } from '../../../src/document/schema.ts';
import { answerTo } from '../../crash/model.ts';
import { moment, type Acknowledged } from './acknowledged.ts';
import { patiently, untilSo } from './patience.ts';

/** Who runs an errand. */
export interface Errand {
  readonly client: FermataClient;
  /** Unlike that of any other errand of the scene. */
  readonly label: string;
  readonly acknowledged: Acknowledged;
  /** Kilobytes that its documents write, so that the log grows. */
  readonly kilobytes: number;
  /** The server's clock cannot be believed. */
  readonly clockJumps: boolean;
}

/** Does an errand to its end, and expects that end. */
export type Does = (errand: Errand) => Promise<void>;

/** No jump of a clock makes a call late. */
const timeoutSeconds = 1_000_000;
const retry = { maxRetries: 5, initialSeconds: 0.02, maxSeconds: 0.05 };
const document: WorkflowDocument = {
  name: 'errand',
  input: {
    type: 'object',
    properties: { label: { type: 'string' }, kilobytes: { type: 'integer' } },
    required: ['label', 'kilobytes'],
  },
  config: { breadth: 3 },
  tasks: [
    { name: 'plan', prompt: '{{ input.label }} plan', timeoutSeconds },
    { name: 'gather', dependsOn: ['plan'], prompt: '{{ input.label }} flaky gather', retry, timeoutSeconds },
    { name: 'count', dependsOn: ['plan'], kind: 'code', function: 'count', input: { items: 3 }, timeoutSeconds },
    {
      name: 'write',
      kind: 'code',
      function: 'write',
      input: { kilobytes: 'input.kilobytes', label: 'input.label' },
      timeoutSeconds,
    },
    { name: 'spend', dependsOn: ['plan'], prompt: '{{ input.label }} spend', requiresApproval: true, timeoutSeconds },
    {
      name: 'report',
      dependsOn: ['gather', 'count', 'write', 'spend'],
      prompt: '{{ input.label }} report',
      timeoutSeconds,
    },
  ],
};

/** Stores the document that errands execute; its id. */
async function workflowOf(client: FermataClient): Promise<string> {
  return patiently('the workflow to be stored', async () => {
    const { items } = await client.workflows({});
    const [stored] = items;
    if (stored !== undefined) return stored.id;
    try {
      return (await client.createWorkflow(document)).id;
    } catch (thrown) {
      if (!isConflict(thrown, 'alreadyExists')) throw thrown;
      return workflowOf(client);
    }
  });
}

/** A document with model calls, one that fails at first, functions and an approval, followed to its end. */
const execute: Does = async ({ client, label, acknowledged, kilobytes }) => {
  const workflow = await workflowOf(client);
  let asked = 0;
  const { runId } = await patiently(`${label} to be started`, () => {
    asked = moment();
    return client.execute(workflow, { input: { label, kilobytes } }, label);
  });
  acknowledged.keep({ kind: 'run', run: runId, asked });
  let seen = 0;
  for await (const { event, id, data } of client.stream(runId)) {
    if (id === undefined) continue;
    assert.equal(data.seq, ++seen, `the facts of ${label} come without a gap and none comes twice`);
    acknowledged.keep({ kind: 'fact', run: runId, seq: data.seq, type: event });
    if (event === 'approval_requested') await approve(client, runId, String(data.task));
  }
  const { status, output, tasks } = await patiently(`the results of ${label}`, () => client.results(runId));
  const ends = tasks.map((task) => `${task.name} ${task.status}`);
  assert.deepEqual(
    { status, output, ends },
    {
      status: 'completed',
      output: answerTo(`${label} report`),
      ends: document.tasks.map(({ name }) => `${name} completed`),
    },
  );
};

async function approve(client: FermataClient, run: string, task: string): Promise<void> {
  try {
    await patiently(`${task} to be approved`, () => client.approve(run, task, { approved: true, by: 'ada' }));
  } catch (thrown) {
    // The request before this one was taken, and its answer was lost.
    if (!isConflict(thrown, 'alreadyDecided')) throw thrown;
  }
}

/** A machine that counts, told so a few times from outside, each time by a client that may repeat itself. */
const tally: Does = async (errand) => {
  const run = await startMachine(errand, 'tally', undefined);
  for (let n = 1; n <= 5; n++) await send(errand, run, { type: 'ADD', id: `add ${n}` });
  await send(errand, run, { type: 'END', id: 'end' });
  assert.equal(await outputOf(errand, run), 5, `${errand.label}: each event is taken once`);
};

/** One run that tells another, by messages between them. */
const tell: Does = async (errand) => {
  const { client, label } = errand;
  const listener = await startMachine({ ...errand, label: `${label} listener` }, 'tally', undefined);
  const run = await startMachine(errand, 'teller', undefined);
  for (let n = 1; n <= 3; n++) await send(errand, run, { type: 'TELL', id: `tell ${n}`, to: listener });
  await send(errand, run, { type: 'END', id: 'end' });
  await untilSo(`${label}: three messages to arrive`, async () => {
    const snapshot = (await client.snapshot(listener)) as unknown as { readonly context: { readonly count: number } };
    return snapshot.context.count >= 3;
  });
  await send(errand, listener, { type: 'END', id: 'end' });
  assert.equal(await outputOf(errand, listener), 3, `${label}: each message is taken once`);
};

/** A machine that waits a few times, and not too short. */
const wake: Does = async (errand) => {
  const ms = 150;
  const times = 3;
  const run = await startMachine(errand, 'alarm', { ms, times });
  assert.equal(await outputOf(errand, run), times, `${errand.label}: it rings as often as it should`);
  if (errand.clockJumps) return;
  const { startedAt, endedAt } = await patiently('the run', () => errand.client.run(run));
  const took = Date.parse(String(endedAt)) - Date.parse(String(startedAt));
  assert.ok(took >= ms * times, `${errand.label}: expected ${times} waits of ${ms} ms, took ${took}`);
};

/** All kinds of errands; documents are half of what is done. */
export const ERRANDS: readonly Does[] = [execute, tally, execute, tell, execute, wake];

async function startMachine({ client, label, acknowledged }: Errand, machine: string, input: unknown): Promise<string> {
  let asked = 0;
  const { runId } = await patiently(`${label} to be started`, () => {
    asked = moment();
    return client.startMachine(machine, input === undefined ? {} : { input }, label);
  });
  acknowledged.keep({ kind: 'run', run: runId, asked });
  return runId;
}

async function send(
  { client, label, acknowledged }: Errand,
  run: string,
  event: { readonly type: string; readonly id: string; readonly to?: string },
): Promise<void> {
  let asked = 0;
  const { seq } = await patiently(`${label}: ${event.id} to be taken`, () => {
    asked = moment();
    return client.send(run, event);
  });
  acknowledged.keep({ kind: 'event', run, type: event.type, seq, asked });
}

async function outputOf({ client, label }: Errand, run: string): Promise<unknown> {
  await untilSo(`${label} to end`, async () => (await client.run(run)).endedAt !== null);
  return (await patiently('the results', () => client.results(run))).output;
}

function isConflict(thrown: unknown, code: string): boolean {
  return thrown instanceof FermataClientError && thrown.code === code;
}
