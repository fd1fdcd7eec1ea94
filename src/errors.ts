/**
 * Every error that Fermata reports, in one table. `code` is stable; `status` is the HTTP status it becomes;
 * `retry` says what a caller may do next: `never` (the request is wrong), `backoff` (try again later), `after` (try
 * again after the time the error names). The HTTP layer, the retry policy of tasks and `docs/errors.md` are read
 * from this table.
 */
export const ERROR_CODES = {
  // the request
  malformedJson: { status: 400, retry: 'never', title: 'The body is not JSON' },
  invalidRequest: { status: 400, retry: 'never', title: 'The request is malformed' },
  nulCharacter: { status: 400, retry: 'never', title: 'A text holds a NUL character' },
  unauthorized: { status: 401, retry: 'never', title: 'Authentication is required' },
  forbidden: { status: 403, retry: 'never', title: 'Not allowed' },
  notFound: { status: 404, retry: 'never', title: 'Not found' },
  routeNotFound: { status: 404, retry: 'never', title: 'No such route' },
  methodNotAllowed: { status: 405, retry: 'never', title: 'Method not allowed' },
  bodyTooLarge: { status: 413, retry: 'never', title: 'The body is too large' },
  unsupportedMediaType: { status: 415, retry: 'never', title: 'Unsupported content type' },
  invalidDocument: { status: 422, retry: 'never', title: 'The workflow document is invalid' },
  invalidInput: { status: 422, retry: 'never', title: "The run's input is invalid" },
  notSupported: { status: 422, retry: 'never', title: 'Not supported yet' },
  // state
  alreadyExists: { status: 409, retry: 'never', title: 'The name is taken' },
  idempotencyConflict: { status: 409, retry: 'never', title: 'Idempotency-Key was used with another body' },
  eventNotAccepted: { status: 409, retry: 'never', title: 'The machine does not accept this event now' },
  tooManyEvents: { status: 409, retry: 'never', title: 'Too many events were kept for later' },
  runEnded: { status: 409, retry: 'never', title: 'The run has ended' },
  runNotEnded: { status: 409, retry: 'never', title: 'The run has not ended' },
  runHasForks: { status: 409, retry: 'never', title: 'A fork of the run still reads from it' },
  taskSettled: { status: 409, retry: 'never', title: 'The task is settled' },
  notAwaitingApproval: { status: 409, retry: 'never', title: 'The task awaits no approval' },
  alreadyDecided: { status: 409, retry: 'never', title: 'The approval is already decided' },
  wrongState: { status: 409, retry: 'never', title: 'Not possible in this state' },
  quarantined: { status: 409, retry: 'never', title: 'The run has brought the process down' },
  machineMissing: { status: 409, retry: 'never', title: 'A machine that the run needs is not registered' },
  // the process
  storeUnavailable: { status: 503, retry: 'backoff', title: 'The database cannot be written now' },
  outcomeUnknown: { status: 503, retry: 'backoff', title: 'It is unknown whether the commit succeeded' },
  shuttingDown: { status: 503, retry: 'after', title: 'The server is stopping' },
  databaseInUse: { status: 503, retry: 'backoff', title: 'Another process owns the database file' },
  databaseNewer: { status: 503, retry: 'never', title: 'The database was written by a newer version' },
  databaseCorrupt: { status: 503, retry: 'never', title: 'A row of the database cannot be read' },
  internal: { status: 500, retry: 'never', title: 'Internal error' },
  // machines
  invalidMachine: { status: 422, retry: 'never', title: 'The machine cannot be made durable' },
  machineChanged: { status: 409, retry: 'never', title: 'A machine changed under the same name@version' },
  inlineActor: { status: 422, retry: 'never', title: 'Actors are referred to by name only' },
  spawnInAssign: { status: 422, retry: 'never', title: 'spawn() inside assign is not durable' },
  notSerializable: { status: 422, retry: 'never', title: 'A value cannot be stored' },
  migrationRefused: { status: 409, retry: 'never', title: 'A run cannot be moved to another version of its machine' },
  endlessLoop: { status: 500, retry: 'never', title: 'The machine never comes to rest' },
  actorFailed: { status: 500, retry: 'never', title: 'An actor failed' },
  snapshotOfReference: { status: 422, retry: 'never', title: 'Another actor cannot be looked into during a turn' },
  // tasks
  providerMissing: { status: 422, retry: 'never', title: 'No model provider is configured' },
  scriptedRun: { status: 409, retry: 'never', title: 'A run that began with scripted models asks no real one' },
  unscriptedRun: { status: 409, retry: 'never', title: 'A run that began with real models takes no scripted answer' },
  modelRefused: { status: 502, retry: 'never', title: 'The model provider refused the call' },
  modelUnavailable: { status: 502, retry: 'backoff', title: 'The model provider failed' },
  modelRateLimited: { status: 502, retry: 'after', title: 'The model provider limits the rate' },
  modelCut: { status: 502, retry: 'backoff', title: 'The answer of the model was cut off' },
  invalidAnswer: { status: 502, retry: 'never', title: 'The answer of the model breaks its schema' },
  tierMissing: { status: 422, retry: 'never', title: 'A task names a tier of models that is not configured' },
  priceUnknown: { status: 422, retry: 'never', title: 'Nobody knows what a model costs' },
  budgetTooSmall: { status: 402, retry: 'never', title: 'The budget is smaller than the expected cost' },
  budgetExceeded: { status: 402, retry: 'never', title: 'The budget of the run is used up' },
  overcharge: { status: 502, retry: 'never', title: 'A provider took more than a call could cost' },
  taskTimedOut: { status: 504, retry: 'backoff', title: 'The attempt took too long' },
  waitTimedOut: { status: 504, retry: 'never', title: 'What a task waited for did not come in time' },
  runTimedOut: { status: 504, retry: 'never', title: 'The run took too long' },
  codeFailed: { status: 500, retry: 'backoff', title: 'A code task threw' },
  codeRefused: { status: 500, retry: 'never', title: 'A code task failed for good' },
  invalidArgument: { status: 422, retry: 'never', title: 'A task gives a function wrong arguments' },
  functionNotDeterministic: { status: 500, retry: 'never', title: 'A repeated function asks something else' },
  sharedConflict: { status: 409, retry: 'backoff', title: 'Another task was faster to write a shared value' },
  functionMissing: { status: 422, retry: 'never', title: 'A task names a function that is not registered' },
  promptFailed: { status: 422, retry: 'never', title: 'A prompt could not be rendered' },
  expressionFailed: { status: 422, retry: 'never', title: 'An expression could not be evaluated' },
  workflowMissing: { status: 422, retry: 'never', title: 'A task runs a workflow that does not exist' },
  childRunFailed: { status: 500, retry: 'backoff', title: 'The run that a task waited for failed' },
  childRunCancelled: { status: 409, retry: 'never', title: 'The run that a task waited for was cancelled' },
  tooDeep: { status: 422, retry: 'never', title: 'Workflows run each other too deep' },
  itemFailed: { status: 500, retry: 'never', title: 'An item of a map failed, or was cancelled' },
  roundFailed: { status: 500, retry: 'never', title: 'A plan, a reflection or an answer failed' },
  tooManyTasks: { status: 422, retry: 'never', title: 'A task adds more tasks than it may' },
  effectInDoubt: { status: 500, retry: 'never', title: 'A call was cut off by a crash' },
  originMissing: { status: 500, retry: 'never', title: 'The run that a fork comes from is gone' },
  taskFailed: { status: 500, retry: 'never', title: 'A task failed' },
  taskRejected: { status: 409, retry: 'never', title: 'An approval was refused' },
  approvalExpired: { status: 409, retry: 'never', title: 'An approval was not given in time' },
  cancelled: { status: 409, retry: 'never', title: 'Cancelled' },
  // simulations
  simulationStuck: { status: 500, retry: 'never', title: 'Nothing is left to happen in a simulated world' },
  simulationFailed: { status: 500, retry: 'never', title: 'A simulated world broke a promise' },
  // the command line and the configuration
  invalidConfig: { status: 500, retry: 'never', title: 'The configuration is invalid' },
  insecureAddress: { status: 500, retry: 'never', title: 'Refused to listen without authentication' },
} as const satisfies Record<string, { status: number; retry: 'never' | 'backoff' | 'after'; title: string }>;

/** A stable error code; see `ERROR_CODES`. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** One fault of many, with the place it was found at: `tasks[2].prompt`. */
export interface Fault {
  path: string;
  message: string;
}

/** Optional parts of a `FermataError`. */
export interface ErrorDetails {
  /** Every fault found, each with its path. */
  faults?: readonly Fault[];
  /** What is legal instead, and other data for programs. JSON values only. */
  data?: Readonly<Record<string, unknown>>;
  /** Milliseconds to wait before trying again (`retry: 'after'`). */
  retryAfterMs?: number;
  cause?: unknown;
}

/**
 * The one error class. The message finishes the reader's sentence: what was expected, what came, where, what to do.
 *
 * @example
 * throw new FermataError('notFound', 'No run "01J…" exists. List the runs with GET /api/v1/runs.')
 */
export class FermataError extends Error {
  override readonly name = 'FermataError';
  readonly code: ErrorCode;
  readonly faults: readonly Fault[] | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.faults = details.faults;
    this.data = details.data;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** The HTTP status of this error's code. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /** What a caller may do next. */
  get retry(): 'never' | 'backoff' | 'after' {
    return ERROR_CODES[this.code].retry;
  }
}

/** An error as data: what journals, facts, results and problem documents carry. */
export interface ErrorData {
  code: string;
  message: string;
  retry?: 'never' | 'backoff' | 'after';
  retryAfterMs?: number;
  data?: Readonly<Record<string, unknown>>;
}

/** Turns anything thrown into data, without its stack. */
export function toErrorData(thrown: unknown, fallback: ErrorCode = 'internal'): ErrorData {
  if (thrown instanceof FermataError) {
    return {
      code: thrown.code,
      message: thrown.message,
      retry: thrown.retry,
      ...(thrown.retryAfterMs === undefined ? {} : { retryAfterMs: thrown.retryAfterMs }),
      ...(thrown.data === undefined ? {} : { data: thrown.data }),
    };
  }
  const message =
    thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : JSON.stringify(thrown);
  return { code: fallback, message: message ?? String(thrown), retry: ERROR_CODES[fallback].retry };
}
