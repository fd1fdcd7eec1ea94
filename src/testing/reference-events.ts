/** What may be observed of a run's events from outside (P10): part of the reference model. */
import { isDeepStrictEqual } from 'node:util';
import type { SeenFact } from './observation.ts';
import type { PlannedTask } from './plan.ts';

type Check = (holds: boolean, broken: string) => void;
type Outside = Readonly<Record<string, unknown>>;

interface Kept {
  readonly type: unknown;
  readonly event: Outside;
  taken: boolean;
}

/** The events of one run. They are told apart by what they say: whoever sends two that say the same sends two. */
export class OutsideEventsModel {
  readonly #check: Check;
  /** By id, as they were sent; one without an id is another one each time. */
  readonly #sent = new Map<unknown, Outside>();
  readonly #kept: Kept[] = [];
  readonly #taken: Outside[] = [];
  /** Told to have been accepted. */
  readonly #accepted: Outside[] = [];

  /** @param check throws where a promise is broken */
  constructor(check: Check) {
    this.#check = check;
  }

  /** Somebody sends an event, perhaps once more. */
  sent(body: unknown): void {
    const { id = Symbol('no id'), ...event } = body as Outside;
    if (!this.#sent.has(id)) this.#sent.set(id, event);
  }

  /** Somebody was told that an event was accepted. */
  accepted(body: unknown): void {
    this.#accepted.push(withoutId(body as Outside));
  }

  /** The fact that an event was kept. */
  kept({ eventType, event }: SeenFact['data'], where: string): void {
    const said = withoutId(event as Outside);
    this.#check(this.#times(said) > this.#uses(said), `P10 ${where}: nobody has sent it, or it was taken before`);
    this.#kept.push({ type: eventType, event: said, taken: false });
  }

  /** The fact that a task that waits has completed, or has failed with an event that it had taken. */
  completed({ call }: PlannedTask, { result, keptEvent }: SeenFact['data'], where: string): void {
    const { type, filter } = call.for?.event ?? {};
    if (type === undefined || result === null) return;
    const event = result as Outside;
    this.#check(event['type'] === type, `P10 ${where}: it waits for another type`);
    if (keptEvent === undefined)
      this.#check(this.#times(event) > this.#uses(event), `P10 ${where}: nobody has sent it, or it was taken before`);
    else {
      const open = this.#kept.filter((kept) => !kept.taken && kept.type === type);
      const kept = open.find((candidate) => isDeepStrictEqual(candidate.event, event));
      this.#check(kept !== undefined, `P10 ${where}: what it took is not kept`);
      this.#check(filter !== undefined || kept === open[0], `P10 ${where}: an event that came before is still kept`);
      if (kept !== undefined) kept.taken = true;
    }
    this.#taken.push(event);
  }

  /** Nothing is under way in the run: what was accepted must have been kept or taken. */
  settled(run: string): void {
    for (const event of this.#accepted.splice(0))
      this.#check(this.#uses(event) > 0, `P10 run ${run} accepted ${JSON.stringify(event)}, and it is nowhere`);
  }

  #times(event: Outside): number {
    return [...this.#sent.values()].filter((other) => isDeepStrictEqual(other, event)).length;
  }

  /** How often it was taken or is kept. */
  #uses(event: Outside): number {
    const kept = this.#kept.filter((other) => !other.taken && isDeepStrictEqual(other.event, event));
    return kept.length + this.#taken.filter((other) => isDeepStrictEqual(other, event)).length;
  }
}

function withoutId({ id: _, ...event }: Outside): Outside {
  return event;
}
