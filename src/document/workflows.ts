/** The stored documents of a tenant: create, version, list; and the definition that a run executes. */
import canonicalize from 'canonicalize';
import { FermataError } from '../errors.ts';
import type { MaybePromise, WorkflowFilter, WorkflowRow, WorkflowStore } from '../store/store.ts';
import type { Definition } from './definition.ts';
import { withPrompts } from './fork/prompts.ts';
import { parseDocument, parseInTurns } from './parse.ts';
import type { WorkflowDocument } from './schema.ts';
import type { Pause } from './steps.ts';

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
  /** Lets others go first while a long document is checked. */
  readonly pause?: Pause;
}

/** The documents of one tenant. */
export class Workflows {
  readonly #surroundings: WorkflowSurroundings;
  readonly #definitions = new Map<string, Definition>();
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
    return parseInTurns(document, this.#surroundings.pause);
  }

  /** Stores a new workflow. Throws as `check` does, and `alreadyExists`. */
  async create(document: unknown): Promise<Workflow> {
    const definition = await parseInTurns(document, this.#surroundings.pause);
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
    const definition = await parseInTurns(document, this.#surroundings.pause);
    const before = await this.get(id);
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
  definition(id: string, version: number, prompts: Readonly<Record<string, string>> = {}): MaybePromise<Definition> {
    const edited = Object.keys(prompts).length === 0 ? '' : `+${canonicalize(prompts)}`;
    const known = this.#definitions.get(`${id}@${version}${edited}`);
    if (known !== undefined) return known;
    const row = this.#surroundings.store.workflow(this.#surroundings.tenant, id, version);
    return row instanceof Promise
      ? row.then((loaded) => this.#parsed(id, version, loaded, prompts, edited))
      : this.#parsed(id, version, row, prompts, edited);
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
    if (row.documentJson.length <= LONG_DOCUMENT) return cache(parseDocument(document));
    return parseInTurns(document, this.#surroundings.pause).then(cache);
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

function toWorkflow({ id, name, version, tags, createdAt, updatedAt, documentJson }: WorkflowRow): Workflow {
  return { id, name, version, tags, createdAt, updatedAt, document: JSON.parse(documentJson) as WorkflowDocument };
}
