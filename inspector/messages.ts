/**
 * Turns as messages of the Stately Inspector: the JSON that `@statelyai/inspect` sends, one object a message.
 *
 * A session id is the run's id and the actor's address (`01J…/plan`), so that an actor stays the same actor when its run
 * goes on in another process. An effect is an actor too, as a promise is in XState.
 */
import type { AskedEffect, Turn } from '../src/runtime/replay.ts';
import { configOf, snapshotAsData, type Event, type Machine } from '../src/runtime/xstate.ts';
import { definitionText } from './definition.ts';
import type { Redact } from './redact.ts';

/** Version of `@statelyai/inspect` whose format this is. */
export const FORMAT_VERSION = '0.7.2';

/** What every message has. */
interface About {
  readonly sessionId: string;
  readonly rootId: string;
  /** Milliseconds since 1970, as text. */
  readonly createdAt: string;
  /** Unique, and the same whenever the run is shown again. */
  readonly id: string;
  readonly _version: string;
}

/** One message. */
export type InspectorMessage = About &
  (
    | {
        readonly type: '@xstate.actor';
        readonly name: string;
        readonly parentId: string | undefined;
        readonly definition: string;
        readonly snapshot: unknown;
      }
    | { readonly type: '@xstate.event'; readonly event: Event; readonly sourceId: string | undefined }
    | { readonly type: '@xstate.snapshot'; readonly event: Event; readonly snapshot: unknown }
  );

type Body<T> = T extends unknown ? Omit<T, keyof About> : never;

/** Writes the messages of one run. */
export class InspectorMessages {
  readonly #run: string;
  readonly #redact: Redact;
  readonly #definitions = new Map<Machine, string>();

  constructor(run: string, redact: Redact) {
    this.#run = run;
    this.#redact = redact;
  }

  /** What happened in a turn, in the order in which XState tells it: new actors, the event, the snapshot, the effects asked for. */
  *of(turn: Turn): Generator<InspectorMessage> {
    const { address, event, source, snapshot, asked, answered } = turn;
    const bodies: [address: string, body: Body<InspectorMessage>][] = [];
    const taken: Event = turn.began ? { type: 'xstate.init', input: event['input'] } : event;
    const after = snapshotAsData(snapshot);
    if (turn.began) {
      const name = address === '/' ? turn.machine.id : turn.id;
      bodies.push([
        address,
        {
          type: '@xstate.actor',
          name,
          parentId: this.#parentOf(address),
          definition: this.#definition(turn.machine),
          snapshot: after,
        },
      ]);
    }
    if (answered !== undefined) bodies.push(...outcomeOf(answered, event, this.#session(answered.address)));
    // A stop reaches an actor from its parent, without being an event of the chart.
    if (taken.type !== 'xstate.stop')
      bodies.push([
        address,
        { type: '@xstate.event', event: taken, sourceId: source === undefined ? undefined : this.#session(source) },
      ]);
    bodies.push([address, { type: '@xstate.snapshot', event: taken, snapshot: after }]);
    for (const effect of asked) bodies.push(...this.#asked(effect, address));

    for (const [index, [at, body]] of bodies.entries()) {
      const about: About = {
        sessionId: this.#session(at),
        rootId: this.#session('/'),
        createdAt: String(turn.at),
        id: `${this.#run}/${turn.seq}.${index}`,
        _version: FORMAT_VERSION,
      };
      // The definition has lost its secrets already; as a text it would be cut.
      const definition = body.type === '@xstate.actor' ? { definition: body.definition } : {};
      yield {
        ...(this.#redact({
          ...body,
          ...about,
          ...(body.type === '@xstate.actor' ? { definition: '' } : {}),
        }) as InspectorMessage),
        ...definition,
      };
    }
  }

  *#asked({ address, id, src, input }: AskedEffect, asker: string): Generator<[string, Body<InspectorMessage>]> {
    const snapshot = { status: 'active', input };
    const event: Event = { type: 'xstate.init', input };
    const parentId = this.#session(asker);
    yield [address, { type: '@xstate.actor', name: id, parentId, definition: JSON.stringify({ id: src }), snapshot }];
    yield [address, { type: '@xstate.event', event, sourceId: parentId }];
    yield [address, { type: '@xstate.snapshot', event, snapshot }];
  }

  #definition(machine: Machine): string {
    let text = this.#definitions.get(machine);
    if (text === undefined) {
      text = definitionText(configOf(machine), this.#redact);
      this.#definitions.set(machine, text);
    }
    return text;
  }

  #parentOf(address: string): string | undefined {
    return address === '/' ? undefined : this.#session(address.slice(0, address.lastIndexOf('/')) || '/');
  }

  #session(address: string): string {
    return `${this.#run}${address}`;
  }
}

/** How an effect ended, as XState tells it of a promise. */
function outcomeOf({ address }: AskedEffect, event: Event, session: string): [string, Body<InspectorMessage>][] {
  const done = event.type.startsWith('xstate.done.');
  const settled: Event = done
    ? { type: 'xstate.promise.resolve', data: event['output'] }
    : { type: 'xstate.promise.reject', data: event['error'] };
  const snapshot = done ? { status: 'done', output: event['output'] } : { status: 'error', error: event['error'] };
  return [
    [address, { type: '@xstate.event', event: settled, sourceId: session }],
    [address, { type: '@xstate.snapshot', event: settled, snapshot }],
  ];
}
