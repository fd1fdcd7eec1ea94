/** Documents on the pages about shapes do what the pages say, offline: whoever copies one runs it. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { openFermata } from '../harness/fermata.ts';

const PAGES = [
  'growing',
  'conditions',
  'waiting',
  'shared',
  'sub-workflows',
  'plan-execute-reflect',
  'functions',
  'budgets',
  'choosing-models',
];
const blocks = PAGES.flatMap((page) => {
  const text = readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8');
  return [...text.matchAll(/```yaml\n([^]*?)```/g)].map(([, yaml = ''], at) => ({
    page,
    at,
    yaml: parse(yaml) as object,
  }));
});

const config = {
  tiers: { quick: ['gpt-5-nano'] },
  functions: {
    search: () => 'found',
    fetchPage: () => 'a page',
    sumUp: () => 1,
    fetchBill: () => ({ due: '2026-12-24' }),
  },
};
const INPUT = { topic: 'tea', city: 'Rome', to: 'Ada', docs: ['a', 'b', 'c'] };
const COMPLETE = blocks.filter(({ yaml }) => 'name' in yaml);

it('there are some of both kinds', () => {
  expect(COMPLETE.map(({ page }) => page)).toEqual([
    'growing',
    'growing',
    'conditions',
    'conditions',
    'shared',
    'plan-execute-reflect',
    'budgets',
    'choosing-models',
  ]);
  expect(blocks.length - COMPLETE.length).toBeGreaterThan(4);
});

it.each(COMPLETE)('$page, $at: runs to its end', async ({ yaml }) => {
  const { call, fermata } = await openFermata({ config });
  const { status, body: stored } = await call('POST', '/workflows', yaml);
  expect(status, JSON.stringify(stored)).toBe(201);
  const known = Object.keys((yaml as { input?: { properties?: object } }).input?.properties ?? INPUT);
  const input = Object.fromEntries(Object.entries(INPUT).filter(([name]) => known.includes(name)));
  const { body } = await call('POST', `/workflows/${stored.id}/execute`, { input });
  expect(await fermata.runtime.waitFor(body.runId as string)).toMatchObject({ status: 'completed' });
});

it.each(blocks.filter((block) => !COMPLETE.includes(block)))(
  '$page, $at: is right, with what it leaves out',
  async ({ page, yaml }) => {
    const { call } = await openFermata({ config });
    for (const name of ['literature-review', 'review'])
      await call('POST', '/workflows', { name, tasks: [{ name: 'a', prompt: 'Hello' }] });
    const others = ['bill', 'lines', 'plan', 'sources'].map((name) => ({ name, kind: 'code', function: 'fetchBill' }));
    const rounds =
      page === 'plan-execute-reflect'
        ? { kind: 'planExecuteReflect', goal: 'g' }
        : { prompt: 'Plan', responseFormat: 'json' };
    const tasks = Array.isArray(yaml) ? (yaml as object[]) : [{ name: 'own', ...rounds, ...yaml }];
    const { status, body } = await call('POST', '/workflows?validate=only', {
      name: 'page',
      tasks: [...others, ...tasks],
    });
    expect(status, JSON.stringify(body)).toBe(200);
  },
);
