/** What is registered with the server that the tests of crashes kill: machines of a user's own, and functions of `code` tasks. */
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { CodeFunction } from '../../actors/code-function.ts';
import type { FermataConfig } from '../../src/config.ts';
import { alarm, tally, teller } from './machines.ts';

/**
 * The configuration.
 *
 * @param callLog the functions write each of their calls there, a line of JSON each
 */
export function registered(callLog: string): FermataConfig {
  const keepCall = (key: string, prompt: string): void =>
    appendFileSync(callLog, `${JSON.stringify({ key, prompt })}\n`);

  const count: CodeFunction = async ({ items }, { idempotencyKey, task, progress, signal }) => {
    keepCall(idempotencyKey, task);
    progress(50, 'half of it');
    await pause(15, undefined, { signal });
    return { counted: items };
  };

  /** So many kilobytes that no other call returns. */
  const write: CodeFunction = ({ kilobytes, label }, { idempotencyKey }) => {
    keepCall(idempotencyKey, `${String(label)} write`);
    return idempotencyKey.repeat(Math.ceil((Number(kilobytes) * 1_024) / idempotencyKey.length));
  };

  const die: CodeFunction = async () => {
    await pause(1);
    process.kill(process.pid, 'SIGKILL');
  };

  const linger: CodeFunction = async (_, { idempotencyKey, task, signal }) => {
    keepCall(idempotencyKey, task);
    await pause(3_600_000, undefined, { signal });
  };

  const consult: CodeFunction = async ({ topic }, { idempotencyKey, task, model }) => {
    keepCall(idempotencyKey, task);
    const plan = await model({ prompt: `${String(topic)} plan` });
    const [one, other] = await Promise.all([
      model({ prompt: `one on ${plan.text}`, name: 'one' }),
      model({ prompt: `other on ${plan.text}`, name: 'other' }),
    ]);
    return [one.text, other.text];
  };

  /** Proposes two tasks that count. */
  const propose: CodeFunction = (_, { idempotencyKey, task }) => {
    keepCall(idempotencyKey, task);
    return {
      tasks: [0, 1].map((at) => ({ name: `new ${at}`, kind: 'code', function: 'count', input: { items: at } })),
    };
  };

  /** Counts twice among all, and says once who it is. */
  const share: CodeFunction = async (_, { idempotencyKey, task, shared }) => {
    keepCall(idempotencyKey, task);
    const add = (n = 0): number => n + 1;
    await shared.update('n', add);
    await shared.set(task, idempotencyKey);
    return shared.update('n', add);
  };

  /** What it asks is another thing each time it is called. */
  const waver: CodeFunction = async (_, { model, repeated }) => {
    await model({ prompt: repeated ? 'this' : 'that' });
    return (await model({ prompt: 'silent' })).text;
  };

  return {
    functions: { count, write, die, linger, consult, propose, share, waver },
    machines: { 'tally@1': tally, 'teller@1': teller, 'alarm@1': alarm },
  };
}
