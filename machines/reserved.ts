/**
 * The actions that the runtime reads as data (R3): a machine declares them in `setup` as no-ops and enqueues them here.
 * `setup` cannot type them inside its own `enqueueActions`, so that stands in this one file.
 */

/** XState's `enqueue`, as far as it is needed here. */
export type Enqueue = (action: never) => void;

/** States what has happened. */
export function fact(enqueue: Enqueue, type: string, data: Readonly<Record<string, unknown>> = {}): void {
  enqueue({ type: 'fermata.fact', params: { type, ...data } } as never);
}

/** Begins a detached actor of the run. */
export function spawn(enqueue: Enqueue, id: string, src: string, input: unknown): void {
  enqueue({ type: 'fermata.spawn', params: { id, src, input } } as never);
}

/** Sends to a detached actor that this one has begun, or to the root of another run. */
export function send(
  enqueue: Enqueue,
  to: string | { readonly run: string },
  event: { readonly type: string; readonly [key: string]: unknown },
): void {
  enqueue({ type: 'fermata.send', params: { to, event } } as never);
}
