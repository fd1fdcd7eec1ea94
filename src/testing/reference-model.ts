/**
 * What may be observed of runs of documents, in words of its own: nothing here knows how the runtime decides. It is told
 * what was committed, published, called, answered and replied, in order, and says where a promise was broken.
 *
 * P1. A start that was accepted is never lost, and is one run for one key.
 * P2. Facts are numbered without gaps; time and progress never go back; what is published is what was committed.
 * P3. A task's facts come in a legal order, and nothing is said of it after its end.
 * P4. A task begins when all it needs has ended well and its conditions say so, is skipped where they do not, and never
 *     more of them run than the document allows.
 * P5. Attempts, back-offs and deadlines are those of the document; nothing is early.
 * P6. A call is made only after the commit that says so, for a task that runs: one key for one attempt, marked where it
 *     is repeated, and never made again once its outcome is committed.
 * P7. What a task found is what the other side answered; what a run ends with follows from its tasks.
 * P8. A question to a person is decided once, by somebody who was asked or by time.
 * P9. After all faults every run ends, unless it waits for somebody, and the runtime never fails by surprise.
 * P10. An event from outside that was accepted is kept or taken, and taken once, by a task that waits for its type; of
 *     those that were kept, the first (`reference-events.ts`).
 *
 * A long file, because what is promised has to be read in one piece.
 */
import { isDeepStrictEqual } from 'node:util';
import { FermataError } from '../errors.ts';
import { mayDecide, verdictOf, type Judge, type SeenResult } from './choices.ts';
import type { Seen, SeenCall, SeenFact } from './observation.ts';
import { OutsideEventsModel } from './reference-events.ts';
import type { FinalRun, Plan, PlannedTask } from './plan.ts';

type Ended = 'completed' | 'failed' | 'timedOut' | 'rejected' | 'cancelled' | 'skipped';
type TaskStatus = 'pending' | 'awaitingApproval' | 'refused' | 'running' | 'waiting' | 'retrying' | 'inDoubt' | Ended;

interface Task {
  readonly plan: PlannedTask;
  status: TaskStatus;
  approved: boolean;
  attempt: number;
  /** Of the attempt, of the question. */
  since: number;
  /** Not before this does it go on after a failure. */
  due: number;
  /** It failed: what needs it cannot run. */
  bad: boolean;
  /** It was skipped, and what needs it is too. */
  cascades: boolean;
  result: unknown;
}

interface Run {
  readonly name: string;
  readonly facts: SeenFact[];
  readonly tasks: Map<string, Task>;
  plan: Plan | undefined;
  status: string;
  progress: number;
  paused: boolean;
  cancelTaken: boolean;
  stuck: boolean;
  published: number;
  /** Decisions that somebody was told to have made. */
  readonly told: { readonly request: string; readonly by: unknown }[];
  readonly events: OutsideEventsModel;
  /** Since when it is in the middle of a turn: what that turn dates may be as old. */
  cutSince: number;
}

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'timedOut', 'rejected', 'cancelled', 'skipped']);
/** The statuses in which a fact may be stated of a task; whatever is not here, while it runs. */
const LEGAL: Readonly<Record<string, readonly TaskStatus[]>> = {
  task_started: ['pending', 'retrying', 'inDoubt'],
  task_queued: ['pending', 'retrying', 'inDoubt'],
  approval_requested: ['pending'],
  approval_resolved: ['awaitingApproval'],
  task_completed: ['running', 'waiting'],
  event_refused: ['running', 'waiting'],
  task_failed: ['pending', 'running', 'waiting', 'refused'],
  task_skipped: ['pending'],
  task_cancelled: ['pending', 'awaitingApproval', 'running', 'waiting', 'retrying', 'inDoubt'],
};
const WAITS_FOR_SOMEBODY: ReadonlySet<string> = new Set(['awaitingApproval', 'inDoubt', 'waiting']);
const RUN_ENDS: ReadonlySet<string> = new Set(['run_completed', 'run_failed', 'run_cancelled']);
/** Rounding of seconds that were written as fractions. */
const ROUNDING_MS = 1;

/** Watches a world. */
export class ReferenceModel {
  readonly #planOf: (workflow: string) => Plan | undefined;
  readonly #judge: Judge;
  readonly #runs = new Map<string, Run>();
  readonly #started = new Map<string, string>();
  /** Of each call, by its key: whose it is, how often it was made, when last. */
  readonly #calls = new Map<string, { readonly of: string; times: number; life: number }>();
  readonly #keys = new Map<string, string>();
  readonly #answers = new Map<string, unknown[]>();
  readonly #failures = new Map<string, unknown[]>();
  /** Requests that were made, by what they ask for. */
  readonly #asked = new Map<string, number>();
  #life = 0;
  /** How far the clock was set back: a date may come that much early. */
  #backMs = 0;

  /**
   * @param planOf the document of a workflow, by its name
   * @param judge the language of its conditions
   */
  constructor(planOf: (workflow: string) => Plan | undefined, judge: Judge) {
    this.#planOf = planOf;
    this.#judge = judge;
  }

  /** Takes note of what was seen next. Throws `FermataError` `simulationFailed`. */
  see(seen: Seen): void {
    if (seen.kind === 'start') this.#life++;
    else if (seen.kind === 'clock') this.#backMs += Math.max(0, -seen.byMs);
    else if (seen.kind === 'commit') this.#commit(seen);
    else if (seen.kind === 'fact') this.#published(seen.fact);
    else if (seen.kind === 'call') this.#call(seen.call);
    else if (seen.kind === 'answer') add(this.#answers, seen.call.key, seen.value);
    else if (seen.kind === 'failure') add(this.#failures, seen.call.key, seen.code);
    else if (seen.kind === 'request') this.#request(seen);
    else if (seen.kind === 'reply') this.#reply(seen);
    else if (seen.kind === 'log' && seen.message === 'a run cannot go on') this.#run(seen.run ?? '').stuck = true;
    else if (seen.kind === 'log') check(!seen.message.includes('unexpectedly'), `P9 the runtime said: ${seen.message}`);
  }

  /** Every run that there is, ended where it is one of a document: `read` tells how it is shown. */
  async finish(read: (run: string) => Promise<FinalRun>): Promise<void> {
    for (const [key, run] of this.#started) check(this.#runs.has(run), `P1 run ${run}, started under ${key}, is gone`);
    for (const [name, run] of this.#runs) {
      const shown = await read(name);
      check(isDeepStrictEqual(shown.facts, run.facts), `P2 the journal of run ${name} is not what was committed`);
      if (run.plan === undefined) continue;
      const waits = [...run.tasks.values()].some(({ status }) => WAITS_FOR_SOMEBODY.has(status));
      if (waits || run.paused) continue;
      check(ENDED.has(run.status), `P9 run ${name} never ended: ${this.#shape(run.tasks.values())}`);
      check(shown.status === run.status, `P7 run ${name} is shown as ${shown.status} and ended ${run.status}`);
      for (const [task, { status }] of run.tasks) {
        const as = shown.tasks[task] ?? 'pending';
        check(as === status || !ENDED.has(as), `P3 task ${task} of run ${name} is shown as ${as} and is ${status}`);
      }
      const isSame = run.status !== 'completed' || isDeepStrictEqual(shown.output, outputOf(run));
      check(isSame, `P7 run ${name} shows another output than its tasks gave`);
    }
  }

  #commit({ runs, facts }: Extract<Seen, { kind: 'commit' }>): void {
    for (const fact of facts) this.#fact(this.#run(fact.run), fact);
    for (const { run: name, status, progress, lastAt, cut } of runs) {
      const run = this.#run(name);
      const rises = progress >= run.progress && progress <= 100;
      check(rises, `P2 progress of run ${name} went from ${run.progress} to ${progress}`);
      const stays = !ENDED.has(run.status) || run.plan === undefined || status === run.status;
      check(stays, `P7 run ${name} ended ${run.status} and is committed as ${status}`);
      Object.assign(run, { progress, status, cutSince: cut ? Math.min(run.cutSince, lastAt) : Infinity });
      this.#kept(run);
    }
  }

  #fact(run: Run, fact: SeenFact): void {
    const last = run.facts.at(-1);
    const where = `${fact.type} #${fact.seq} of run ${run.name}`;
    check(fact.seq === (last?.seq ?? 0) + 1, `P2 ${where} follows #${last?.seq ?? 0}`);
    check(fact.at >= (last?.at ?? 0), `P2 ${where} is dated before the fact that it follows`);
    check(last === undefined || !RUN_ENDS.has(last.type), `P3 ${where} comes after the end of its run`);
    check((fact.type === 'run_started') === (last === undefined), `P2 ${where} is not in its place`);
    run.facts.push(fact);
    if (fact.type === 'event_kept') run.events.kept(fact.data, where);
    if (fact.type === 'run_started') this.#begin(run, String(fact.data['workflow']));
    if (run.plan === undefined) return;
    const name = fact.data['task'];
    if (typeof name !== 'string') return this.#ofRun(run, run.plan, fact, where);
    const task = run.tasks.get(name);
    check(task !== undefined, `P3 ${where} names a task that the document does not have`);
    check(!ENDED.has(task.status), `P3 ${where}: task ${name} has ended (${task.status})`);
    this.#ofTask(run, run.plan, task, fact, `${where} about task ${name}, which is ${task.status}`);
    const running = [...run.tasks.values()].filter(({ status }) => status === 'running').length;
    check(running <= run.plan.breadth, `P4 ${where}: ${running} tasks run, and at most ${run.plan.breadth} may`);
  }

  #begin(run: Run, workflow: string): void {
    run.plan = this.#planOf(workflow);
    const fresh = { approved: false, attempt: 0, since: 0, due: 0, bad: false, cascades: false, result: undefined };
    for (const plan of run.plan?.tasks ?? []) run.tasks.set(plan.name, { ...fresh, plan, status: 'pending' });
  }

  #ofTask(run: Run, plan: Plan, task: Task, { type, data, at }: SeenFact, where: string): void {
    check((LEGAL[type] ?? ['running']).includes(task.status), `P3 ${where}`);
    const { approval, retry, onInDoubt } = task.plan;
    const key = this.#keys.get(`${run.name}/${task.plan.name}/${task.attempt}`) ?? '';
    const attempt = Number(data['attempt'] ?? task.attempt);
    const expected = task.attempt + (type === 'task_started' && task.status !== 'inDoubt' ? 1 : 0);
    check(attempt === expected, `P5 ${where}: attempt ${attempt} and not ${expected}`);
    if (type === 'task_started' || type === 'task_queued')
      check(at >= task.due - this.#backMs, `P5 ${where}: ${task.due - at} ms before its back-off is over`);
    switch (type) {
      case 'task_started': {
        check(!run.paused, `P4 ${where}: the run is paused`);
        if (task.status === 'pending') {
          check(approval === undefined || task.approved, `P8 ${where}: nobody has allowed it`);
          if (approval === undefined) this.#mayRun(run, task, where);
        }
        check(task.status !== 'inDoubt' || this.#times(run, task, 'retry') > 0, `P8 ${where}: nobody says so`);
        check(attempt <= retry.maxRetries + 1, `P5 ${where}: only ${retry.maxRetries} retries are allowed`);
        const status = task.plan.call.kind === 'wait' ? 'waiting' : 'running';
        return void Object.assign(task, { status, attempt, since: Math.min(at, run.cutSince) });
      }
      case 'task_retrying': {
        const most = 1_000 * Math.min(retry.maxSeconds, retry.initialSeconds * retry.factor ** (attempt - 1));
        const delay = 1_000 * Number(data['delaySeconds']);
        check(attempt <= retry.maxRetries, `P5 ${where}: no retry is left after attempt ${attempt}`);
        check(delay >= 0 && delay <= most + ROUNDING_MS, `P5 ${where}: it waits ${delay} ms and at most ${most}`);
        this.#failed(task, key, data, at, where);
        return void Object.assign(task, { status: 'retrying', due: Math.min(at, run.cutSince) + delay - ROUNDING_MS });
      }
      case 'task_in_doubt':
        check(this.#life > 1, `P6 ${where}: no process has died`);
        check(data['policy'] === onInDoubt, `P6 ${where}: the policy is ${String(data['policy'])}`);
        if (onInDoubt === 'ask') task.status = 'inDoubt';
        return;
      case 'approval_requested':
        check(approval !== undefined && !task.approved, `P8 ${where}: it is asked for nothing, or again`);
        this.#mayRun(run, task, where);
        return void Object.assign(task, { status: 'awaitingApproval', since: Math.min(at, run.cutSince) });
      case 'approval_resolved': {
        if (data['expired'] === true) this.#notEarly(at, task.since, approval?.timeoutSeconds, where);
        else check(this.#times(run, task, 'approve') > 0, `P8 ${where}: nobody has decided`);
        const isApproved = data['approved'] === true;
        return void Object.assign(task, { status: isApproved ? 'pending' : 'refused', approved: isApproved });
      }
      case 'task_completed': {
        if (task.status === 'waiting') {
          run.events.completed(task.plan, data, where);
          this.#waited(task, data['result'], at, where);
          return void Object.assign(task, { status: 'completed', result: data['result'] });
        }
        if (task.plan.call.kind === 'condition') {
          const isRight = mayDecide(task.plan, data['result'], resultsOf(run, task), this.#judge);
          check(isRight, `P7 ${where}: it cannot decide ${JSON.stringify(data['result'])}`);
          return void Object.assign(task, { status: 'completed', result: data['result'] });
        }
        const answers = (this.#answers.get(key) ?? []).map((answer) => (answer as { readonly value?: unknown }).value);
        const isAnswer = answers.some((answer) => isDeepStrictEqual(answer, data['result']));
        check(isAnswer, `P7 ${where}: nobody has answered ${JSON.stringify(data['result'])}`);
        return void Object.assign(task, { status: 'completed', result: data['result'] });
      }
      case 'task_failed':
        if (task.status === 'refused')
          Object.assign(task, { status: data['status'], bad: approval?.onReject === 'fail' });
        else {
          // A text that cannot be rendered is found when the task begins, and never called.
          if (task.status !== 'pending') this.#failed(task, key, data, at, where);
          else {
            this.#mayBegin(run, task, where);
            const verdict = verdictOf(task.plan, resultsOf(run, task), this.#judge);
            check(verdict !== 'skips', `P4 ${where}: its conditions say that it is skipped`);
          }
          const { retry: again } = (data['error'] ?? {}) as { readonly retry?: string };
          const { onTimeout } = task.plan.call;
          const isMissed = task.status === 'waiting';
          check(!isMissed || onTimeout !== 'continue', `P5 ${where}: it was to complete`);
          const isLast = task.status === 'pending' || again === 'never' || attempt > retry.maxRetries;
          check(isLast, `P5 ${where}: a retry was left`);
          Object.assign(task, { status: data['status'], bad: !(isMissed && onTimeout === 'skip') });
        }
        check(ENDED.has(task.status), `P3 ${where}: it ends ${task.status}`);
        return;
      case 'task_cancelled':
        return void Object.assign(task, { status: 'cancelled', bad: true });
      case 'task_skipped': {
        const needs = task.plan.dependsOn.map((name) => run.tasks.get(name));
        const isLost = needs.some((needed) => needed?.bad === true);
        const isPassedOn = needs.some((needed) => needed?.cascades === true);
        const mayBeLost = plan.onTaskFailure === 'continue' || isPassedOn;
        check(!isLost || mayBeLost, `P4 ${where}: the document stops at a failure`);
        if (isLost || isPassedOn)
          return void Object.assign(task, { status: 'skipped', bad: isLost, cascades: !isLost });
        this.#mayBegin(run, task, where);
        const verdict = verdictOf(task.plan, resultsOf(run, task), this.#judge);
        check(verdict === 'skips' || verdict === 'unknown', `P4 ${where}: nothing says that it is skipped`);
        return void Object.assign(task, { status: 'skipped', cascades: task.plan.skipPolicy === 'cascade' });
      }
      default:
    }
  }

  /** A failure that the other side, the network or the time is to blame for. */
  #failed(task: Task, key: string, data: SeenFact['data'], at: number, where: string): void {
    const { code = '' } = (data['error'] ?? {}) as { readonly code?: string };
    if (code === 'taskTimedOut' || code === 'waitTimedOut')
      return this.#notEarly(at, task.since, task.plan.timeoutSeconds, where);
    if (code === 'effectInDoubt')
      return check(task.plan.onInDoubt === 'fail' && this.#life > 1, `P6 ${where}: its call is in no doubt`);
    check(this.#failures.get(key)?.includes(code) === true, `P7 ${where}: nobody has failed with "${code}"`);
  }

  /** A wait that came to its end: its date has come, its event was taken, or its time was over and that is no failure. */
  #waited({ plan: { call, timeoutSeconds }, since }: Task, result: unknown, at: number, where: string): void {
    const { seconds, until, event } = call.for ?? {};
    if (result === null) {
      check(call.onTimeout === 'continue', `P5 ${where}: it was to take something`);
      return this.#notEarly(at, since, timeoutSeconds, where);
    }
    if (event !== undefined) return;
    if (typeof result !== 'string') return check(false, `P7 ${where}: it waited for a date and found none`);
    if (seconds !== undefined) this.#notEarly(at, since, seconds, where);
    const isIts = until === undefined || Date.parse(until) === Date.parse(result);
    check(isIts, `P7 ${where}: it waited for ${until} and found ${result}`);
    this.#notEarly(at, Date.parse(result), 0, where);
  }

  #notEarly(at: number, since: number, seconds = Infinity, where: string): void {
    const early = since + seconds * 1_000 - this.#backMs - ROUNDING_MS - at;
    check(early <= 0, `P5 ${where}: ${early} ms before its time`);
  }

  #mayRun(run: Run, task: Task, where: string): void {
    this.#mayBegin(run, task, where);
    const verdict = verdictOf(task.plan, resultsOf(run, task), this.#judge);
    check(verdict === 'runs' || verdict === 'unknown', `P4 ${where}: by its conditions it ${verdict}`);
  }

  #mayBegin(run: Run, { plan: { dependsOn, after } }: Task, where: string): void {
    for (const name of [...dependsOn, ...after]) {
      const status = run.tasks.get(name)?.status ?? 'pending';
      check(ENDED.has(status), `P4 ${where}: ${name}, which comes first, is ${status}`);
    }
    for (const name of dependsOn) {
      const before = run.tasks.get(name);
      const isGood = before?.bad === false && !before.cascades;
      check(isGood, `P4 ${where}: ${name}, which it needs, is ${before?.status}`);
    }
  }

  #ofRun(run: Run, plan: Plan, { type, data, at }: SeenFact, where: string): void {
    const tasks = [...run.tasks.values()];
    const running = tasks.filter(({ status }) => status === 'running').length;
    check(type !== 'run_waiting' || running === 0, `P3 ${where}: ${running} tasks run`);
    if (type === 'run_paused' || type === 'run_resumed') {
      check(run.paused === (type === 'run_resumed'), `P3 ${where}`);
      run.paused = !run.paused;
    }
    if (!RUN_ENDS.has(type)) return;
    const alive = tasks.filter(({ status }) => !ENDED.has(status) && status !== 'pending');
    // A quarantined run is stopped without its machine being asked.
    if (!(run.stuck && type === 'run_cancelled')) check(alive.length === 0, `P3 ${where}: ${this.#shape(alive)}`);
    const isBad = tasks.some(({ bad }) => bad);
    const { code } = (data['error'] ?? {}) as { readonly code?: string };
    if (type === 'run_completed') {
      const left = tasks.filter(({ status }) => !ENDED.has(status)).length;
      check(left === 0, `P7 ${where}: ${left} of its tasks have not ended`);
      check(plan.onTaskFailure === 'continue' || !isBad, `P7 ${where}: a task failed`);
      check(!run.cancelTaken, `P7 ${where}: it was cancelled`);
      check(isDeepStrictEqual(data['output'], outputOf(run)), `P7 ${where}: its last tasks found something else`);
    } else if (type === 'run_cancelled') {
      const refused = tasks.filter(({ status }) => status === 'rejected' || status === 'timedOut');
      const isRefused = refused.some((task) => task.plan.approval?.onReject === 'cancel');
      const isAsked = this.#asked.has(`POST /runs/${run.name}/cancel`);
      check(isRefused || isAsked, `P7 ${where}: nobody has cancelled it`);
    } else if (code === 'runTimedOut') {
      this.#notEarly(at, run.facts[0]?.at ?? 0, plan.timeoutSeconds, where);
    } else check(isBad, `P7 ${where}: none of its tasks failed`);
    run.status = type.slice('run_'.length);
  }

  #published(fact: SeenFact): void {
    const run = this.#run(fact.run);
    const where = `fact #${fact.seq} of run ${fact.run}`;
    check(isDeepStrictEqual(run.facts[fact.seq - 1], fact), `P2 ${where} was published and is not what was committed`);
    check(fact.seq > run.published, `P2 ${where} was published twice`);
    run.published = fact.seq;
  }

  #call({ run: name, task: taskName, attempt, key, repeated }: SeenCall): void {
    const run = this.#run(name);
    const of = taskName === undefined ? key : `${name}/${taskName}/${attempt}`;
    const before = this.#calls.get(key);
    const where = `call ${key} of run ${name}${taskName === undefined ? '' : `, task ${taskName}, attempt ${attempt}`}`;
    check(before === undefined || before.of === of, `P6 ${where} has the key of ${before?.of}`);
    check((this.#keys.get(of) ?? key) === key, `P6 ${where} has another key than before, ${this.#keys.get(of)}`);
    check(before === undefined || repeated, `P6 ${where} is a repeat and does not say so`);
    check(before?.life !== this.#life, `P6 ${where} was made in this process before`);
    this.#keys.set(of, key);
    const times = (before?.times ?? 0) + 1;
    this.#calls.set(key, { of, times, life: this.#life });
    const task = taskName === undefined ? undefined : run.tasks.get(taskName);
    if (task === undefined) return;
    const isIts = task.status === 'running' && task.attempt === attempt;
    check(isIts, `P6 ${where}: the task is ${task.status} at attempt ${task.attempt}`);
    const { onInDoubt } = task.plan;
    const allowed = onInDoubt === 'retry' ? Infinity : onInDoubt === 'fail' ? 1 : 1 + this.#times(run, task, 'retry');
    check(times <= allowed, `P6 ${where} was made ${times} times although its policy is ${onInDoubt}`);
  }

  #request({ request, body }: Extract<Seen, { kind: 'request' }>): void {
    this.#asked.set(request, (this.#asked.get(request) ?? 0) + 1);
    const [, run] = /^POST \/runs\/([^/]+)\/events$/.exec(request) ?? [];
    if (run !== undefined) this.#run(decodeURIComponent(run)).events.sent(body);
  }

  #reply({ request, key, status, answer, body }: Extract<Seen, { kind: 'reply' }>): void {
    check(status < 500, `P9 ${request} was answered with ${status}`);
    if (status >= 400) return;
    const { runId } = answer as { readonly runId?: string };
    if (key !== undefined && runId !== undefined) {
      check(this.#runs.has(runId), `P1 the start of run ${runId} was told before it was committed`);
      const before = this.#started.get(key) ?? runId;
      check(before === runId, `P1 key ${key} started two runs, ${before} and ${runId}`);
      this.#started.set(key, runId);
    }
    const run = runId === undefined ? undefined : this.#runs.get(runId);
    if (run === undefined) return;
    if (request.endsWith('/approve')) {
      run.told.push({ request, by: (body as { readonly by?: unknown }).by });
      this.#kept(run);
    }
    if (request.endsWith('/events') && run.plan !== undefined) {
      run.events.accepted(body);
      this.#kept(run);
    }
    if (request === `POST /runs/${runId}/cancel` && !ENDED.has(run.status)) run.cancelTaken = true;
  }

  /** What was told to have been decided stands in the facts, as soon as the turn that took it has come to its end. */
  #kept(run: Run): void {
    if (run.cutSince !== Infinity) return;
    run.events.settled(run.name);
    for (const { request, by } of run.told.splice(0)) {
      const decided = run.facts.some(
        ({ data }) => data['by'] === by && request === this.#path(run, data['task'], 'approve'),
      );
      check(decided, `P8 ${request} was told that its decision was taken, and it was not`);
    }
  }

  #times(run: Run, { plan: { name } }: Task, command: string): number {
    return this.#asked.get(this.#path(run, name, command)) ?? 0;
  }

  #path(run: Run, task: unknown, command: string): string {
    return `POST /runs/${run.name}/tasks/${encodeURIComponent(String(task))}/${command}`;
  }

  #run(name: string): Run {
    const known = this.#runs.get(name);
    if (known !== undefined) return known;
    const state = { plan: undefined, status: 'pending', progress: 0, paused: false };
    const marks = { cancelTaken: false, stuck: false, published: 0, cutSince: Infinity };
    const run: Run = {
      ...state,
      ...marks,
      name,
      facts: [],
      tasks: new Map(),
      told: [],
      events: new OutsideEventsModel(check),
    };
    this.#runs.set(name, run);
    return run;
  }

  #shape(tasks: Iterable<Task>): string {
    return [...tasks].map(({ plan, status }) => `${plan.name} ${status}`).join(', ');
  }
}

function add(lists: Map<string, unknown[]>, key: string, value: unknown): void {
  lists.set(key, [...(lists.get(key) ?? []), value]);
}

/** What a task can read: the ends of those it depends on. */
function resultsOf(run: Run, { plan }: Task): Readonly<Record<string, SeenResult>> {
  const entries = plan.dependsOn.map((name): [string, SeenResult] => {
    const { status = 'pending', result } = run.tasks.get(name) ?? {};
    return [name, status === 'completed' ? { status, output: result } : { status }];
  });
  return Object.fromEntries(entries);
}

/** What the tasks found on which no other depends: of one its result, of several those that have one, by name. */
function outputOf(run: Run): unknown {
  const tasks = [...run.tasks.values()];
  const inner = new Set(tasks.flatMap(({ plan }) => plan.dependsOn));
  const last = tasks.filter(({ plan }) => !inner.has(plan.name));
  if (last.length === 1) return last[0]?.result;
  return Object.fromEntries(
    last.filter(({ status }) => status === 'completed').map(({ plan, result }) => [plan.name, result]),
  );
}

/** @param broken the promise, and what broke it */
function check(holds: boolean, broken: string): asserts holds {
  if (holds) return;
  const [promise = ''] = broken.split(' ', 1);
  const what = broken.slice(promise.length + 1);
  throw new FermataError('simulationFailed', `${promise} was broken: ${what}.`, { data: { promise } });
}
