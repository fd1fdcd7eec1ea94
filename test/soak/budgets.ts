/** Random runs with budgets, against a provider that refuses, breaks off and does not count: none has more than its budget. */
import { budgetTrial } from '../cost/random-budgets.ts';
import type { Trial } from './trial.ts';

export const trial: Trial = {
  name: 'budgets',
  missing: () => undefined,
  async run(seed) {
    const { requests, waited, code } = await budgetTrial(seed);
    return { runs: 1, requests, waits: waited, over: code === 'budgetExceeded' ? 1 : 0 };
  },
};
