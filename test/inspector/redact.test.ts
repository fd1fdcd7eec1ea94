/** Nothing that looks like a secret leaves, and what is none stays readable. */
import { describe, expect, it } from 'vitest';
import { definitionText } from '../../inspector/definition.ts';
import { redactor } from '../../inspector/redact.ts';

const redact = redactor(['known-secret', 'short', undefined]);

describe('redactor', () => {
  it.each([
    [{ apiKey: 'x' }, { apiKey: '[redacted]' }],
    [
      { 'X-Api-Key': 'x', set_cookie: 'x', OPENAI_API_KEY: 'x', clientSecret: 'x' },
      { 'X-Api-Key': '[redacted]', set_cookie: '[redacted]', OPENAI_API_KEY: '[redacted]', clientSecret: '[redacted]' },
    ],
    [
      { password: { nested: 'x' }, passwords: ['x'], pwd: 1234 },
      { password: '[redacted]', passwords: '[redacted]', pwd: '[redacted]' },
    ],
    [
      { password: '', token: null },
      { password: '', token: null },
    ],
    [
      { tokens: { input: 3, id: 'x' }, maxOutputTokens: 5 },
      { tokens: { input: 3, id: '[redacted]' }, maxOutputTokens: 5 },
    ],
    ['a known-secret in a text', 'a [redacted] in a text'],
    [{ 'a known-secret b': 1 }, { 'a [redacted] b': 1 }],
    ['a short one', 'a short one'],
    ['Authorization: Bearer abcdef123', 'Authorization: [redacted] [redacted]'],
    ['sk-proj-abcdefgh123 ok', '[redacted] ok'],
    ['{"password": "a\\"b", "n": 1}', '{"password": "[redacted]", "n": 1}'],
    ['"{\\"token\\": \\"abc\\", \\"n\\": 1}"', '"{\\"token\\": \\"[redacted]\\", \\"n\\": 1}"'],
    ['https://host/?api_key=abc&n=1', 'https://host/?api_key=[redacted]&n=1'],
    ['postgres://user:abc@host/db', 'postgres://user:[redacted]@host/db'],
    ['A token is a piece of a word.', 'A token is a piece of a word.'],
  ])('%j', (given, expected) => {
    expect(redact(given)).toEqual(expected);
  });

  it('makes plain JSON of what JSON cannot carry', () => {
    const given = {
      at: new Date(0),
      map: new Map([['secret', 'x']]),
      set: new Set([1]),
      big: 1n,
      gone: undefined,
      bytes: new Uint8Array(3),
      error: Object.assign(new Error('Bearer abcdef'), { code: 'x' }),
    };
    expect(redact(given)).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      map: { secret: '[redacted]' },
      set: [1],
      big: '1',
      bytes: '3 bytes',
      error: { name: 'Error', message: 'Bearer [redacted]', code: 'x' },
    });
  });

  it('cuts long texts and deep values, in little time', () => {
    expect(redact('x'.repeat(10_500))).toBe(`${'x'.repeat(10_000)}… (500 more characters)`);
    expect(String(redact(`${'a-'.repeat(5_000_000)}`)).length).toBeLessThan(10_100);
    let deep: unknown = 'end';
    for (let i = 0; i < 10_000; i++) deep = [deep];
    expect(JSON.stringify(redact(deep))).not.toContain('end');
  });
});

describe('definitionText', () => {
  it('keeps the names of states and events and hides what stands in data', () => {
    const config = {
      id: 'm',
      context: { on: { token: 'x' } },
      states: {
        password: {
          on: { token: 'done', secret: { target: 'done', actions: [{ type: 'say', params: { apiKey: 'x' } }] } },
          meta: { states: { secret: 'x' } },
        },
        done: { type: 'final' },
      },
    };
    expect(JSON.parse(definitionText(config, redact))).toEqual({
      id: 'm',
      context: { on: { token: '[redacted]' } },
      states: {
        password: {
          on: {
            token: 'done',
            secret: { target: 'done', actions: [{ type: 'say', params: { apiKey: '[redacted]' } }] },
          },
          meta: { states: { secret: '[redacted]' } },
        },
        done: { type: 'final' },
      },
    });
  });
});
