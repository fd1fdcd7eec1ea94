/**
 * Conditions: a workflow that takes another way for another person. What did not run says why.
 *
 *   npx node examples/07-conditions.ts
 */
import { compose, sqliteStore, workflow } from 'fermata';

const research = { kind: 'code', function: 'research' } as const;

const invest = workflow('invest', { input: { type: 'object', properties: { person: { type: 'string' } } } })
  .task('risk', { kind: 'code', function: 'analyzeRisk', input: { person: 'input.person' } })
  // One of two: the tasks of both branches wait for the decision without saying so.
  .task('market', { kind: 'condition', if: 'tasks.risk.output.tolerance == "high"', then: ['stocks'], else: ['bonds'] })
  .task('stocks', research)
  .task('bonds', research)
  // Or one of many, by the value itself.
  .task('home', { kind: 'condition', switch: 'tasks.risk.output.plans', cases: { buy: ['houses'], rent: ['savings'] } })
  .task('houses', { ...research, when: 'tasks.risk.output.years > 5' })
  .task('savings', research)
  // A registered predicate, where CEL is not enough. What was skipped has no output: it is read with a default.
  .task('taxes', { ...research, dependsOn: ['risk'], when: { predicate: 'isResident' } })
  .task('advice', {
    kind: 'code',
    function: 'advise',
    input: {
      found:
        '[tasks.stocks, tasks.bonds, tasks.houses, tasks.savings, tasks.taxes].filter(t, has(t.output)).map(t, t.output)',
    },
  })
  .build();

const people: Readonly<Record<string, object>> = {
  Ada: { tolerance: 'high', years: 20, plans: 'buy' },
  Bob: { tolerance: 'low', years: 3, plans: 'buy' },
};

const fermata = await compose({
  store: sqliteStore('invest.db'),
  config: {
    functions: {
      analyzeRisk: ({ person }) => people[String(person)],
      research: (_, { task }) => task,
      advise: ({ found }) => (found as string[]).join(' and '),
    },
    predicates: { isResident: ({ input }) => (input as { person: string }).person === 'Ada' },
  },
});
for (const person of Object.keys(people)) {
  const { runId } = await fermata.start(invest, { input: { person } });
  const { output } = await fermata.runtime.waitFor(runId);
  console.log(`${person}: ${String(output)}`);
  for (const { type, data } of await fermata.runtime.journal(runId, { kind: 'fact', limit: 100 })) {
    const { task, reason } = data as { task: string; reason: string };
    if (type === 'task_skipped') console.log(`  not ${task}: ${reason}`);
  }
}
await fermata.close();
