import { describe, expect, it } from 'vitest';
import type { CodeFunction } from '../../actors/code-function.ts';
import { code, type CodeInput } from '../../actors/code.ts';
import type { SharedSource } from '../../actors/code-shared.ts';
import { readArguments } from '../../src/document/arguments.ts';
import { FermataError } from '../../src/errors.ts';
import { redactor } from '../../src/http/redact.ts';
import { effectContext, type RecordingContext } from '../harness/effect-context.ts';
import { failureOf } from './model-setup.ts';

/** A run in which nobody shares anything. */
const NOTHING_SHARED: SharedSource = {
  read: async () => undefined,
  follow: () => () => {},
  inTurn: (_run, _key, work) => work(),
};
const INPUT: CodeInput = {
  task: 'sum',
  attempt: 2,
  function: 'sumUp',
  input: { x: 1, y: 2 },
  onInDoubt: 'ask',
  repeatOf: 'k-0',
};

function call(sumUp: CodeFunction, context: RecordingContext = effectContext()) {
  return code({
    functions: { sumUp },
    redact: redactor(['sk-code-0123456789']),
    readArguments,
    assertProvider: () => {},
    shared: NOTHING_SHARED,
  }).run(INPUT, context);
}

describe('a function', () => {
  it('gets its input, and what it returns is the value', async () => {
    expect(await call(({ x, y }) => Number(x) + Number(y))).toEqual({ value: 3 });
    expect(await call(async () => ({ emoji: '🎼' }))).toEqual({ value: { emoji: '🎼' } });
    expect(await call(() => undefined)).toEqual({ value: undefined });
  });

  it('learns of which call it is', async () => {
    const context = effectContext({ key: 'k-9', runId: 'run-7', repeated: true });
    const seen = await call(
      (_, { signal, progress: _progress, delta: _delta, model: _model, shared: _shared, ...rest }) => ({
        ...rest,
        aborted: signal.aborted,
      }),
      context,
    );
    expect(seen.value).toEqual({
      idempotencyKey: 'k-9',
      runId: 'run-7',
      task: 'sum',
      attempt: 2,
      repeated: true,
      aborted: false,
    });
  });

  it('says how far it is', async () => {
    const context = effectContext();
    await call((_, { progress }) => {
      progress(0);
      progress(42.5, 'halfway');
      progress(100);
    }, context);
    expect(context.notified).toEqual([
      { type: 'task.progress', percent: 0 },
      { type: 'task.progress', percent: 42.5, note: 'halfway' },
      { type: 'task.progress', percent: 100 },
    ]);
  });

  it.each([-1, 100.1, Number.NaN, Number.POSITIVE_INFINITY])('cannot be %d percent far', async (percent) => {
    const context = effectContext();
    const failure = await failureOf(call((_, { progress }) => progress(percent), context));
    expect(failure).toMatchObject({ code: 'codeRefused', retry: 'never' });
    expect(failure.message).toContain(String(percent));
    expect(context.notified).toEqual([]);
  });

  it('that runs on after its end or an abort says nothing any more', async () => {
    const context = effectContext();
    const kept: ((percent: number) => void)[] = [];
    await call((_, { progress }) => void kept.push(progress), context);
    kept[0]?.(50);
    const aborted = effectContext();
    aborted.abort();
    await call((_, { progress }) => progress(50), aborted);
    expect([...context.notified, ...aborted.notified]).toEqual([]);
  });
});

describe('what a function throws', () => {
  it('may be tried again, and is kept as the cause', async () => {
    const cause = new TypeError('x is undefined');
    const failure = await failureOf(call(() => Promise.reject(cause)));
    expect(failure).toMatchObject({ code: 'codeFailed', retry: 'backoff', cause });
    expect(failure.message).toBe('Function "sumUp" of task "sum" threw TypeError: x is undefined.');
  });

  it('synchronously is the same', async () => {
    const throwing = () => {
      throw new RangeError('too far');
    };
    expect((await failureOf(call(throwing))).code).toBe('codeFailed');
  });

  it.each([
    ['text', 'the text "text"'],
    [undefined, 'a value that is no Error (undefined)'],
    [{ a: 1 }, 'a value that is no Error (object)'],
  ])('need not be an Error: %o', async (thrown, described) => {
    const failure = await failureOf(call(() => Promise.reject(thrown)));
    expect(failure.code).toBe('codeFailed');
    expect(failure.message).toContain(described);
  });

  it.each([{ retry: 'never' }, { retryable: false }])('with %o is not tried again', async (mark) => {
    const failure = await failureOf(call(() => Promise.reject(Object.assign(new TypeError('paid already'), mark))));
    expect(failure).toMatchObject({ code: 'codeRefused', retry: 'never' });
    expect(failure.message).toContain('paid already. It is not tried again.');
  });

  it.each([
    new RangeError('bad key sk-code-0123456789'),
    new FermataError('codeRefused', 'bad key sk-code-0123456789', {
      data: { asked: ['sk-code-0123456789'], apiKey: 'x' },
    }),
  ])('goes on without secrets: %s', async (thrown) => {
    const { message, data } = await failureOf(call(() => Promise.reject(thrown)));
    expect(message).toContain('bad key [redacted]');
    expect(JSON.stringify(data)).not.toMatch(/0123456789|"x"/);
  });

  it('passes as it is where it is a FermataError', async () => {
    const own = new FermataError('codeRefused', 'The invoice is already paid.');
    expect(await failureOf(call(() => Promise.reject(own)))).toBe(own);
  });

  it('after an abort is a cancellation', async () => {
    const context = effectContext();
    const waiting: CodeFunction = (_, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new DOMException('stop', 'AbortError'))),
      );
    const failure = failureOf(call(waiting, context));
    context.abort();
    expect((await failure).code).toBe('cancelled');
  });
});

it.each(['sumup', 'constructor', '__proto__'])(
  'a function %s that is not registered is refused, naming the others',
  async (name) => {
    const effect = code({
      functions: { sumUp: () => 1, charge: () => 2 },
      redact: redactor(),
      readArguments,
      assertProvider: () => {},
      shared: NOTHING_SHARED,
    });
    const failure = await failureOf(effect.run({ ...INPUT, function: name }, effectContext()));
    expect(failure).toMatchObject({ code: 'functionMissing', retry: 'never' });
    expect(failure.message).toContain(`"${name}", but registered are only: sumUp, charge.`);
  },
);

it('the effect says how it is settled, repeated and shown', () => {
  const effect = code({
    functions: {},
    redact: redactor(),
    readArguments,
    assertProvider: () => {},
    shared: NOTHING_SHARED,
  });
  expect(effect.onInDoubt?.(INPUT)).toBe('ask');
  expect(effect.repeatOf?.(INPUT)).toBe('k-0');
  expect(effect.describe?.(INPUT)).toEqual({ task: 'sum', attempt: 2 });
});
