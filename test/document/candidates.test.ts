/** What the cache knows an answer by goes with the model that is asked. */
import { expect, it } from 'vitest';
import { keysWith } from '../../src/document/answer-cache.ts';
import { withKeys } from '../../src/document/candidates.ts';
import type { ModelCallSpec, PreparedModelCall } from '../../src/document/kinds/model.ts';

/** Nothing has to be waited for. */
const read = (): never => {
  throw new Error('nothing is to be read');
};

it('each model that may be asked has a key of its own, and its questions are compared with none of another one', () => {
  const cache = { ttlMs: 1_000, namespace: undefined, similar: { threshold: 0.9, verify: false } };
  const place = {
    spec: { cache } as ModelCallSpec,
    part: undefined,
    workflow: 'w',
    priceOf: () => undefined,
    rows: { read, origin: { tags: [] } },
  };
  const keyed = keysWith({ hash: (text) => text, countOf: () => ({ tokens: 1, by: 'encoder' }) });
  const models = ['large', 'small'].map((model) => ({ provider: 'openai', model, rank: 0 }));
  const call = { kind: 'model', provider: 'openai', model: 'large', prompt: 'Why?', responseFormat: 'text' } as const;
  const asked: PreparedModelCall = { ...call, candidates: models };
  const { cache: own, candidates = [] } = withKeys(asked, (one) => keyed(one, place));
  const [first, second] = candidates.map((one) => one.cache);
  expect(first).toEqual(own);
  expect(first?.similar).toBeDefined();
  expect(second?.key).not.toBe(first?.key);
  expect(second?.similar?.space).not.toBe(first?.similar?.space);
});
