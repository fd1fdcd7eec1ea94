/**
 * A Fermata in the test's own process, on a file that outlives it: closed, crashed and opened again, with the clock, the
 * store and the functions that a test wants. For troubles that need no dead process.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { CodeFunctions } from '../../actors/code-function.ts';
import { compose, type Fermata, type FermataOptions } from '../../src/compose.ts';
import { execute } from '../../src/document/execute.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { FermataError } from '../../src/errors.ts';
import type { Receipt } from '../../src/runtime/input.ts';
import type { RunView } from '../../src/runtime/runtime.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import { sqliteStore, type SqliteOptions } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { folderInMemory } from '../harness/database.ts';

/** How it is opened. */
export interface EmbeddedOptions extends Pick<FermataOptions, 'clock' | 'onFatal' | 'crashPoint'>, SqliteOptions {
  readonly functions?: CodeFunctions;
  /** Where the model is; default: none. */
  readonly model?: string;
  /** Puts something between the runtime and the store. */
  readonly wrap?: (store: Store) => Store;
}

/** A file, and the Fermata that is open on it. */
export class Embedded {
  readonly file: string;
  /** What the runtime logged. */
  readonly logged: string[] = [];
  #options: EmbeddedOptions;
  #store: Store | undefined;
  #fermata: Fermata | undefined;

  constructor(file: string, options: EmbeddedOptions) {
    this.file = file;
    this.#options = options;
  }

  get fermata(): Fermata {
    if (this.#fermata === undefined)
      throw new FermataError('storeUnavailable', 'Nothing is open on the file now. Call open() first.');
    return this.#fermata;
  }

  /** Opens, with other options where they are given. */
  async open(changed: EmbeddedOptions = {}): Promise<void> {
    this.#options = { ...this.#options, ...changed };
    const { functions = {}, model, wrap = (store: Store) => store, maxPages, ...rest } = this.#options;
    const store = sqliteStore(this.file, maxPages === undefined ? {} : { maxPages });
    this.#fermata = await compose({
      ...rest,
      store: wrap(store),
      config: { functions },
      environment: model === undefined ? {} : { OPENAI_API_KEY: 'scripted', OPENAI_BASE_URL: model },
      log: (message, fields) => this.logged.push(`${message} ${JSON.stringify(fields)}`),
    });
    this.#store = store;
  }

  /** Stops as a server does at the end of its process. */
  async close(): Promise<void> {
    await this.#fermata?.close();
    this.#fermata = undefined;
  }

  /** The store is gone under the runtime, which gets no chance to do or say anything more: a kill, without a process. */
  async crash(): Promise<void> {
    await this.#store?.close();
    this.#fermata = undefined;
  }

  /** Stores the document and starts a run of it; its id. */
  async run(document: WorkflowDocument, input: unknown = {}): Promise<string> {
    const { runtime, workflows } = this.fermata;
    const workflow = (await workflows.byName(document.name)) ?? (await workflows.create(document));
    return (await execute(runtime, workflow, await workflows.definition(workflow.id, workflow.version), { input }))
      .runId;
  }

  /** Sends to the actor of a task. */
  task(run: string, task: string, event: { readonly type: string; readonly [key: string]: unknown }): Promise<Receipt> {
    return this.fermata.runtime.control(run, childAddress('/', task), event);
  }

  approve(run: string, task: string): Promise<Receipt> {
    return this.task(run, task, { type: 'fermata.approve', decision: { approved: true } });
  }

  /** Waits until the run has ended. */
  ended(run: string): Promise<RunView> {
    return this.fermata.runtime.waitFor(run);
  }

  /** `task status` of every task that has a row, in document order. */
  async statuses(run: string): Promise<readonly string[]> {
    return (await this.fermata.runtime.tasks(run, { limit: 1_000 })).map(({ name, status }) => `${name} ${status}`);
  }

  /** The facts of a run in the order of its journal; `type` only, or those of one type whole. */
  async facts(
    run: string,
    type?: string,
  ): Promise<readonly { readonly type: string; readonly at: number; readonly data: unknown }[]> {
    const facts = await this.fermata.runtime.journal(run, { limit: 10_000, kind: 'fact' });
    return facts.filter((fact) => type === undefined || fact.type === type);
  }
}

/** Opens one for the running test. */
export async function openEmbedded(options: EmbeddedOptions = {}): Promise<Embedded> {
  const folder = folderInMemory();
  const embedded = new Embedded(join(folder, 'fermata.db'), options);
  onTestFinished(async () => {
    await embedded.close();
    rmSync(folder, { recursive: true });
  });
  await embedded.open();
  return embedded;
}
