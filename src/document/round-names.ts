/**
 * How tasks are called that one which works in rounds adds: as their plan calls them, behind its own name and the round, so
 * that no two rounds and no two such tasks collide.
 */
import type { RoundAsk } from '../../machines/plan-execute-reflect.ts';
import type { Faults } from './faults.ts';
import { isRecord } from './json.ts';

/** The name of a call of its own. */
export function phaseName(
  owner: string,
  { phase, round, refusal }: Pick<RoundAsk, 'phase' | 'round' | 'refusal'>,
): string {
  if (phase === 'answer') return `${owner}.answer`;
  return `${owner}.${phase} ${round}${refusal === undefined ? '' : ' again'}`;
}

/** What the plan of a round may be called, the one that counts first: sent back once, the second one does. */
export function planNames(owner: string, round: number): readonly [again: string, first: string] {
  const ask = { phase: 'plan', round } as const;
  return [phaseName(owner, { ...ask, refusal: '' }), phaseName(owner, ask)];
}

/** The name of a proposed task. */
export function stepName(owner: string, round: number, alias: string): string {
  return `${owner}.${round}.${alias}`;
}

/** What a proposed task could be called by a task that works in rounds: nobody else may be called so. */
const RESERVED = /^(.+?)\.(?:answer|(?:plan|reflect) \d+(?: again)?|\d+\.[^]+)$/u;

/** The task that keeps a name for what it adds; undefined where none does. */
export function keptBy(name: string, isKeeper: (owner: string) => boolean): string | undefined {
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const owner = name.slice(0, dot);
    if (RESERVED.test(`x${name.slice(dot)}`) && isKeeper(owner)) return owner;
  }
  return undefined;
}

/** Adds a fault for each task that is called as what another one adds would be. `others`: tasks beside those given. */
export function checkKeptNames(
  written: readonly unknown[],
  faults: Faults,
  others: (owner: string) => boolean = () => false,
): void {
  const keepers = new Set(written.flatMap((task) => (isKeeper(task) ? [task['name']] : [])));
  for (const [at, task] of written.entries()) {
    const name = isRecord(task) ? task['name'] : undefined;
    if (typeof name !== 'string' || !name.includes('.')) continue;
    const owner = keptBy(name, (other) => keepers.has(other) || others(other));
    if (owner !== undefined)
      faults.add(
        `tasks[${at}].name`,
        `the name ${JSON.stringify(name)} is kept for what task ${JSON.stringify(owner)} adds: take another one`,
      );
  }
}

function isKeeper(task: unknown): task is Readonly<Record<string, unknown>> {
  return isRecord(task) && task['kind'] === 'planExecuteReflect';
}
