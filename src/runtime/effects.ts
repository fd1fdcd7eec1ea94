/**
 * Effects under way in this process.
 *
 * Owns: starting, aborting, and the text they have streamed so far.
 * E1. An effect starts only after the commit that asks for it, and at most once per commit that says so (R1, R5).
 * E2. An outcome is handed in once; after an abort it is not handed in at all.
 */
import { FermataError } from '../errors.ts';
import type { RunKey } from '../store/runs.ts';
import type { Catalog } from './catalog.ts';
import { markOfEffect } from './deciding.ts';
import { assertStorable, portable } from './codec.ts';
import type { EffectStart } from './draft.ts';
import type { AroundEffect, EffectContext, EffectDefinition } from './effect.ts';
import type { Delta, StreamedText } from './facts.ts';
import type { Input } from './input.ts';
import type { Suspects } from './suspects.ts';
import { knowsEvent, type Event } from './xstate.ts';

interface Active {
  readonly key: RunKey;
  readonly abort: AbortController;
  readonly about: Readonly<Record<string, unknown>>;
  text: string;
  readonly listeners: ((event: Event) => void)[];
  /** It waits for no place among those in flight, and takes none: what it waits for may need one. */
  readonly placeless: boolean;
  /** It has its place, and the mark "about to call" is being committed. */
  marking: boolean;
}

/** What effects need of their surroundings. */
export interface EffectSurroundings {
  readonly catalog: Catalog;
  /** Lets those that may have brought the process down run one at a time. */
  readonly suspects: Pick<Suspects, 'deciding' | 'none' | 'run' | 'waiting'>;
  /** Takes an outcome or a notice to its run. */
  enter(key: RunKey, input: Input): void;
  delta(delta: Delta): void;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
  /** Default: the call is made. */
  readonly around?: AroundEffect | undefined;
  /** Effects in flight at once; further ones wait in order. */
  readonly maxInFlight: number;
}

/** Effects under way. */
export class Effects {
  readonly #surroundings: EffectSurroundings;
  readonly #active = new Map<string, Active>();
  readonly #waiting = new Map<string, EffectStart>();
  /** Those that cannot be called here, with the reason: by run, then by token. */
  readonly #held = new Map<string, Map<string, FermataError>>();
  /** Those among the active ones that take no place. */
  #placeless = 0;
  #closed = false;
  /** Effects begin, and the mark of the last of them stands. */
  #begins = false;

  constructor(surroundings: EffectSurroundings) {
    this.#surroundings = surroundings;
  }

  get size(): number {
    return this.#active.size + this.#waiting.size + this.#surroundings.suspects.waiting;
  }

  /** Starts it, or lets it wait for a place. Starting what is under way does nothing. */
  start(effect: EffectStart): void {
    const id = name(effect.row, effect.row.token);
    if (this.#closed) return;
    const known = this.#active.get(id);
    if (known !== undefined) {
      if (!known.marking || !effect.row.marked) return;
      known.marking = false;
      void this.#run(id, effect, known);
      return;
    }
    if (this.#isFull && !this.#isAwaited(effect)) {
      this.#waiting.set(id, effect);
      return;
    }
    if (this.#surroundings.catalog.isRemote(effect.row.src)) this.#begin(id, effect);
    else this.#surroundings.suspects.run(effect.row, () => this.#begin(id, effect));
  }

  #begin(id: string, effect: EffectStart): void {
    if (this.#closed) return;
    const { row } = effect;
    const active: Active = {
      key: { tenant: row.tenant, run: row.run },
      abort: new AbortController(),
      about: {},
      text: '',
      listeners: [],
      placeless: this.#surroundings.catalog.effect(effect.logicPath, row.src)?.immediate === true,
      // Not before it has a place: marked and never called, it would be in doubt after a crash.
      marking: effect.policy !== 'retry' && !row.marked,
    };
    this.#active.set(id, active);
    if (active.placeless) this.#placeless++;
    if (active.marking) this.#surroundings.enter(active.key, { kind: 'mark', row });
    else void this.#run(id, effect, active);
  }

  /** It cannot be called in this process: it stays a row, and waits for the next one. */
  hold({ row }: EffectStart, error: FermataError): void {
    const ofRun = this.#held.get(row.run) ?? new Map<string, FermataError>();
    this.#held.set(row.run, ofRun.set(row.token, error));
    this.#surroundings.log('an effect cannot be called in this process', {
      runId: row.run,
      actor: row.actor,
      error: error.message,
    });
  }

  /** Why an effect of a run cannot be called in this process. */
  held(run: string): FermataError | undefined {
    const [error] = this.#held.get(run)?.values() ?? [];
    return error;
  }

  /** Ids of the runs that `held` has a reason for. */
  heldRuns(): Iterable<string> {
    return this.#held.keys();
  }

  /** Nobody waits for it any more. */
  abort(key: RunKey, token: string): void {
    const id = name(key, token);
    this.#waiting.delete(id);
    const held = this.#held.get(key.run);
    if (held?.delete(token) === true && held.size === 0) this.#held.delete(key.run);
    const active = this.#active.get(id);
    if (active === undefined) return;
    this.#remove(id, active);
    active.abort.abort(new FermataError('cancelled', 'Nobody waits for this call any more.'));
    this.#next();
  }

  /** Its actor says something to it; nobody hears it where it is not under way, or does not listen. */
  tell(key: RunKey, token: string, event: Event): void {
    try {
      for (const listener of this.#active.get(name(key, token))?.listeners ?? []) listener(event);
    } catch (thrown) {
      this.#surroundings.log('an effect could not hear an event', { runId: key.run, error: String(thrown) });
    }
  }

  /** What the effects of a run, or of all, have streamed so far: what a late joiner gets first. */
  streamed(run?: string): StreamedText[] {
    const found: StreamedText[] = [];
    for (const [id, { key, about, text }] of this.#active)
      if ((run === undefined || key.run === run) && text !== '')
        // Whoever holds it holds no text: that is gone with its effect.
        found.push({ ...key, about, text: () => this.#active.get(id)?.text ?? '' });
    return found;
  }

  /** Aborts everything; outcomes of aborted effects are not handed in: the next start finds them in doubt. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    for (const { abort } of this.#active.values())
      abort.abort(new FermataError('shuttingDown', 'The process is stopping.'));
    this.#active.clear();
    this.#placeless = 0;
  }

  async #run(id: string, effect: EffectStart, active: Active): Promise<void> {
    const { row, key, input, repeated } = effect;
    const enter = (
      event: { readonly type: string; readonly [key: string]: unknown },
      kind: 'outcome' | 'notice',
    ): void => {
      if (this.#active.get(id) !== active) return;
      if (kind === 'outcome') this.#remove(id, active);
      this.#surroundings.enter(active.key, { kind, actor: row.actor, id: effect.id, token: row.token, event });
    };
    try {
      const definition = this.#definition(effect);
      Object.assign(active, { about: definition.describe?.(input) ?? {} });
      const context: EffectContext = {
        tenant: row.tenant,
        runId: row.run,
        actor: row.actor,
        key,
        repeated,
        signal: active.abort.signal,
        delta: (text) => this.#delta(id, active, text),
        restart: () => {
          active.text = '';
        },
        hears: (type) => knowsEvent(this.#surroundings.catalog.logic(effect.logicPath).machine, type),
        receive: (listener) => {
          active.listeners.push(listener);
        },
        notify: (event) => {
          assertStorable(event, `event "${event.type}"`);
          enter(event, 'notice');
        },
        emit: (event) => {
          assertStorable(event, `event "${event.type}"`);
          if (this.#active.get(id) !== active) return;
          const data = { event };
          this.#surroundings.enter(active.key, { kind: 'fact', actor: row.actor, type: 'emitted', data });
        },
      };
      const { around = ({ run }) => run() } = this.#surroundings;
      const run = (): Promise<unknown> => definition.run(input, context);
      const begin = (): Promise<unknown> => around({ src: row.src, input, context, run });
      const output = await (definition.remote === true ? begin() : this.#marked(effect, begin));
      assertStorable(output, `output of "${effect.id}"`);
      enter({ type: `xstate.done.actor.${effect.id}`, output, actorId: effect.id }, 'outcome');
    } catch (thrown) {
      enter({ type: `xstate.error.actor.${effect.id}`, error: portable(thrown), actorId: effect.id }, 'outcome');
    }
    this.#next();
  }

  /** What it does before it first waits can hang or kill the process as a decision can. */
  #marked<T>({ row }: EffectStart, begin: () => T): T {
    const { suspects } = this.#surroundings;
    if (suspects.none) return begin();
    suspects.deciding(markOfEffect(row));
    // Once for all that begin now: each names itself first.
    if (!this.#begins) {
      this.#begins = true;
      queueMicrotask(() => {
        this.#begins = false;
        suspects.deciding(undefined);
      });
    }
    return begin();
  }

  get #isFull(): boolean {
    return this.#active.size - this.#placeless >= this.#surroundings.maxInFlight;
  }

  #remove(id: string, { placeless }: Active): void {
    if (this.#active.delete(id) && placeless) this.#placeless--;
  }

  /** It waits for no place: a call under way waits for it, or it is over in a moment. */
  #isAwaited({ logicPath, row, input }: EffectStart): boolean {
    const { catalog, maxInFlight } = this.#surroundings;
    // Nothing is called at all: this process only looks.
    if (maxInFlight === 0) return false;
    const definition = catalog.effect(logicPath, row.src);
    return definition?.immediate === true || definition?.partOf?.(input) !== undefined;
  }

  #definition({ logicPath, row }: EffectStart): EffectDefinition<unknown, unknown> {
    const definition = this.#surroundings.catalog.effect(logicPath, row.src);
    if (definition !== undefined) return definition;
    throw new FermataError(
      'machineMissing',
      `Run ${row.run} needs the effect "${row.src}", which is not registered. Register it under that name and start again.`,
    );
  }

  #delta(id: string, active: Active, text: string): void {
    if (this.#active.get(id) !== active || text === '') return;
    const offset = active.text.length;
    active.text += text;
    this.#surroundings.delta({ ...active.key, about: active.about, offset, delta: text });
  }

  #next(): void {
    // Not only one: a suspect takes no place yet, it goes into its line, and the place would stay empty from then on.
    for (const [id, effect] of this.#waiting) {
      if (this.#isFull) return;
      this.#waiting.delete(id);
      this.start(effect);
    }
  }
}

function name(key: RunKey, token: string): string {
  return `${key.run} ${token}`;
}
