/** Random runs with budgets, against a provider that refuses, breaks off and does not count: none has more than its budget. */
import { budgetTrial, sharedBudgetTrial } from '../cost/random-budgets.ts';
import type { Trial } from './trial.ts';

export const trial: Trial = {
  name: 'budgets',
  missing: () => undefined,
  async run(seed) {
    const { requests, waited, code } = await budgetTrial(seed);
    const shared = await sharedBudgetTrial(seed);
    return {
      runs: 5,
      requests: requests + shared.requests,
      waits: waited + shared.waited,
      over: (code === 'budgetExceeded' ? 1 : 0) + shared.over,
    };
  },
};
