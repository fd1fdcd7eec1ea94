/** The typed client of the HTTP API. Runs wherever there is `fetch`: Node, browsers, workers. */
import { hc, type InferRequestType, type InferResponseType } from 'hono/client';
import type {
  ApprovalApi,
  BudgetApi,
  CacheApi,
  CostApi,
  EstimateApi,
  ExecutionApi,
  ForkApi,
  InspectingApi,
  ManyRunsApi,
  MachineApi,
  PlanExecuteApi,
  RunApi,
  SharedValueApi,
  SteeringApi,
  TaskApi,
  WorkflowApi,
} from '../http/api.ts';
import type { WorkflowDocument } from '../document/schema.ts';
import { FermataClientError, succeeded, unreachable, wholeBody } from './error.ts';
import { resumingStream, type EtaEvent, type FactEvent, type StreamEvent, type StreamRequest } from './stream.ts';
import { wait } from './wait.ts';

/** How a client is made. */
export interface ClientOptions {
  /** `http://127.0.0.1:3000`. In a browser the origin of the page is `''`. */
  readonly baseUrl: string;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Sent with every request, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Waits before a stream connects again; default: a timer. */
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** What a typed call of `hc` gives: a response whose JSON is known. */
interface Typed<Body> {
  json(): Promise<Body>;
}

/**
 * A client. Every call throws `FermataClientError` with the server's code and every fault.
 *
 * @example
 * const fermata = createClient({ baseUrl: 'http://127.0.0.1:3000' })
 * const { runId } = await fermata.execute(id, { input: { topic: 'tea' } })
 * for await (const { event, data } of fermata.stream(runId)) console.log(event, data)
 */
export function createClient(options: ClientOptions) {
  const { baseUrl, headers = {} } = options;
  const api = `${baseUrl.replace(/\/$/, '')}/api/v1`;
  const send: typeof fetch = async (input, init) => {
    try {
      return await (options.fetch ?? globalThis.fetch)(input, init);
    } catch (thrown) {
      if (init?.signal?.aborted === true) throw thrown;
      throw unreachable(baseUrl, thrown);
    }
  };
  const typed = { fetch: send, headers: { ...headers } };
  const workflows = hc<WorkflowApi>(api, typed).workflows;
  const goals = hc<PlanExecuteApi>(api, typed).workflows['plan-execute'];
  const estimates = hc<EstimateApi>(api, typed).workflows[':id'];
  const executions = hc<ExecutionApi>(api, typed).workflows[':id'];
  const forks = hc<ForkApi>(api, typed).runs[':id'];
  const runs = hc<RunApi>(api, typed).runs;
  const many = hc<ManyRunsApi>(api, typed).runs;
  const run = runs[':id'];
  const { shared } = hc<SharedValueApi>(api, typed).runs[':id'];
  const inside = hc<InspectingApi>(api, typed).runs[':id'];
  const steer = hc<SteeringApi>(api, typed).runs[':id'];
  const task = hc<TaskApi>(api, typed).runs[':id'].tasks[':task'];
  const machines = hc<MachineApi>(api, typed).machines;
  const { approvals } = hc<ApprovalApi>(api, typed);
  const { costs } = hc<CostApi>(api, typed);
  const { budgets } = hc<BudgetApi>(api, typed);
  const { cache } = hc<CacheApi>(api, typed);
  const { calls } = hc<CostApi>(api, typed).runs[':id'];

  const open =
    (path: string) =>
    (lastEventId: string | undefined, signal: AbortSignal | undefined): Promise<Response> =>
      send(`${api}${path}`, {
        headers: {
          ...headers,
          accept: 'text/event-stream',
          ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
        },
        ...(signal === undefined ? {} : { signal }),
      });
  const streamOf = (path: string, request: StreamRequest): AsyncGenerator<StreamEvent, void> =>
    resumingStream({ open: open(path), wait: options.wait ?? wait }, request);

  return {
    /** Creates a workflow from a document, or from its text in JSON or YAML. */
    createWorkflow: async (document: WorkflowDocument | string) =>
      (await result<Workflow | Valid>(() => workflows.$post({ query: {} }, documentBody(document)))) as Workflow,
    /** A new version of a workflow. */
    updateWorkflow: async (id: string, document: WorkflowDocument | string) =>
      (await result<Workflow | Valid>(() =>
        workflows[':id'].$put({ param: { id: safe(id) }, query: {} }, documentBody(document)),
      )) as Workflow,
    /** Checks a document and stores nothing. */
    validate: async (document: WorkflowDocument | string) =>
      (await result<Workflow | Valid>(() =>
        workflows.$post({ query: { validate: 'only' } }, documentBody(document)),
      )) as Valid,
    workflows: (query: InferRequestType<typeof workflows.$get>['query'] = {}) =>
      result(() => workflows.$get({ query })),
    workflow: (id: string, version?: number) =>
      result(() =>
        workflows[':id'].$get({
          param: { id: safe(id) },
          query: version === undefined ? {} : { version: String(version) },
        }),
      ),
    versions: (id: string, query: InferRequestType<(typeof workflows)[':id']['versions']['$get']>['query'] = {}) =>
      result(() => workflows[':id'].versions.$get({ param: { id: safe(id) }, query })),
    graph: (id: string) => result(() => workflows[':id'].graph.$get({ param: { id: safe(id) } })),
    deleteWorkflow: (id: string) => nothing(() => workflows[':id'].$delete({ param: { id: safe(id) } })),
    /** What a run would cost; nothing is stored, and no model asked. */
    estimate: (id: string, request: InferRequestType<(typeof estimates)['estimate-cost']['$post']>['json'] = {}) =>
      result(() => estimates['estimate-cost'].$post({ param: { id: safe(id) }, json: request })),
    /** What a run would do: stages, times, approvals, money; nothing is stored, and no model asked. */
    dryRun: (id: string, request: InferRequestType<(typeof estimates)['dry-run']['$post']>['json'] = {}) =>
      result(() => estimates['dry-run'].$post({ param: { id: safe(id) }, json: request })),
    /** Starts a run. The same `idempotencyKey` and request again gives the same run. */
    execute: (
      id: string,
      request: InferRequestType<typeof executions.execute.$post>['json'] = {},
      idempotencyKey?: string,
    ) =>
      result(() =>
        executions.execute.$post({ param: { id: safe(id) }, header: keyHeader(idempotencyKey), json: request }),
      ),
    /** Starts a run that plans, does and judges what a goal needs, and answers it. */
    planExecute: (request: InferRequestType<typeof goals.$post>['json'], idempotencyKey?: string) =>
      result(() => goals.$post({ header: keyHeader(idempotencyKey), json: request })),
    /** Starts a run that takes over what another one has found up to a point: `{ fromTask }` or `{ atSeq }`, with `edits`. */
    fork: (id: string, request: InferRequestType<typeof forks.fork.$post>['json'], idempotencyKey?: string) =>
      result(() => forks.fork.$post({ param: { id: safe(id) }, header: keyHeader(idempotencyKey), json: request })),
    /** Starts a run that tries again what did not succeed in another one. */
    retry: (id: string, idempotencyKey?: string, request: InferRequestType<typeof forks.retry.$post>['json'] = {}) =>
      result(() => forks.retry.$post({ param: { id: safe(id) }, header: keyHeader(idempotencyKey), json: request })),
    /** Tries many runs again: `{ ids }`, or the failed ones that `{ filter }` finds. Says of each what became of it. */
    retryRuns: (request: InferRequestType<typeof many.retry.$post>['json'], idempotencyKey?: string) =>
      result(() => many.retry.$post({ header: keyHeader(idempotencyKey), json: request })),
    /** Cancels many runs: `{ ids }`, or those that `{ filter }` finds. Says of each what became of it. */
    cancelRuns: (request: InferRequestType<typeof many.cancel.$post>['json']) =>
      result(() => many.cancel.$post({ json: request })),

    runs: (query: InferRequestType<typeof runs.$get>['query'] = {}) => result(() => runs.$get({ query })),
    run: (id: string) => result(() => run.$get({ param: { id: safe(id) } })),
    status: (id: string) => result(() => run.status.$get({ param: { id: safe(id) } })),
    results: (id: string, query: InferRequestType<typeof run.results.$get>['query'] = {}) =>
      result(() => run.results.$get({ param: { id: safe(id) }, query })),
    /** What models cost: a page of sums of the ledger. */
    costs: (query: InferRequestType<typeof costs.$get>['query'] = {}) => result(() => costs.$get({ query })),
    /** Budgets of several runs: those of the configuration, or all of a kind. */
    budgets: (query: InferRequestType<typeof budgets.$get>['query'] = {}) => result(() => budgets.$get({ query })),
    /** One of them, with who holds what. */
    budget: (id: string) => result(() => budgets[':id'].$get({ param: { id: safe(id) } })),
    /** What the cache of answers did, and how big it is. */
    cache: (query: InferRequestType<typeof cache.$get>['query'] = {}) => result(() => cache.$get({ query })),
    /** The answers that serve now. */
    cachedAnswers: (query: InferRequestType<typeof cache.answers.$get>['query'] = {}) =>
      result(() => cache.answers.$get({ query })),
    /** Forgets answers. */
    forgetAnswers: (request: InferRequestType<typeof cache.forget.$post>['json']) =>
      result(() => cache.forget.$post({ json: request })),
    /** The requests of a run to models. */
    calls: (id: string, query: InferRequestType<typeof calls.$get>['query'] = {}) =>
      result(() => calls.$get({ param: { id: safe(id) }, query })),
    /** What the tasks of a run share. */
    shared: (id: string, query: InferRequestType<typeof shared.$get>['query'] = {}) =>
      result(() => shared.$get({ param: { id: safe(id) }, query })),
    journal: (id: string, query: InferRequestType<typeof inside.journal.$get>['query'] = {}) =>
      result(() => inside.journal.$get({ param: { id: safe(id) }, query })),
    /** An actor in XState's own persisted form. */
    snapshot: (id: string, query: InferRequestType<typeof inside.snapshot.$get>['query'] = {}) =>
      result(() => inside.snapshot.$get({ param: { id: safe(id) }, query })),
    /** What a run executes, as a graph: of a fork, with its edits. */
    runGraph: (id: string) => result(() => run.graph.$get({ param: { id: safe(id) } })),
    why: (id: string) => result(() => inside.why.$get({ param: { id: safe(id) } })),
    cancel: (id: string, reason?: string) =>
      result(() => steer.cancel.$post({ param: { id: safe(id) }, json: because(reason) })),
    pause: (id: string) => result(() => steer.pause.$post({ param: { id: safe(id) }, json: {} })),
    resume: (id: string) => result(() => steer.resume.$post({ param: { id: safe(id) }, json: {} })),
    /** An event from outside; with `id` it is taken once. */
    send: (id: string, event: InferRequestType<typeof steer.events.$post>['json']) =>
      result(() => steer.events.$post({ param: { id: safe(id) }, json: event })),
    deleteRun: (id: string) => nothing(() => run.$delete({ param: { id: safe(id) } })),
    /** Decides on a task that awaits approval. */
    approve: (id: string, name: string, decision: InferRequestType<typeof task.approve.$post>['json']) =>
      result(() => task.approve.$post({ param: { id: safe(id), task: safe(name) }, json: decision })),
    cancelTask: (id: string, name: string, reason?: string) =>
      result(() => task.cancel.$post({ param: { id: safe(id), task: safe(name) }, json: because(reason) })),
    /** Tries a task again: in its run where it is in doubt, in a new one where it has come to nothing. Gives that run. */
    retryTask: (
      id: string,
      name: string,
      idempotencyKey?: string,
      request: InferRequestType<typeof task.retry.$post>['json'] = {},
    ) =>
      result(() =>
        task.retry.$post({
          param: { id: safe(id), task: safe(name) },
          header: keyHeader(idempotencyKey),
          json: request,
        }),
      ),
    approvals: (query: InferRequestType<typeof approvals.$get>['query'] = {}) =>
      result(() => approvals.$get({ query })),
    machines: (query: InferRequestType<typeof machines.$get>['query'] = {}) => result(() => machines.$get({ query })),
    startMachine: (
      name: string,
      request: InferRequestType<(typeof machines)[':name']['runs']['$post']>['json'] = {},
      idempotencyKey?: string,
    ) =>
      result(() =>
        machines[':name'].runs.$post({ param: { name: safe(name) }, header: keyHeader(idempotencyKey), json: request }),
      ),

    /** Facts and text of a run, from the beginning or behind `after`, until it has ended. Connects again by itself. */
    async *stream(id: string, request: StreamRequest = {}): AsyncGenerator<StreamEvent, void> {
      yield* streamOf(`/runs/${safe(id)}/stream`, request);
    },
    /** The same, and in between when the run will have ended. */
    async *streamWithEta(id: string, request: StreamRequest = {}): AsyncGenerator<StreamEvent | EtaEvent, void> {
      yield* streamOf(`/runs/${safe(id)}/stream?eta=true`, request);
    },
    /** Facts and text of all runs, until the signal aborts. */
    streamAll: (request: StreamRequest & { readonly signal: AbortSignal }) => streamOf('/stream', request),
  };
}

/** A client. */
export type FermataClient = ReturnType<typeof createClient>;

type Created = InferResponseType<ReturnType<typeof hc<WorkflowApi>>['workflows']['$post'], 201>;
/** A stored workflow with its document. */
export type Workflow = Created;
/** The answer to a document that was only checked. */
export type Valid = InferResponseType<ReturnType<typeof hc<WorkflowApi>>['workflows']['$post'], 200>;
/** A run in full. */
export type Run = Awaited<ReturnType<FermataClient['run']>>;
/** Results of a run. */
export type RunResults = Awaited<ReturnType<FermataClient['results']>>;
/** A task of a run. */
export type Task = RunResults['tasks'][number];
/** An approval that is asked for, or was decided. */
export type Approval = Awaited<ReturnType<FermataClient['approvals']>>['items'][number];

/** A call is made in here, so that whatever is wrong with it rejects. */
async function result<Body>(call: () => Promise<Typed<Body>>): Promise<Body> {
  return JSON.parse(await wholeBody(await succeeded((await call()) as unknown as Response))) as Body;
}

async function nothing(call: () => Promise<unknown>): Promise<void> {
  await succeeded((await call()) as Response);
}

function documentBody(document: WorkflowDocument | string): { readonly init: RequestInit } {
  const isText = typeof document === 'string';
  return {
    init: {
      body: isText ? document : JSON.stringify(document),
      headers: { 'content-type': isText ? 'application/yaml' : 'application/json' },
    },
  };
}

/** `hc` puts names into paths as they are. */
function safe(segment: string): string {
  // However they are written, every reader of URLs folds them away, and the request would be about something else.
  if (segment === '' || segment === '.' || segment === '..')
    throw new FermataClientError(
      {
        code: 'invalidRequest',
        detail: `Expected a name or id that can stand in a URL, came ${JSON.stringify(segment)}.`,
      },
      0,
    );
  return encodeURIComponent(segment);
}

function because(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

function keyHeader(key: string | undefined): { 'idempotency-key'?: string } {
  if (key === undefined) return {};
  // `fetch` would throw an error that is not ours, about bytes.
  if (!/^[\x20-\x7e\xa0-\xff]*$/.test(key))
    throw new FermataClientError(
      {
        code: 'invalidRequest',
        detail: `Expected an Idempotency-Key that can stand in a header (printable characters of Latin-1), came ${JSON.stringify(key)}.`,
      },
      0,
    );
  return { 'idempotency-key': key };
}

export { FermataClientError };
export type { DeltaEvent } from './stream.ts';
export type { EtaEvent, FactEvent, StreamEvent, StreamRequest };
