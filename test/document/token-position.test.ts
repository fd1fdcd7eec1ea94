import { Liquid, Token } from 'liquidjs';
import { expect, test } from 'vitest';
import { readsOf } from '../../src/document/prompt.ts';
import { findPositionsFast } from '../../src/document/token-position.ts';

const own = Token.prototype.getPosition;
findPositionsFast();

test('a token stands where Liquid says that it does', () => {
  const text =
    'a {{ input.a }}\n\n{% if input.b %}\n  😀 {{ tasks["b"].output\n | join: input.c }}{% endif %}\r\n{{ input.d }}';
  const liquid = new Liquid();
  const offsets = Array.from({ length: text.length + 1 }, (_, offset) => offset);
  const [token] = liquid.parse(text).flatMap((template) => ('token' in template ? [template.token as Token] : []));
  const at = (offset: number): Token =>
    Object.assign(Object.create(token ?? null) as Token, { input: text, begin: offset });
  expect(offsets.map((offset) => at(offset).getPosition())).toEqual(offsets.map((offset) => own.call(at(offset))));
});

test('what is read of a long prompt is found in as many steps as it has parts', () => {
  const milliseconds = (text: string): number => {
    const from = performance.now();
    expect(readsOf(text).input).toEqual(['a']);
    return performance.now() - from;
  };
  const [short, long] = [500, 8_000].map((parts) =>
    Math.min(...[1, 2, 3].map(() => milliseconds('{{ input.a }}\n'.repeat(parts)))),
  );
  // Counted from the beginning for each of them it takes 256 times as long, instead of 16 times.
  expect(long).toBeLessThan(80 * (short ?? 0));
});
