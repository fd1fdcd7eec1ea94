/** What commands say of calls that choose among models; models are those of the demo. */
import { expect, it } from 'vitest';
import { choiceTable } from '../../src/cli/choice-lines.ts';
import { testFolder } from './test-shell.ts';

const LETTER = `
name: letter
config: { models: [gpt-5, gpt-5-mini, gpt-5-nano], optimize: balanced }
tasks:
  - { name: outline, prompt: Outline }
  - { name: text, prompt: Write, optimize: maximizeQuality }
`;

it('an estimate, a run and what is shown of it say whom calls ask, and why', async () => {
  const folder = testFolder({ FERMATA_DEMO_PACE: '0' });
  folder.write('letter.yaml', LETTER);
  const { out } = await folder.run(['estimate', 'letter.yaml']);
  expect(out).toMatch(/^outline +gpt-5-mini \(balanced of 3\) /m);
  expect(out).toMatch(/^text +gpt-5 \(best of 3\) /m);
  const ran = await folder.run(['run', 'letter.yaml', '--demo']);
  expect(ran.err).toContain('· text: asks gpt-5: it is the best of 3');
  const shown = await folder.run(['show', /Run (\S+)/.exec(ran.err)?.[1] ?? '']);
  expect(shown.out).toMatch(/^outline +gpt-5-mini +3 +it is the best of those expected to cost at most 5 times/m);
});

it('an estimate and a dry run know the tiers of the configuration', async () => {
  const folder = testFolder({});
  const best = `['gpt-5-mini', { provider: 'mine', model: 'm' }]`;
  const mine = `{ baseUrl: 'http://127.0.0.1:9/v1' }`;
  folder.write('fermata.config.ts', `export default { tiers: { quick: ${best} }, providers: { mine: ${mine} } };`);
  folder.write('tea.yaml', 'name: tea\ntasks:\n  - { name: a, prompt: Tea?, models: quick, optimize: minimizeCost }\n');
  expect((await folder.run(['estimate', 'tea.yaml'])).out).toMatch(/^a +gpt-5-mini \(cheapest of 2\) /m);
  expect((await folder.run(['dry-run', 'tea.yaml'])).out).toContain('cost: $');
});

it('of many choices twenty are shown', () => {
  const choice = { provider: 'p', model: 'm', reason: 'best' as const, because: 'it is the best of 1', candidates: [] };
  const table = choiceTable(
    Array.from({ length: 30 }, (_, at) => ({ name: `t${at}`, choice })),
    100,
  );
  expect(table.split('\n').slice(20)).toEqual([expect.stringContaining('t19'), '… and 10 more: see --json']);
  expect(choiceTable([{ name: 'a' }], 100)).toBe('');
});
