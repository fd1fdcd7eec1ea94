import { describe, expect, it } from 'vitest';
import { Tokenizer } from '../../src/cost/tokens.ts';

const tokenizer = new Tokenizer();
await tokenizer.load('gpt-4o-mini');
await tokenizer.load('gpt-4');

describe('tokens', () => {
  it.each([
    ['gpt-4o-mini', 'How long is this?', 5],
    ['gpt-5.1', '', 0],
    ['ft:gpt-4o-mini:acme::1', 'antidisestablishmentarianism', 6],
    ['gpt-4', '猫', 3],
  ])('are counted as %s counts: %j', (model, text, tokens) => {
    expect(tokenizer.count(text, model)).toEqual({ tokens, by: 'encoder' });
  });

  it('are never more than bytes, which stand in where nobody knows how a model counts', () => {
    expect(tokenizer.count('猫 cat', 'claude-sonnet-4-5')).toEqual({ tokens: 7, by: 'bytes' });
    expect(new Tokenizer().count('cat', 'gpt-4o-mini')).toEqual({ tokens: 3, by: 'bytes' });
  });

  it('of a special kind are text in a text', () => {
    expect(tokenizer.count('<|endoftext|>', 'gpt-4o-mini').tokens).toBeGreaterThan(1);
  });

  it('of a megabyte without a space are counted in linear time', () => {
    const before = performance.now();
    const { tokens, by } = tokenizer.count('猫'.repeat(350_000), 'gpt-4o-mini');
    expect(by).toBe('bytes');
    expect(tokens).toBeGreaterThanOrEqual(350_000);
    expect(tokens).toBeLessThanOrEqual(3 * 350_000);
    expect(performance.now() - before, 'ms').toBeLessThan(5_000);
  });

  it('of a long text in words are about one per cent more than counted at once', () => {
    const words = 'The quick brown fox jumps over the lazy dog. '.repeat(1_000);
    const { tokens } = tokenizer.count(words, 'gpt-4o-mini');
    expect(tokens).toBeGreaterThanOrEqual(10_000);
    expect(tokens).toBeLessThan(10_300);
  });
});
