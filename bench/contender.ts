/**
 * Each contender has a process of its own, as it would have at work: what the compiler learns from one, and the garbage of
 * one, would else be the other's.
 *
 * As a program: `node contender.ts W2 'TITLE OF THE CASE' fermata`, spoken to by `open`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { FermataError } from '../src/errors.ts';
import { WORKLOADS } from './workloads.ts';
import type { Contender, Rounds, Sample } from './workload.ts';

/** Starts the process of a contender. */
export async function open(id: string, title: string, name: Contender['name']): Promise<Rounds> {
  const child = fork(fileURLToPath(import.meta.url), [id, title, name]);
  const ended = once(child, 'exit').then(([status]) => {
    throw new FermataError('internal', `${id}, ${title}: the process of "${name}" ended by itself (${status}).`);
  });
  ended.catch(() => {});
  const answer = async (): Promise<unknown> => (await Promise.race([once(child, 'message'), ended]))[0];
  await answer();
  return {
    async round() {
      child.send('round');
      return (await answer()) as Sample;
    },
    async close() {
      if (child.exitCode !== null) return;
      child.send('close');
      await once(child, 'exit');
    },
  };
}

async function serve(id: string, title: string, name: string): Promise<void> {
  const { cases } = WORKLOADS.find((workload) => workload.id === id) ?? { cases: [] };
  const { contenders } = cases.find((each) => each.title === title) ?? { contenders: [] };
  const rounds = await contenders.find((contender) => contender.name === name)?.open();
  if (rounds === undefined) throw new FermataError('notFound', `There is no contender "${name}" in ${id}, ${title}.`);
  process.on('message', (asked) => {
    if (asked === 'close') void rounds.close().then(() => process.disconnect());
    else void rounds.round().then((sample) => process.send?.(sample));
  });
  process.send?.('open');
}

if (import.meta.main) {
  const [id = '', title = '', name = ''] = process.argv.slice(2);
  await serve(id, title, name);
}
