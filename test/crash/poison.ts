/**
 * The process that the tests of poison kill, or that kills itself: a runtime with a machine that
 * brings a process down in many ways, moved by its parent. `fork(this, [SETTINGS])`; each message `{id, method, args}` is
 * a call of the runtime, answered by `{id, value}` or `{id, error}`.
 */
import { assign, fromPromise, setup } from 'xstate';
import { toErrorData } from '../../src/errors.ts';
import { effect } from '../../src/runtime/effect.ts';
import { createRuntime, type Runtime } from '../../src/runtime/runtime.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';

/** What the process is told. */
export interface PoisonSettings {
  readonly file: string;
  /** How far its clock is ahead. */
  readonly aheadMs: number;
  /** Where the model is; '': nowhere. */
  readonly model: string;
  /** What is asked here comes to nothing, so that this process stays until somebody kills it. */
  readonly stuck: boolean;
}

/** How a process dies: at once, never (somebody has to kill it). */
export type Way = 'exit' | 'loop' | 'not';

const { file, aheadMs, model, stuck } = JSON.parse(process.argv[2] ?? '') as PoisonSettings;

function die(way: Way): boolean {
  if (way === 'exit') process.exit(1);
  while (way === 'loop');
  return true;
}

/** 100 MB of JSON from a megabyte of memory. */
function grown(): readonly string[] {
  return Array.from<string>({ length: 100_000 }).fill('x'.repeat(1_000));
}

type PoisonEvent =
  | { readonly type: 'KILL'; readonly way: Way }
  | { readonly type: 'GROW' | 'END' | 'CALL' }
  | { readonly type: 'ARM'; readonly way: Way }
  | { readonly type: 'ASK'; readonly way: Way }
  | { readonly type: 'TELL'; readonly run: string; readonly way: Way };

const poison = setup({
  types: {} as {
    context: { way: Way; taken: number; big: readonly string[] };
    input: { way?: Way } | undefined;
    events: PoisonEvent;
    output: number;
  },
  actors: {
    ask: fromPromise<boolean, Way>(async ({ input }) => (stuck ? new Promise(() => {}) : Promise.resolve(die(input)))),
    model: fromPromise(() => Promise.reject(new RangeError('replaced by the effect of the same name'))),
  },
  actions: {
    rememberWay: assign({ way: ({ context, event }) => ('way' in event ? event.way : context.way) }),
    'fermata.send': (_, _params: { to: { run: string }; event: PoisonEvent }) => {},
  },
  guards: { survives: (_, way: Way) => die(way) },
}).createMachine({
  context: ({ input }) => ({ way: 'not', taken: die(input?.way ?? 'not') ? 0 : 1, big: [] }),
  initial: 'resting',
  on: {
    KILL: {
      guard: { type: 'survives', params: ({ event }) => event.way },
      actions: assign({ taken: ({ context }) => context.taken + 1 }),
    },
    GROW: { actions: assign({ big: grown }) },
    TELL: {
      actions: {
        type: 'fermata.send',
        params: ({ event }) => ({ to: { run: event.run }, event: { type: 'KILL', way: event.way } }),
      },
    },
    END: '.end',
  },
  states: {
    resting: {
      on: {
        ARM: { target: 'armed', actions: 'rememberWay' },
        ASK: { target: 'asking', actions: 'rememberWay' },
        CALL: 'calling',
      },
    },
    armed: { after: { 1_000: { guard: { type: 'survives', params: ({ context }) => context.way }, target: 'end' } } },
    asking: { invoke: { src: 'ask', input: ({ context }) => context.way, onDone: 'end' } },
    calling: { invoke: { src: 'model', onDone: 'end' } },
    end: { type: 'final' },
  },
  output: ({ context }) => context.taken,
});

/** A call of a model, in its own protocol and over a socket: this process only waits for it. */
const modelCall = effect({
  remote: true,
  run: async (_, { key, signal }) => {
    const body = JSON.stringify({ model: 'any', messages: [{ role: 'user', content: 'a question' }] });
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    const response = await fetch(`${model}/chat/completions`, { method: 'POST', headers, body, signal });
    return response.json();
  },
});

const opening = createRuntime({
  store: sqliteStore(file),
  machines: { 'poison@1': poison },
  actors: { model: modelCall },
  clock: {
    now: () => Date.now() + aheadMs,
    setTimer(wake, ms) {
      const timer = setTimeout(wake, ms);
      return { clear: () => clearTimeout(timer) };
    },
  },
});

function call(runtime: Runtime, method: string, args: readonly unknown[]): unknown {
  const called = Reflect.get(runtime, method) as (...given: readonly unknown[]) => unknown;
  return Reflect.apply(called, runtime, args);
}

process.on('disconnect', () => process.exit(0));
// No `await` at the top level: this is built as CommonJS, which loads sooner.
void opening.then((runtime) => {
  process.on('message', ({ id, method, args }: { id: number; method: string; args: readonly unknown[] }) => {
    Promise.resolve(call(runtime, method, args)).then(
      (value) => process.send?.({ id, value }),
      (thrown: unknown) => process.send?.({ id, error: toErrorData(thrown) }),
    );
  });
  process.send?.({ id: 0 });
});
