/**
 * Documents of what costs money and of what is kept to save it, for golden sets from 2026-11-c on: as in `shapes.ts`, each
 * is run with the word `go` and with `hang`, in this order. With them the configuration that they stand on.
 */
import type { FermataConfig } from '../../src/config.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';

const input = { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] } as const;
const KEPT_HOURS = 2_400;
const first = ['golden-best', 'golden-small'];
const small = { model: 'golden-small' };
/** A call of `golden-small` takes a tenth of a cent at most, one of `golden-best` a whole one. */
const TOKENS = { maxOutputTokens: 100 };
const say = (name: string, prompt: string, more: object = {}) => ({ name, prompt, ...TOKENS, ...more });
const approved = { when: 'input.word == "hang"', requiresApproval: true, approvalPrompt: 'Go on?' } as const;

/** Prices, budgets, tiers, and who compares: fixed, so that a set does not depend on what models cost today. */
export const settings: Pick<FermataConfig, 'prices' | 'budgets' | 'tiers' | 'cache'> = {
  prices: {
    openai: {
      'golden-best': { input: 0, output: 100 },
      'golden-broken': { input: 0, output: 50 },
      'golden-small': { input: 0, output: 10 },
      'golden-vectors': { input: 0.1, output: 0 },
    },
  },
  budgets: {
    workflows: {
      lending: { maxCostDollars: 0.002_4, warnAtDollars: 0.000_04 },
      daily: { maxCostDollars: 0.01, per: 'day' },
    },
  },
  tiers: { golden: ['golden-small', 'golden-best'] },
  cache: {
    embeddings: { provider: 'openai', model: 'golden-vectors', dimensions: 2 },
    judge: { provider: 'openai', model: 'golden-small' },
  },
};

/** A vector in a plane; what is asked is all that it depends on. */
export function vectorOf(text: string): readonly number[] {
  const degrees = text.includes('far') ? 60 : text.includes('near') ? 10 : 0;
  return [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
}

/** The documents. */
export const spending: readonly WorkflowDocument[] = [
  {
    name: 'remembering',
    tags: ['kept'],
    input,
    config: { ...small, cache: { enabled: true, ttlHours: KEPT_HOURS } },
    tasks: [
      say('asks', 'what is tea?'),
      say('finds', 'what is tea?', { dependsOn: ['asks'] }),
      say('leads', 'what is {{ input.word }}?', { dependsOn: ['finds'] }),
      say('stands', 'what is {{ input.word }}?', { dependsOn: ['finds'] }),
      say('finds later', 'what is tea?', approved),
      say('finds nothing', 'what is tea?', {
        when: approved.when,
        dependsOn: ['finds later'],
        cache: { enabled: true, ttlHours: 1 },
      }),
    ],
  },
  {
    name: 'likening',
    input,
    config: {
      ...small,
      cache: { enabled: true, similarityThreshold: 0.9, verify: true, ttlHours: KEPT_HOURS },
    },
    tasks: [
      say('asks', 'like this'),
      say('finds', 'like this near', { dependsOn: ['asks'] }),
      say('is refused', 'like this near refused', { dependsOn: ['finds'] }),
      say('is far', 'like that far', { dependsOn: ['asks'] }),
      say('compares', 'like {{ input.word }}', { dependsOn: ['is refused'] }),
      say('is judged', 'like this judged {{ input.word }}', { dependsOn: ['is refused'] }),
      say('finds later', 'like this again near', { ...approved, dependsOn: ['is refused'] }),
    ],
  },
  {
    name: 'spending',
    input,
    config: { ...small, breadth: 5, budget: { maxCostDollars: 0.003_04, warnAtDollars: 0.000_12 } },
    tasks: [
      say('paid', 'paid'),
      say('holds', 'holds {{ input.word }}', { dependsOn: ['paid'], maxOutputTokens: 10 }),
      say('waits', 'waits', { dependsOn: ['paid'], maxOutputTokens: 300, minOutputTokens: 100 }),
      { name: 'consults', kind: 'code', function: 'consult', input: { word: 'input.word' }, dependsOn: ['paid'] },
    ],
  },
  {
    name: 'overspending',
    input,
    config: { ...small, budget: { maxCostDollars: 0.001_02 } },
    tasks: [say('paid', 'paid'), say('is not', 'not paid {{ input.word }}', { dependsOn: ['paid'] })],
  },
  {
    name: 'lending',
    input,
    config: { models: first, optimize: 'maximizeQuality' },
    tasks: [
      say('borrows', 'borrows {{ input.word }}', { minOutputTokens: 20 }),
      say('then', 'then', { dependsOn: ['borrows'], maxOutputTokens: 10 }),
    ],
  },
  { name: 'daily', input, config: small, tasks: [say('borrows', 'borrows {{ input.word }}')] },
  {
    name: 'paying',
    input,
    config: { ...small, budget: { maxCostDollars: 0.01 } },
    tasks: [true, false].map((wait) => ({
      name: wait ? 'waits' : 'goes on',
      kind: 'subworkflow',
      wait,
      input: { word: '{{ input.word }}' },
      workflow: { name: 'paid from above', input, config: small, tasks: [say('borrows', 'borrows {{ input.word }}')] },
    })),
  },
  {
    name: 'preferring',
    input,
    config: { models: first, optimize: 'maximizeQuality', breadth: 1, budget: { maxCostDollars: 0.022 } },
    tasks: [
      say('falls back', 'falls back', { models: ['golden-broken', 'golden-small'] }),
      say('cheapest', 'cheapest', { models: 'golden', optimize: 'minimizeCost' }),
      say('best', 'best {{ input.word }}'),
      say('lesser', 'lesser {{ input.word }}', { maxOutputTokens: 250 }),
    ],
  },
];
