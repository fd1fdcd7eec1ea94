/**
 * Who is replaced in the middle of its own turn. Plain XState stops it, and all below it, after that turn, when the other has
 * begun already; here they are stopped before the other begins (docs/machines.md). Random machines are compared up to the step
 * in which that happens: no guard sees who is in the middle of a turn, so that none could keep a machine from it, and to make
 * no machine in which a child that was woken by its own timer speaks to its parent would leave out far more.
 */
import type { AnyActorRef } from 'xstate';

/** Watches in plain XState for an actor that begins under the address of one that has not ended yet, and is stopped then. */
export class Replaced {
  readonly #at = new Map<string, AnyActorRef>();
  #outlived: AnyActorRef[] = [];

  begins(address: string, actor: AnyActorRef): void {
    const before = this.#at.get(address);
    const { status, value } = (before?.getSnapshot() ?? {}) as { readonly status?: string; readonly value?: unknown };
    // A call, which has no states, takes no turns.
    if (before !== undefined && status === 'active' && value !== undefined) this.#outlived.push(before);
    this.#at.set(address, actor);
  }

  /** True where it has happened since this was last asked. One that is never stopped is another matter, and does not count. */
  happened(): boolean {
    const stopped = this.#outlived.filter((actor) => actor.getSnapshot().status === 'stopped');
    this.#outlived = [];
    return stopped.length > 0;
  }
}
