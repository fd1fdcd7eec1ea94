import { expect, it } from 'vitest';
import { providerSecrets } from '../../actors/model/provider.ts';
import { secretsOf } from '../../src/compose.ts';
import { redactor } from '../../src/http/redact.ts';
import { openFermata } from '../harness/fermata.ts';
import { startRun } from './documents.ts';

it.each([
  [
    { Authorization: 'x', 'X-Api-Key': 'x', 'set-cookie': ['x'] },
    { Authorization: '[redacted]', 'X-Api-Key': '[redacted]', 'set-cookie': '[redacted]' },
  ],
  [
    { OPENAI_API_KEY: 'x', clientSecret: { a: 1 }, PWD: 7 },
    { OPENAI_API_KEY: '[redacted]', clientSecret: '[redacted]', PWD: '[redacted]' },
  ],
  [{ a: [{ b: { c: { d: { password: 'x' } } } }] }, { a: [{ b: { c: { d: { password: '[redacted]' } } } }] }],
  [{ usage: { inputTokens: 3, tokens: 'x' } }, { usage: { inputTokens: 3, tokens: '[redacted]' } }],
  [
    { password: '', token: null },
    { password: '', token: null },
  ],
  [new Map([['apiKey', 'a-known-secret']]), [['apiKey', '[redacted]']]],
  [new TypeError('a-known-secret is wrong'), { name: 'TypeError', message: '[redacted] is wrong' }],
  ['a-known-secret, {"key":"a-known-secret"}', '[redacted], {"key":"[redacted]"}'],
  ['"quoted\\"-secret" quoted%22-secret', '"[redacted]" [redacted]'],
  ['short, and max_tokens: 4096', 'short, and max_tokens: 4096'],
])('%j', (given, expected) => {
  expect(redactor(['a-known-secret', 'quoted"-secret', 'short', undefined]).value(given)).toEqual(expected);
});

it('ends with what contains itself', () => {
  const ring: Record<string, unknown> = {};
  ring['self'] = ring;
  expect(JSON.stringify(redactor().value(ring))).toContain('…');
});

it('knows everything that providers are reached with, and variables that are named as secrets', () => {
  const providers = {
    mine: {
      apiKey: ' sk-padded-1 ',
      headers: { Authorization: 'Bearer bare-token-2' },
      baseUrl: 'https://u:password-3@h/?k=query-key-4',
    },
  };
  const environment = {
    OPENAI_API_KEY: 'sk-openai-5',
    GITHUB_TOKEN: 'ghp-token-6',
    db_password: 'password-7',
    HOME: '/home/somebody',
  };
  expect(providerSecrets(providers)).toEqual(
    expect.arrayContaining(['sk-padded-1', 'bare-token-2', 'password-3', 'query-key-4']),
  );
  const { text } = redactor(secretsOf({ providers }, environment));
  expect(
    text('sk-padded-1 bare-token-2 password-3 query-key-4 sk-openai-5 ghp-token-6 password-7 /home/somebody'),
  ).toBe(`${'[redacted] '.repeat(7)}/home/somebody`);
});

it('what code tasks throw and models answer goes without secrets into journal and results', async () => {
  const key = 'bare-token-0123456789';
  const config = {
    providers: { mine: { headers: { Authorization: `Bearer ${key}` }, baseUrl: 'http://127.0.0.1:9/v1' } },
    functions: {
      leak: () => {
        throw new RangeError(`bad key ${key}`);
      },
    },
  };
  const harness = await openFermata({
    config,
    script: [{ prompt: '', answers: [{ error: { status: 401, message: `Incorrect key ${key}` } }] }],
  });
  const { runId } = await startRun(harness, {
    config: { onTaskFailure: 'continue' },
    tasks: [
      { name: 'code', kind: 'code', function: 'leak', maxRetries: 0 },
      { name: 'model', prompt: 'Say', maxRetries: 0 },
    ],
  });
  await harness.fermata.runtime.waitFor(runId);
  const { body: results } = await harness.call('GET', `/runs/${runId}/results`);
  expect(results.tasks).toMatchObject([
    { error: { message: expect.stringContaining('bad key [redacted]') } },
    { error: { message: expect.stringContaining('Incorrect key [redacted]') } },
  ]);
  const { body: journal } = await harness.call('GET', `/runs/${runId}/journal`);
  expect(JSON.stringify([results, journal])).not.toContain(key);
});
