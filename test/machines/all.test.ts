/** `npm run walks` itself: it knows every machine of the house, and says so where a path fails or is left out. */
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { StateMachine } from 'xstate';
import { KINDS } from './all/kinds.ts';
import { verdictOf } from './all/walk-all.ts';

const HOUSE = join(import.meta.dirname, '../../machines');
/** As `npm run walks` begins it. */
const RUN = join(import.meta.dirname, '../../bin/run.js');

/** `task@1` of `workflow-1/task.ts`; the newest version has no folder. */
async function machinesIn(file: string): Promise<readonly string[]> {
  const version = /^workflow-(\d+)\//.exec(file)?.[1] ?? '2';
  const exported = Object.values((await import(join(HOUSE, file))) as Readonly<Record<string, unknown>>);
  return exported.flatMap((value) => (value instanceof StateMachine ? [`${value.id}@${version}`] : []));
}

it('walks every machine in machines/', async () => {
  const machines = (await Promise.all(globSync('**/*.ts', { cwd: HOUSE }).map(machinesIn))).flat();
  expect(machines.length, 'machines found').toBeGreaterThan(0);
  expect(new Set(KINDS.map(({ machine }) => machine))).toEqual(new Set(machines));
});

it('prints the list and the counts, from processes of its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fermata-walks-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const list = join(folder, 'list.txt');
  const program = join(import.meta.dirname, 'all/run.ts');
  const asked = ['--only', 'calls: missedTime, approval: false, onTimeout: skip', '--workers', '1', '--list', list];
  const { stdout } = await promisify(execFile)(process.execPath, [RUN, program, ...asked]);
  expect(stdout).toContain('task@2: 2 of 2 simple paths in 1 kinds, 2 steps, each ended settled');
  expect(readFileSync(list, 'utf8').trim().split('\n')).toEqual([
    'task@2 calls: missedTime, approval: false, onTimeout: skip | is cancelled → cancelled',
    'task@2 calls: missedTime, approval: false, onTimeout: skip | nothing comes in time → timedOut',
  ]);
});

it.each([
  ['failed', [{ title: 'a', steps: 1, error: 'stuck' }], 'a\nstuck'],
  ['was not walked', [], 'a\nwas not walked'],
  ['was walked twice', [...Array(2)].map(() => ({ title: 'a', steps: 1 })), '2 walks of 1 paths'],
])('a path that %s is a fault', (_, walked, fault) => {
  expect(verdictOf(['a'], [{ title: 'a', steps: 1 }])).toEqual({ paths: 1, walked: ['a'], steps: 1, faults: [] });
  expect(verdictOf(['a'], walked).faults.join('\n')).toContain(fault);
});
