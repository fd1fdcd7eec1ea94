/**
 * What an earlier process left: effects without an outcome, cascades cut by the cap of a group. (Timers are rows and
 * need no recovery: the wheel looks for due ones.)
 *
 * V1. Nothing starts before the turn that says it is in doubt is committed (R5).
 * V2. Runs are read back when their turn comes, not here, so that a start with 10,000 unfinished runs serves at once.
 */
import type { EffectRow } from '../store/effects.ts';
import type { RunKey } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Input } from './input.ts';

const PAGE = 1_000;

/** All effects without an outcome. */
export async function readOpenEffects(store: Pick<Store, 'openEffects'>): Promise<readonly EffectRow[]> {
  const rows: EffectRow[] = [];
  let after: (RunKey & { readonly token: string }) | undefined;
  for (;;) {
    const page = await store.openEffects(after, PAGE);
    rows.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return rows;
    after = { tenant: last.tenant, run: last.run, token: last.token };
  }
}

/** Enters everything that has to go on; `effects` are all that were open when this process began. */
export async function recover(
  store: Pick<Store, 'cutRuns'>,
  effects: readonly EffectRow[],
  enter: (key: RunKey, input: Input) => void,
): Promise<void> {
  // Only now: what goes on asks for effects of its own, which are not in doubt.
  for (const key of await store.cutRuns()) enter(key, { kind: 'goOn' });
  for (const row of effects) enter({ tenant: row.tenant, run: row.run }, { kind: 'inDoubt', row });
}
