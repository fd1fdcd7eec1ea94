/** `fermata costs`, and what other commands say about money; models are those of the demo. */
import { describe, expect, it } from 'vitest';
import { money } from '../../src/cli/money.ts';
import { testFolder } from './test-shell.ts';

const TEA = `
name: tea
config: { prices: { openai: { dear: { input: 1000, output: 1000 } } } }
tasks:
  - { name: plan, prompt: Plan, model: dear }
  - { name: odd, prompt: Odd, model: nobody-knows }
`;

describe('costs', () => {
  it('are shown of a run, of its tasks, and of all', async () => {
    const folder = testFolder({ FERMATA_DEMO_PACE: '0' });
    folder.write('tea.yaml', TEA);
    expect((await folder.run(['costs', '--db', 'fermata.db'])).status).toBe(2);
    const ran = await folder.run(['run', 'tea.yaml', '--demo']);
    expect(ran.err).toMatch(/tokens in, \d+ out · would cost at least \$0\.0\d+ · /);
    const runId = /Run (\S+)/.exec(ran.err)?.[1] ?? '';
    const shown = await folder.run(['show', runId]);
    expect(shown.out).toMatch(/^plan +completed +1 +\$0\.0\d+ /m);
    expect(shown.out).toMatch(/^odd +completed +1 +unknown /m);
    const models = await folder.run(['costs', '--by', 'model']);
    expect(models.out).toMatch(/^MODEL +CALLS +TOKENS IN +OUT +COST\ndear \(openai\) +1 /);
    expect(models.out).toMatch(/nobody-knows \(openai\) +1 +\d+ +\d+ +unknown$/m);
    const runs = await folder.run(['costs', '--by', 'run', '--workflow', 'tea', '--json']);
    expect(JSON.parse(runs.out)).toMatchObject({
      items: [{ runId, modelCalls: 2, unknownCalls: 1 }],
      nextCursor: null,
    });
    expect((await folder.run(['costs', '--tag', 'none'])).err).toContain('No model was called.');
    const refused = await folder.run(['costs', '--from', 'yesterday']);
    expect([refused.status, refused.err]).toEqual([2, expect.stringContaining('such as 2026-11-22')]);
  });
});

describe('budgets and answers that were kept', () => {
  it('are told of a run: the warning, what is spent, and tokens of which all are known', async () => {
    const folder = testFolder({ FERMATA_DEMO_PACE: '0' });
    folder.write(
      'tea.yaml',
      `
name: tea
config: { budget: { maxCostDollars: 0.5, warnAtDollars: 0.000001 }, cache: { enabled: true } }
tasks:
  - { name: one, prompt: Tea? }
  - { name: other, prompt: Tea?, dependsOn: [one] }
`,
    );
    const ran = await folder.run(['run', 'tea.yaml', '--demo']);
    expect(ran.err).toMatch(/^\[ *\d+%\] ! \$0\.0\d+ of the budget of \$0\.50 are spent$/m);
    expect(ran.err).toMatch(/^2 of 2 tasks · \d+ tokens in, \d+ out · would cost \$0\.0\d+ · /m);
    const runId = /Run (\S+)/.exec(ran.err)?.[1] ?? '';
    expect((await folder.run(['show', runId])).out).toMatch(/^budget +\$0\.0\d+ of \$0\.50 spent$/m);
    const kept = await folder.run(['cache', '--answers']);
    expect(kept.out).toMatch(/^HITS +COST +ANSWERED +UNTIL +WORKFLOW +PROMPT\n1 +\$0\.0\d+ .* tea +Tea\?$/);
    for (const wrong of [
      ['--answers', '--forget'],
      ['--tag', 'x'],
      ['--workflow', 'tea'],
    ])
      expect((await folder.run(['cache', ...wrong])).status, 'what would not be looked at').toBe(2);
    // A budget of a day has no limit that were the run's own.
    folder.write('fermata.config.ts', 'export default { budgets: { perDay: { maxCostDollars: 1 } } };');
    const again = await folder.run(['run', 'tea.yaml', '--demo']);
    const other = /Run (\S+)/.exec(again.err)?.[1] ?? '';
    expect((await folder.run(['show', other])).out).toMatch(
      /^budget +\$0\.00 of \$0\.50 spent; of several runs: day:/m,
    );
  });
});

describe('money', () => {
  it.each([
    [{ costDollars: 0 }, '$0.00'],
    [{ costDollars: 12.3 }, '$12.30'],
    [{ costDollars: 1_234.567 }, '$1234.57'],
    [{ costDollars: 0.1 }, '$0.10'],
    [{ costDollars: 0.000_21 }, '$0.00021'],
    [{ costDollars: 0.000_000_001 }, '$0.000000001'],
    [{ costDollars: 0.5, unknownCalls: 2 }, 'at least $0.50'],
    [{ costDollars: null, unknownCalls: 1 }, 'unknown'],
  ])('%j is %s', (spent, text) => {
    expect(money(spent)).toBe(text);
  });
});
