/**
 * How runs begin: each at once, and one only for an idempotency key, however often and however simultaneously it is asked for.
 */
import type { Clock } from '../clock.ts';
import { FermataError } from '../errors.ts';
import type { RunKey, RunOrigin, RunParent, RunStatus } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { assertStorable, encode } from './codec.ts';
import { fingerprint, markOfStart } from './deciding.ts';
import type { Input, Receipt } from './input.ts';
import type { Suspects } from './suspects.ts';

/** What makes two requests the same one. */
export interface Keys {
  readonly key: string;
  readonly bodyHash: string;
  /** The house made it, and it begins with `fermata.`: nobody outside can name it. */
  readonly own?: true;
}

/** As it is kept: what comes from outside never meets what the house has named itself, and no two of them each other. */
export function apart(key: string): string {
  return /^(?:fermata\.|client:)/.test(key) ? `client:${key}` : key;
}

function kept({ key, own }: Keys): string {
  return own === true ? key : apart(key);
}

/** How a run is started. */
export interface StartOptions {
  readonly input?: unknown;
  /** XState's own persisted snapshot, to go on from. */
  readonly snapshot?: unknown;
  readonly tags?: readonly string[];
  /** The same key and body again gives the same run; the same key with another body is refused. */
  readonly idempotency?: Keys | undefined;
  readonly workflow?: { readonly id: string; readonly name: string; readonly version: number };
  /** Of a fork: what its machine's preparation takes over (any JSON), and the runs that it reads from, nearest first. */
  readonly fork?: { readonly record: unknown; readonly from: readonly string[] } | undefined;
  /** The run that begins it. */
  readonly parent?: RunParent | undefined;
  /** Input as shown and as prompts read it, where it is not what the machine gets. */
  readonly shownInput?: unknown;
}

/** A run that was started, now or (with an idempotency key) before. */
export interface Started {
  readonly runId: string;
  readonly status: RunStatus;
  /** True where the run had been started before. */
  readonly repeated: boolean;
}

/** What a start needs of its surroundings. */
export interface StartSurroundings {
  readonly store: Pick<Store, 'startedUnder' | 'run'>;
  readonly clock: Clock;
  readonly suspects: Pick<Suspects, 'assertMayStart'>;
  readonly tenant: string;
  /** Tags of every run. */
  readonly tags: readonly string[];
  newRunId(): string;
  /** Gives the new run its first input; answers once that is committed. */
  begin(key: RunKey, input: Omit<Extract<Input, { kind: 'start' }>, 'reply'>): Promise<Receipt>;
}

interface Keyed {
  readonly bodyHash: string;
  readonly started: Promise<Started>;
}

/** Starts runs. */
export class Starts {
  readonly #surroundings: StartSurroundings;
  /** Under way, by idempotency key: the same request at the same moment waits for the first. */
  readonly #underWay = new Map<string, Keyed>();
  /** Starts under a key that are under way no more. */
  #ended = 0;

  constructor(surroundings: StartSurroundings) {
    this.#surroundings = surroundings;
  }

  /**
   * Starts a run of the machine `name@version`. Throws `idempotencyConflict`, `notSerializable`, `quarantined`,
   * `storeUnavailable`.
   */
  async start(machine: string, options: StartOptions): Promise<Started> {
    assertStorable(options.input, 'input');
    const { idempotency } = options;
    if (idempotency === undefined) return this.#begin(machine, options);
    const { bodyHash } = idempotency;
    const key = kept(idempotency);
    for (let ended: number | undefined; ended !== this.#ended;) {
      ended = this.#ended;
      // Asked again after the wait, and nothing waits between this and the line that makes it known.
      const known = this.#underWay.get(key) ?? (await this.#committed(key)) ?? this.#underWay.get(key);
      if (known !== undefined) return again(known, idempotency);
      // One that ended meanwhile may have been this one, and the answer older than its commit.
    }
    const started = this.#begin(machine, options);
    this.#underWay.set(key, { bodyHash, started });
    return started.finally(() => {
      this.#underWay.delete(key);
      this.#ended++;
    });
  }

  /** Starts a run under a given id, which nobody else gives. */
  async startAs(run: string, machine: string, options: StartOptions): Promise<Started> {
    return this.#begin(machine, options, run);
  }

  /** The run that was started under a key, or is being started now. Throws `idempotencyConflict`. */
  async before(idempotency: Keys): Promise<Started | undefined> {
    const key = kept(idempotency);
    const known = this.#underWay.get(key) ?? (await this.#committed(key));
    return known === undefined ? undefined : again(known, idempotency);
  }

  async #committed(key: string): Promise<Keyed | undefined> {
    const { store, tenant } = this.#surroundings;
    const found = await store.startedUnder(tenant, key);
    if (found === undefined) return undefined;
    const row = await store.run({ tenant, run: found.run });
    return {
      bodyHash: found.bodyHash,
      started: Promise.resolve({ runId: found.run, status: row?.status ?? 'pending', repeated: true }),
    };
  }

  async #begin(machine: string, options: StartOptions, run: string = this.#surroundings.newRunId()): Promise<Started> {
    const { tenant, clock, tags, suspects, begin } = this.#surroundings;
    const shown = 'shownInput' in options ? options.shownInput : options.input;
    const blobs = new Map<string, string>();
    const aside = { add: (hash: string, text: string): void => void blobs.set(hash, text) };
    const inputJson = shown === undefined ? null : encode(shown, 'input', aside);
    const { workflow, fork, parent } = options;
    const { bodyHash = '' } = options.idempotency ?? {};
    const idempotency = options.idempotency && { key: kept(options.idempotency), bodyHash };
    const asked =
      idempotency === undefined
        ? [options.input, options.snapshot, fork?.record]
        : [idempotency.key, idempotency.bodyHash];
    const request = fingerprint([machine, workflow?.id ?? null, workflow?.version ?? null, ...asked]);
    suspects.assertMayStart(markOfStart(tenant, request, machine));
    const origin: RunOrigin = {
      tenant,
      run,
      machine,
      ...(workflow === undefined
        ? {}
        : { workflowId: workflow.id, workflowName: workflow.name, workflowVersion: workflow.version }),
      ...(parent === undefined ? {} : { parent }),
      tags: [...new Set([...(options.tags ?? []), ...tags])],
      seed: run,
      createdAt: clock.now(),
      inputJson,
      idempotency,
      ...(fork === undefined ? {} : { forkJson: encode(fork.record, 'fork', aside), forkedFrom: fork.from }),
    };
    const given = { input: options.input, restore: options.snapshot, fingerprint: request };
    const input = { kind: 'start', origin, blobs, ...given } as const;
    const { state } = await begin({ tenant, run }, input);
    return { runId: run, status: state.status, repeated: false };
  }
}

async function again({ bodyHash, started }: Keyed, given: Keys): Promise<Started> {
  if (bodyHash === given.bodyHash) return { ...(await started), repeated: true };
  throw new FermataError(
    'idempotencyConflict',
    `Idempotency-Key "${given.key}" was used with another body. Use a new key for a new request.`,
  );
}
