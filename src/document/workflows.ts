/** The stored documents of a tenant: create, version, list; and the definition that a run executes. */
import canonicalize from 'canonicalize';
import { FermataError } from '../errors.ts';
import type { MaybePromise } from '../store/maybe-promise.ts';
import type { WorkflowFilter, WorkflowRow, WorkflowStore } from '../store/workflows.ts';
import type { Definition } from './definition.ts';
import { withPrompts } from './fork/prompts.ts';
import { wordsOfReference, type WorkflowReference } from './kinds/subworkflow.ts';
import { assertKnownWorkflows, subworkflowsOf } from './known-workflows.ts';
import { parseDocument, parseInline, parseInTurns, type Provenance } from './parse.ts';
import type { WorkflowDocument } from './schema.ts';
import type { LetOthers } from './steps.ts';

/** Definitions kept in memory. One of 100,000 tasks takes about 100 MB, one of ten nothing to speak of. */
const MAX_CACHED_TASKS = 250_000;
/** Characters of a stored document that is checked between other work: below, it takes a few milliseconds. */
const LONG_DOCUMENT = 100_000;

/** A stored workflow, one version of it. */
export interface Workflow {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly tags: readonly string[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The document as it was written. */
  readonly document: WorkflowDocument;
}

/** What the library is made of. */
export interface WorkflowSurroundings {
  readonly store: WorkflowStore;
  readonly tenant: string;
  now(): number;
  newId(): string;
  /** A text as short as it is certain to be that of no other. */
  hash(text: string): string;
  /** No other workflows are there, and what tasks run by name is not looked for. */
  readonly alone?: boolean;
  /** Lets others go first while a long document is checked. */
  readonly letOthers?: LetOthers;
}

const NO_PROMPTS: Readonly<Record<string, string>> = {};
const STORED: Provenance = { stored: true };

/** The documents of one tenant. */
export class Workflows {
  readonly #surroundings: WorkflowSurroundings;
  readonly #definitions = new Map<string, Definition>();
  /** Of prompts, which nobody changes. */
  readonly #hashes = new WeakMap<Readonly<Record<string, string>>, string>();
  #cachedTasks = 0;

  constructor(surroundings: WorkflowSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Checks a document without storing it. Throws `invalidDocument` or `notSupported` with every fault. */
  check(document: unknown): Definition {
    return parseDocument(document);
  }

  /** `check` for a server: other requests are served meanwhile. Rejects as `check` throws. */
  checkInTurns(document: unknown): Promise<Definition> {
    return parseInTurns(document, this.#surroundings.letOthers);
  }

  /**
   * Whether the workflows are there that its tasks run.
   *
   * @param version which one of the workflow it would be
   * @throws FermataError `workflowMissing`; `invalidDocument` where one does not get what it needs
   */
  async assertKnown(definition: Definition, version = 1): Promise<void> {
    if (this.#surroundings.alone === true || subworkflowsOf(definition).length === 0) return;
    await assertKnownWorkflows(
      definition,
      { version },
      {
        lookUp: async (reference) => {
          const found = await this.find(reference);
          return found && this.definition(found.id, found.version);
        },
        names: async () => (await this.list({ limit: 1_000 })).map(({ name }) => name),
      },
    );
  }

  /** The definitions that runs of its named sub-workflows would have now, and of theirs. */
  async below(definition: Definition): Promise<(reference: WorkflowReference) => Definition | undefined> {
    const found = new Map([...(await this.named(definition)), [labelOf({ name: definition.name }), definition]]);
    return (reference) => found.get(labelOf(reference));
  }

  /** The same, by name or NAME@VERSION, each once; those that do not exist are left out. */
  async named(definition: Definition): Promise<ReadonlyMap<string, Definition>> {
    const found = new Map<string, Definition>();
    const waiting = [definition];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const { call } of subworkflowsOf(next)) {
        const { workflow } = call;
        if ('document' in workflow) {
          waiting.push(parseInline(workflow.document));
        } else if (!found.has(labelOf(workflow))) {
          const stored = await this.find(workflow);
          if (stored === undefined) continue;
          const child = await this.definition(stored.id, stored.version);
          found.set(labelOf(workflow), child);
          waiting.push(child);
        }
      }
    }
    return found;
  }

  /** Stores a new workflow. Throws as `check` and `assertKnown` do, and `alreadyExists`. */
  async create(document: unknown): Promise<Workflow> {
    const definition = await parseInTurns(document, this.#surroundings.letOthers);
    await this.assertKnown(definition);
    const { tenant, store, newId } = this.#surroundings;
    const row = this.#row(newId(), 1, definition, document);
    if (!(await store.createWorkflow(row))) {
      const taken = await store.workflowByName(tenant, definition.name);
      throw new FermataError(
        'alreadyExists',
        `A workflow named "${definition.name}" exists${taken === undefined ? '' : ` (id ${taken.id})`}. Use PUT /api/v1/workflows/${taken?.id ?? '{id}'} for a new version of it, or another name.`,
        {
          data: taken === undefined ? {} : { id: taken.id },
        },
      );
    }
    this.#cache(row.id, 1, definition);
    return toWorkflow(row);
  }

  /** Stores a new version; runs in flight keep theirs. Throws as `check` does, `notFound`, `alreadyExists` where two do so at once. */
  async addVersion(id: string, document: unknown): Promise<Workflow> {
    const definition = await parseInTurns(document, this.#surroundings.letOthers);
    const before = await this.get(id);
    await this.assertKnown(definition, before.version + 1);
    const row = { ...this.#row(id, before.version + 1, definition, document), createdAt: before.createdAt };
    if (!(await this.#surroundings.store.addWorkflowVersion(row))) {
      throw new FermataError(
        'alreadyExists',
        `Version ${row.version} of workflow ${id} was stored by somebody else at the same moment. Read it and try again.`,
      );
    }
    this.#cache(id, row.version, definition);
    return toWorkflow(row);
  }

  /** The newest version, or the one named. Throws `notFound`. */
  async get(id: string, version?: number): Promise<Workflow> {
    const row = await this.#surroundings.store.workflow(this.#surroundings.tenant, id, version);
    if (row === undefined)
      throw new FermataError(
        'notFound',
        `No workflow "${id}"${version === undefined ? '' : ` with a version ${version}`} exists. List them with GET /api/v1/workflows.`,
      );
    return toWorkflow(row);
  }

  /** What a task means by it: the newest version of a name, a version, or an inline document, which is kept. */
  async find(reference: WorkflowReference): Promise<Workflow | undefined> {
    if ('document' in reference) return this.keep(reference.document);
    const newest = await this.byName(reference.name);
    if (newest === undefined || reference.version === undefined || reference.version === newest.version) return newest;
    const { store, tenant } = this.#surroundings;
    const row = await store.workflow(tenant, newest.id, reference.version);
    return row && toWorkflow(row);
  }

  /** Keeps a document that has no place in the list, once, under the hash of its text: runs of it name that. */
  async keep(document: Readonly<Record<string, unknown>>): Promise<Workflow> {
    // The text that is the same for every writing of the same value.
    const id = `inline-${this.#surroundings.hash(canonicalize(document) ?? '')}`;
    const known = this.#definitions.get(`${id}@1`);
    const definition = known ?? (await parseInTurns(document, this.#surroundings.letOthers, STORED));
    const row = this.#row(id, 1, definition, document);
    await this.#surroundings.store.keepWorkflow(row);
    this.#cache(id, 1, definition);
    return toWorkflow(row);
  }

  async byName(name: string): Promise<Workflow | undefined> {
    const row = await this.#surroundings.store.workflowByName(this.#surroundings.tenant, name);
    return row && toWorkflow(row);
  }

  async versions(id: string): Promise<readonly Workflow[]> {
    await this.get(id);
    return (await this.#surroundings.store.workflowVersions(this.#surroundings.tenant, id)).map(toWorkflow);
  }

  async list(filter: WorkflowFilter): Promise<readonly Workflow[]> {
    return (await this.#surroundings.store.workflows(this.#surroundings.tenant, filter)).map(toWorkflow);
  }

  /** Hides the workflow; runs in flight go on. Throws `notFound`. */
  async delete(id: string): Promise<void> {
    const { store, tenant, now } = this.#surroundings;
    if (!(await store.deleteWorkflow(tenant, id, now())))
      throw new FermataError('notFound', `No workflow "${id}" exists. List them with GET /api/v1/workflows.`);
  }

  /**
   * The inner form of a version: what a run executes. At once where it is in memory. Throws `databaseCorrupt`.
   *
   * @param prompts of tasks, in place of those that the document has: what a fork executes. Where they do not fit into
   * the document, it throws `invalidDocument`
   */
  definition(
    id: string,
    version: number,
    prompts: Readonly<Record<string, string>> = NO_PROMPTS,
  ): MaybePromise<Definition> {
    const edited = this.#hashOf(prompts);
    const known = this.#definitions.get(`${id}@${version}${edited}`);
    if (known !== undefined) return known;
    const row = this.#surroundings.store.workflow(this.#surroundings.tenant, id, version);
    return row instanceof Promise
      ? row.then((loaded) => this.#parsed(id, version, loaded, prompts, edited))
      : this.#parsed(id, version, row, prompts, edited);
  }

  /** What tells a definition with other prompts from the written one. A fork asks in each of its turns, with the same object. */
  #hashOf(prompts: Readonly<Record<string, string>>): string {
    const known = this.#hashes.get(prompts);
    if (known !== undefined) return known;
    const isEmpty = Object.keys(prompts).length === 0;
    const hash = isEmpty ? '' : `+${this.#surroundings.hash(canonicalize(prompts) ?? '')}`;
    this.#hashes.set(prompts, hash);
    return hash;
  }

  #parsed(
    id: string,
    version: number,
    row: WorkflowRow | undefined,
    prompts: Readonly<Record<string, string>>,
    edited: string,
  ): MaybePromise<Definition> {
    if (row === undefined)
      throw new FermataError(
        'databaseCorrupt',
        `Version ${version} of workflow ${id} is gone from the database, but a run executes it. Restore the database from a backup.`,
      );
    const written: unknown = JSON.parse(row.documentJson);
    const document = edited === '' ? written : withPrompts(written, prompts);
    const cache = (definition: Definition) => this.#cache(id, `${version}${edited}`, definition);
    if (row.documentJson.length <= LONG_DOCUMENT) return cache(parseDocument(document, STORED));
    return parseInTurns(document, this.#surroundings.letOthers, STORED).then(cache);
  }

  /** Keeps what is used most recently; a definition is the same for ever. */
  #cache(id: string, version: number | string, definition: Definition): Definition {
    const key = `${id}@${version}`;
    // Two runs that wake at once may both have read it.
    const known = this.#definitions.get(key);
    if (known !== undefined) return known;
    this.#definitions.set(key, definition);
    this.#cachedTasks += definition.tasks.length;
    for (const [name, oldest] of this.#definitions) {
      if (this.#cachedTasks <= MAX_CACHED_TASKS || oldest === definition) break;
      this.#definitions.delete(name);
      this.#cachedTasks -= oldest.tasks.length;
    }
    return definition;
  }

  #row(id: string, version: number, definition: Definition, document: unknown): WorkflowRow {
    const at = this.#surroundings.now();
    return {
      tenant: this.#surroundings.tenant,
      id,
      name: definition.name,
      version,
      tags: definition.tags,
      createdAt: at,
      updatedAt: at,
      documentJson: JSON.stringify(document),
    };
  }
}

function labelOf(reference: WorkflowReference): string {
  return 'document' in reference ? reference.name : wordsOfReference(reference);
}

function toWorkflow({ id, name, version, tags, createdAt, updatedAt, documentJson }: WorkflowRow): Workflow {
  return { id, name, version, tags, createdAt, updatedAt, document: JSON.parse(documentJson) as WorkflowDocument };
}
