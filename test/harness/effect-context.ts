import type { EffectContext } from '../../src/runtime/effect.ts';

/** An effect context that remembers what it was told. */
export interface RecordingContext extends EffectContext {
  /** Pieces of text since the last `restart()`. */
  readonly deltas: readonly string[];
  readonly restarts: number;
  readonly notified: readonly { readonly type: string; readonly [key: string]: unknown }[];
  /** Aborts `signal`. */
  abort(): void;
  /** Resolves with the text so far at the next `delta`. */
  nextDelta(): Promise<string>;
}

/** A context as the runtime hands it to an effect, for tests of effects without a runtime. */
export function effectContext(
  given: Partial<Pick<EffectContext, 'tenant' | 'runId' | 'actor' | 'key' | 'repeated'>> = {},
): RecordingContext {
  const controller = new AbortController();
  const notified: { type: string; [key: string]: unknown }[] = [];
  let deltas: string[] = [];
  let restarts = 0;
  let heard: ((text: string) => void)[] = [];
  return {
    tenant: 'default',
    runId: 'run-1',
    actor: 'task/1',
    key: 'key-1',
    repeated: false,
    ...given,
    signal: controller.signal,
    emit: () => {},
    receive: () => {},
    hears: () => true,
    delta: (text) => {
      deltas.push(text);
      const listeners = heard;
      heard = [];
      for (const listener of listeners) listener(deltas.join(''));
    },
    restart: () => {
      deltas = [];
      restarts += 1;
    },
    notify: (event) => {
      notified.push({ ...event });
    },
    get deltas() {
      return deltas;
    },
    get restarts() {
      return restarts;
    },
    notified,
    abort: () => controller.abort(),
    nextDelta: () => new Promise((resolve) => heard.push(resolve)),
  };
}
