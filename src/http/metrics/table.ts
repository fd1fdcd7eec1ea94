/**
 * Every metric, once: `docs/operations.md` has the same table, and a test compares them.
 *
 * Names and units are Prometheus' own: base units, `_total` for what only grows. Labels have few values, none of which a client
 * can make up: no run, task, tag, tenant or prompt, and of models no more than `model-names.ts` lets through.
 */

/** What a metric is. */
interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** Of a histogram, ascending, without the last one, which is infinite. */
  readonly buckets?: readonly number[];
}

/** From 100 µs, a small commit on a fast disk, to what a person notices. */
const OF_COMMITS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const OF_REQUESTS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const OF_DELAYS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const OF_TIMERS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300, 3_600];
/** As OpenTelemetry has them for `gen_ai.client.operation.duration`, with one more at the end. */
const OF_MODEL_CALLS = [0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84];

/** The metrics by their names. */
export const METRICS = {
  // is it up, and can it write?
  fermata_build_info: {
    type: 'gauge',
    labels: ['version', 'node', 'demo'],
    help: 'Always 1. In a demo, answers of models are scripted and what they cost was paid by nobody',
  },
  fermata_ready: {
    type: 'gauge',
    labels: [],
    help: '1 where /readyz says 200; 0 where the database cannot be written',
  },
  fermata_commits_failing_seconds: {
    type: 'gauge',
    labels: [],
    help: 'For how long commits have been failing that are tried again; 0: none is',
  },
  fermata_commit_duration_seconds: {
    type: 'histogram',
    labels: [],
    help: 'Commits that succeeded, with their sync to disk; nothing else happens meanwhile',
    buckets: OF_COMMITS,
  },
  fermata_commit_failures_total: {
    type: 'counter',
    labels: ['outcome'],
    help: 'Commits that failed. unchanged: nothing was written, and it is tried again; unknown: nobody knows, and the process stops',
  },
  fermata_journal_entries_total: {
    type: 'counter',
    labels: [],
    help: 'Events taken and facts stated, committed: how much is going on',
  },
  // runs
  fermata_runs: {
    type: 'gauge',
    labels: ['status'],
    help: 'Runs in the database. Each shared budget is one that waits',
  },
  fermata_runs_blocked: {
    type: 'gauge',
    labels: ['reason'],
    help: 'Open runs that cannot go on in this process, or wait for a call that cannot be made in it, by the code that says why',
  },
  fermata_runs_started_total: { type: 'counter', labels: [], help: 'Runs that began' },
  fermata_runs_ended_total: { type: 'counter', labels: ['status'], help: 'Runs that ended, and how' },
  fermata_runs_resident: { type: 'gauge', labels: [], help: 'Runs in memory: those that have something to do now' },
  fermata_effects_in_flight: {
    type: 'gauge',
    labels: [],
    help: 'Calls under way (models, functions, runs that are waited for), and those that wait for a place',
  },
  // tasks
  fermata_tasks_ended_total: { type: 'counter', labels: ['status'], help: 'Tasks that ended, and how' },
  fermata_task_failures_total: {
    type: 'counter',
    labels: ['reason', 'then'],
    help: 'Attempts that failed, by the code that says why. then is retried, or ended for the last one',
  },
  fermata_calls_in_doubt_total: {
    type: 'counter',
    labels: ['policy'],
    help: 'Calls that a stop of the process had cut off, and what is done about them',
  },
  fermata_approvals_pending: { type: 'gauge', labels: [], help: 'Approvals that nobody has decided on' },
  fermata_approvals_oldest_seconds: {
    type: 'gauge',
    labels: [],
    help: 'How long the oldest of them has been waiting; 0: there is none',
  },
  // time
  fermata_timer_lateness_seconds: {
    type: 'histogram',
    labels: [],
    help: 'From when a wake-up was due (a wait, a back-off, a deadline) to the commit of what it set going',
    buckets: OF_TIMERS,
  },
  fermata_event_loop_delay_seconds: {
    type: 'histogram',
    labels: [],
    help: 'How long what is due waits for the event loop, looked at ten times a second from the first scrape on',
    buckets: OF_DELAYS,
  },
  // models
  fermata_model_calls_total: {
    type: 'counter',
    labels: ['provider', 'model', 'operation', 'outcome'],
    help: 'Calls of models that came to an end: ok, or the code of the error. cancelled is also what ran into its timeout',
  },
  fermata_model_call_duration_seconds: {
    type: 'histogram',
    labels: ['provider', 'model', 'operation'],
    help: 'From the request to the last piece of the answer, or to the error',
    buckets: OF_MODEL_CALLS,
  },
  fermata_model_tokens_total: {
    type: 'counter',
    labels: ['provider', 'model', 'kind'],
    help: 'Tokens as providers counted them. No token is of two kinds',
  },
  fermata_model_cost_nanodollars_total: {
    type: 'counter',
    labels: ['provider', 'model'],
    help: 'What requests cost, in billionths of a US dollar, as the ledger has it',
  },
  fermata_model_requests_unpriced_total: {
    type: 'counter',
    labels: ['provider', 'model'],
    help: 'Requests whose cost nobody knows: cut off, not counted by the provider, or of a model without a price',
  },
  // the cache of answers
  fermata_cache_hits_total: {
    type: 'counter',
    labels: ['match'],
    help: 'Answers that served again: to the same question, in_flight to one that was just being asked, or to a similar one',
  },
  fermata_cache_misses_total: { type: 'counter', labels: [], help: 'Questions that no answer was kept for' },
  fermata_cache_saved_nanodollars_total: {
    type: 'counter',
    labels: [],
    help: 'What the answers that served again had cost, in billionths of a US dollar, as far as that is known',
  },
  // requests
  fermata_http_requests_total: {
    type: 'counter',
    labels: ['method', 'route', 'status'],
    help: 'Requests that were answered, by the pattern of their route; none: there is no such route',
  },
  fermata_http_request_duration_seconds: {
    type: 'histogram',
    labels: ['method', 'route'],
    help: 'Until the answer began: a stream has then still to be sent',
    buckets: OF_REQUESTS,
  },
  // the process, under the names that every dashboard of a Node process knows
  process_cpu_seconds_total: { type: 'counter', labels: [], help: 'Time of processors that the process has used' },
  process_start_time_seconds: { type: 'gauge', labels: [], help: 'When the process began, in seconds since 1970' },
  process_resident_memory_bytes: { type: 'gauge', labels: [], help: 'Memory that the process holds' },
  process_open_fds: { type: 'gauge', labels: [], help: 'Files and sockets that are open; only on Linux' },
  nodejs_heap_size_used_bytes: { type: 'gauge', labels: [], help: 'Heap in use' },
  nodejs_heap_size_total_bytes: { type: 'gauge', labels: [], help: 'Heap as it stands' },
  nodejs_external_memory_bytes: { type: 'gauge', labels: [], help: 'Memory beside the heap, of buffers and the like' },
} as const satisfies Readonly<Record<string, MetricSpec>>;

type Metrics = typeof METRICS;

/** Names of the metrics of one type. */
export type NameOf<Type extends MetricSpec['type']> = {
  [Name in keyof Metrics]: Metrics[Name]['type'] extends Type ? Name : never;
}[keyof Metrics];

/** The labels of a metric. */
export type LabelsOf<Name extends keyof Metrics> = Metrics[Name]['labels'][number];
