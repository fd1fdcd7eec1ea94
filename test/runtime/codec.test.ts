/** Values as text and back: kept or refused by path (R7), big ones stored once (R11). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertStorable, BIG, blobHash, decode, encode, portable } from '../../src/runtime/codec.ts';
import { FermataError } from '../../src/errors.ts';

function roundTrip(value: unknown): unknown {
  const blobs = new Map<string, string>();
  const text = encode(value, 'value', { add: (hash, stored) => void blobs.set(hash, stored) });
  expect(text.length, 'what is left beside the big values is small').toBeLessThanOrEqual(BIG);
  for (const [hash, stored] of blobs) expect(blobHash(stored)).toBe(hash);
  return decode(text, (hash) => blobs.get(hash) ?? expect.unreachable(`no blob ${hash}`));
}

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 1, max: 3 }).map((n) => 'big'.repeat(n * 6_000)),
);
/** Keys that an attacker or an unlucky author would choose. */
const key = fc.oneof(
  fc.string(),
  fc.constantFrom('$fermata', 'value', 'hash', '__proto__', 'constructor', 'toString', 'xstate$$type'),
);
const { value: anything } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 3 }).map((values) => new Set(values)),
  ),
}));

describe('R7: a value comes back as it was', () => {
  it('whatever it is made of', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(roundTrip(value)).toEqual(value);
      }),
      { seed: 20_260_101, numRuns: 60 },
    );
  });

  it('an error keeps name, message, cause and what it carries', () => {
    const error = Object.assign(new TypeError('outer', { cause: new RangeError('inner') }), {
      code: 'E1',
      at: new Date(1),
      when: undefined,
    });
    const back = roundTrip({ error }) as { error: TypeError & { code: string; at: Date } };
    expect(back.error).toBeInstanceOf(Error);
    expect(back.error).toMatchObject({
      name: 'TypeError',
      message: 'outer',
      code: 'E1',
      at: new Date(1),
      cause: { name: 'RangeError', message: 'inner' },
    });
  });

  it('a hole in a list is read as undefined, whatever is before it', () => {
    const list: unknown[] = [new Date(0)];
    list[1_000] = 1;
    expect(roundTrip(list)).toStrictEqual([new Date(0), ...Array.from({ length: 999 }, () => undefined), 1]);
  });

  it('an invalid date stays invalid', () => {
    expect(Number.isNaN((roundTrip(new Date(NaN)) as Date).getTime())).toBe(true);
  });

  it('stored text never becomes anything but data', () => {
    const back = roundTrip(JSON.parse('{"__proto__": {"polluted": true}, "$fermata": "error", "name": "x"}')) as object;
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.keys(back)).toContain('__proto__');
  });

  it('an unknown tag is named as corrupt', () => {
    expect(() => decode('{"$fermata":"code","value":"x"}', () => '')).toThrow(
      expect.objectContaining({ code: 'databaseCorrupt' }) as Error,
    );
  });
});

describe('R7: what cannot be kept is refused with its path', () => {
  it.each<[string, unknown, string]>([
    ['a function', { a: [{ b: () => {} }] }, 'value.a[0].b'],
    ['a symbol', [Symbol('s')], 'value[0]'],
    ['a class instance', { when: new URL('http://x') }, 'value.when'],
    ['in a map', { m: new Map([['k', () => {}]]) }, 'value.m'],
    ['a list of holes', { when: Object.assign([], { length: 1_001 }) }, 'value.when'],
    ['a list of four billion', { when: Object.assign([new Date(0)], { length: 4_000_000_000 }) }, 'value.when'],
    ['in an error', Object.assign(new Error('e'), { socket: new (class Socket {})() }), 'value.socket'],
  ])('%s', (_, value, path) => {
    const refusal: unknown = (() => {
      try {
        return assertStorable(value, 'value');
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(refusal).toBeInstanceOf(FermataError);
    expect(refusal).toMatchObject({ code: 'notSerializable', message: expect.stringContaining(path) as string });
  });

  it('a thrown value of any kind becomes one that can be kept', () => {
    expect(portable('text')).toBe('text');
    expect(portable(Object.assign(new Error('e'), { socket: new (class Socket {})() }))).toMatchObject({
      message: 'e',
      code: 'actorFailed',
    });
    expect(portable(undefined)).toBeUndefined();
  });
});

describe('R11: over 16 KB a value is set aside', () => {
  it('each big value once, by its content', () => {
    const blobs: string[] = [];
    const sink = { add: (hash: string) => void blobs.push(hash) };
    const big = 'x'.repeat(BIG + 1);
    encode({ a: big, b: { c: big } }, 'value', sink);
    expect(new Set(blobs).size).toBe(1);
  });

  it('also many small ones that are big together', () => {
    const value = { list: Array.from({ length: 5_000 }, (_, i) => `item ${i}`), small: 1 };
    expect(roundTrip(value)).toEqual(value);
    expect(roundTrip(value.list)).toEqual(value.list);
  });

  it('also what has a key that we use as a mark', () => {
    const value = { [`$fermata`]: 'blob', list: Array.from({ length: 5_000 }, (_, i) => `item ${i}`) };
    expect(roundTrip(value)).toEqual(value);
    expect(roundTrip({ inside: value })).toEqual({ inside: value });
  });
});
