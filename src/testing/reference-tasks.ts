/** What may be observed of the tasks of runs, fact by fact (P3 to P8): part of the reference model. */
import { isStopped, mayDecide, verdictOf, type Judge, type SeenResult, type Verdict } from './choices.ts';
import type { SeenFact } from './observation.ts';
import type { Plan } from './plan.ts';
import { isHit } from './reference-cache.ts';
import type { CallsModel } from './reference-calls.ts';
import type { ChildrenModel } from './reference-children.ts';
import type { ClockModel } from './reference-clock.ts';
import { isTakenOver, type ForksModel } from './reference-forks.ts';
import { checkItems, grow, isOver } from './reference-growth.ts';
import { checkAnswer, checkBroken, hasAnswered, hasRounds } from './reference-rounds.ts';
import { check, codeOf, ENDED, functionOf, isAlive, LEGAL, ROUNDING_MS, type Run, type Task } from './reference-run.ts';

/** What one attempt of a function may take that says which tasks are added, of a task that calls nobody else. */
const FUNCTION_SECONDS = 120;
const ENDS: ReadonlySet<string> = new Set(['task_completed', 'task_failed', 'task_skipped', 'task_cancelled']);

/** What it asks. */
export interface Asked {
  readonly judge: Judge;
  readonly calls: CallsModel;
  readonly children: ChildrenModel;
  readonly clock: ClockModel;
  readonly forks: ForksModel;
  /** How often somebody has asked for something to be done about a task: `approve`, `retry`. */
  readonly times: (run: Run, task: string, command: string) => number;
}

/** The tasks of all runs. */
export class TasksModel {
  readonly #judge: Judge;
  readonly #calls: CallsModel;
  readonly #children: ChildrenModel;
  readonly #clock: ClockModel;
  readonly #forks: ForksModel;
  readonly #times: Asked['times'];

  constructor({ judge, calls, children, clock, forks, times }: Asked) {
    this.#forks = forks;
    this.#judge = judge;
    this.#calls = calls;
    this.#children = children;
    this.#clock = clock;
    this.#times = times;
  }

  /** A fact about a task of a run. */
  see(run: Run, plan: Plan, task: Task, fact: SeenFact, where: string): void {
    const { type, data, at } = fact;
    if (isTakenOver(fact)) return this.#forks.takenOver(run, task, fact, where);
    if (type === 'task_started') this.#forks.started(run, task, where);
    check((LEGAL[type] ?? ['running']).includes(task.status), `P3 ${where}`);
    if (type === 'task_added') return grow(run, task, fact, where);
    const attempt = Number(data['attempt'] ?? task.attempt);
    const isNew = task.status === 'pending' || task.status === 'retrying';
    const expected = task.attempt + (type === 'task_started' && isNew ? 1 : 0);
    check(attempt === expected, `P5 ${where}: attempt ${attempt} and not ${expected}`);
    if (type === 'task_started' || type === 'task_queued') this.#clock.notEarly(at, task.due, 0, where);
    if (ENDS.has(type) && !('condition' in data && type === 'task_cancelled')) run.shared.ended(task.plan, fact, where);
    switch (type) {
      case 'task_started':
        return this.#started(run, task, fact, where);
      case 'wait_ended':
        if ('event' in data) run.events.completed(task.plan, { ...data, result: data['event'] }, where);
        return hasWorked(task, where);
      case 'task_queued':
        return isAtWork(task) ? hasWorked(task, where) : undefined;
      case 'task_retrying':
        return this.#retrying(run, task, fact, where);
      case 'task_in_doubt':
        check(this.#calls.hasRestarted, `P6 ${where}: no process has died`);
        check(data['policy'] === policyOf(task, data), `P6 ${where}: the policy is ${String(data['policy'])}`);
        if (policyOf(task, data) === 'ask') task.status = 'inDoubt';
        return;
      case 'child_run_started':
        return this.#children.told(run, task, fact, where);
      case 'progress':
        return this.#children.progressed(run, task, fact, where);
      case 'approval_requested': {
        const isAsked = task.plan.approval !== undefined && !task.approved;
        check(isAsked, `P8 ${where}: it is asked for nothing, or again`);
        this.#mayRun(run, task, where);
        return void Object.assign(task, { status: 'awaitingApproval', since: Math.min(at, run.cutSince) });
      }
      case 'approval_resolved': {
        const { approval, name } = task.plan;
        if (data['expired'] === true) this.#clock.notEarly(at, task.since, approval?.timeoutSeconds, where);
        else check(this.#times(run, name, 'approve') > 0, `P8 ${where}: nobody has decided`);
        const isApproved = data['approved'] === true;
        return void Object.assign(task, { status: isApproved ? 'pending' : 'refused', approved: isApproved });
      }
      case 'task_completed':
        this.#completed(run, task, fact, where);
        return void Object.assign(task, { status: 'completed', result: data['result'] });
      case 'task_failed':
        if (task.status === 'refused')
          Object.assign(task, { status: data['status'], bad: task.plan.approval?.onReject !== 'skip' });
        else this.#failed(run, task, fact, where);
        check(ENDED.has(task.status), `P3 ${where}: it ends ${task.status}`);
        task.code = codeOf(data);
        return;
      case 'task_cancelled':
        if ('condition' in data) {
          run.shared.stopped(task.plan.name, where);
          return void Object.assign(task, { status: 'cancelled', cascades: task.plan.skipPolicy === 'cascade' });
        }
        return void Object.assign(task, { status: 'cancelled', bad: true, code: 'cancelled' });
      case 'task_skipped':
        return this.#skipped(run, plan, task, where);
      default:
    }
  }

  /** Whom the last write stops: tasks that have begun, and whose `cancelWhen` it makes true. */
  decideStops(run: Run): void {
    const alive = [...run.tasks.values()].filter(isAlive);
    const isTrue = (name: string): boolean => {
      const task = run.tasks.get(name);
      return (
        task !== undefined && isStopped(task.plan, resultsOf(run, task), this.#judge, task.item, run.shared.values)
      );
    };
    run.shared.decide(
      alive.map(({ plan }) => plan.name),
      isTrue,
    );
  }

  #started(run: Run, task: Task, { data, at }: SeenFact, where: string): void {
    const { approval, retry, call, name } = task.plan;
    const attempt = Number(data['attempt']);
    // Whoever gave it its output has allowed it, whatever its conditions say: only the function that chooses what it adds is called.
    const isGiven = data['edited'] === true;
    const mustAsk = approval !== undefined && !isGiven;
    check(!run.paused, `P4 ${where}: the run is paused`);
    if (task.status === 'pending') {
      check(!mustAsk || task.approved, `P8 ${where}: nobody has allowed it`);
      if (!mustAsk) this.#mayRun(run, task, where, isGiven);
    }
    check(task.status !== 'inDoubt' || this.#times(run, name, 'retry') > 0, `P8 ${where}: nobody says so`);
    check(attempt <= retry.maxRetries + 1, `P5 ${where}: only ${retry.maxRetries} retries are allowed`);
    if (isAtWork(task)) hasWorked(task, where);
    const asks = data['asks'] !== undefined;
    check(!asks || data['asks'] === functionOf(task.plan), `P4 ${where}: it has no such function`);
    check(asks || task.workedAt === undefined, `P4 ${where}: its work is done`);
    const since = Math.min(at, run.cutSince);
    const begun = task.attempt === 0 ? since : task.begun;
    Object.assign(task, { status: call.kind === 'wait' && !asks ? 'waiting' : 'running', attempt, since, begun });
  }

  #retrying(run: Run, task: Task, { data, at }: SeenFact, where: string): void {
    const { retry } = task.plan;
    const { attempt } = task;
    const most = 1_000 * Math.min(retry.maxSeconds, retry.initialSeconds * retry.factor ** (attempt - 1));
    const delay = 1_000 * Number(data['delaySeconds']);
    check(attempt <= retry.maxRetries, `P5 ${where}: no retry is left after attempt ${attempt}`);
    check(delay >= 0 && delay <= most + ROUNDING_MS, `P5 ${where}: it waits ${delay} ms and at most ${most}`);
    this.#checkFailure(run, task, data, at, where);
    Object.assign(task, { status: 'retrying', due: Math.min(at, run.cutSince) + delay });
  }

  #completed(run: Run, task: Task, { data, at }: SeenFact, where: string): void {
    const { result } = data;
    const { kind } = task.plan.call;
    if (kind === 'wait') {
      // Of one whose function was asked that was seen before.
      if (task.workedAt === undefined) run.events.completed(task.plan, data, where);
      return this.#waited(task, result, at, where);
    }
    if (kind === 'subworkflow') return this.#children.completed(run, task, result, where);
    if (kind === 'condition') {
      const isRight = mayDecide(task.plan, result, resultsOf(run, task), this.#judge);
      return check(isRight, `P7 ${where}: it cannot decide ${JSON.stringify(result)}`);
    }
    if (hasRounds(task)) return checkAnswer(task, data, where);
    if (task.plan.call.task !== undefined) return checkItems(task, data, where);
    // What was found is checked with the cache (P16).
    if (isHit({ type: 'task_completed', data })) return;
    check(this.#calls.hasAnswered(run, task, result), `P7 ${where}: nobody has answered ${JSON.stringify(result)}`);
  }

  #failed(run: Run, task: Task, { data, at }: SeenFact, where: string): void {
    const { call, retry } = task.plan;
    // A text that cannot be rendered is found when the task begins, and never called.
    if (task.status !== 'pending') this.#checkFailure(run, task, data, at, where);
    else check(this.#verdict(run, task, where) !== 'skips', `P4 ${where}: its conditions say that it is skipped`);
    const { retry: again } = (data['error'] ?? {}) as { readonly retry?: string };
    const isMissed = codeOf(data) === 'waitTimedOut';
    if ('event' in data && task.workedAt === undefined)
      run.events.completed(task.plan, { ...data, result: data['event'] }, where);
    check(!isMissed || call.onTimeout !== 'continue', `P5 ${where}: it was to complete`);
    const isWhole = call.kind === 'subworkflow' || call.task !== undefined || hasRounds(task);
    const isOver = isWhole && data['status'] === 'timedOut';
    check(task.status !== 'retrying' || isOver, `P3 ${where}: it is to be tried again`);
    const isOnce = task.status === 'pending' || call.task !== undefined || hasRounds(task) || isOver;
    const isLast = isOnce || again === 'never' || task.attempt > retry.maxRetries;
    check(isLast, `P5 ${where}: a retry was left`);
    Object.assign(task, { status: data['status'], bad: !(isMissed && call.onTimeout === 'skip') });
  }

  #skipped(run: Run, { onTaskFailure }: Plan, task: Task, where: string): void {
    const needs = task.plan.dependsOn.map((name) => run.tasks.get(name));
    const isLost = needs.some((needed) => needed?.bad === true);
    const isPassedOn = needs.some((needed) => needed?.cascades === true);
    const mayBeLost = onTaskFailure === 'continue' || isPassedOn || task.from?.as === 'part';
    check(!isLost || mayBeLost, `P4 ${where}: the document stops at a failure`);
    if (isLost || isPassedOn) return void Object.assign(task, { status: 'skipped', bad: isLost, cascades: !isLost });
    const verdict = this.#verdict(run, task, where);
    check(verdict === 'skips' || verdict === 'unknown', `P4 ${where}: nothing says that it is skipped`);
    Object.assign(task, { status: 'skipped', cascades: task.plan.skipPolicy === 'cascade' });
  }

  /** A failure that the other side, the network, the time or an item is to blame for. */
  #checkFailure(run: Run, task: Task, data: SeenFact['data'], at: number, where: string): void {
    const { call, onComplete, timeoutSeconds, onInDoubt, outputs } = task.plan;
    const code = codeOf(data);
    if (code === 'waitTimedOut') return this.#clock.notEarly(at, task.begun, timeoutSeconds, where);
    if (code === 'taskTimedOut') return this.#tookTooLong(task, at, where);
    if (code === 'effectInDoubt')
      return check(onInDoubt === 'fail' && this.#calls.hasRestarted, `P6 ${where}: its call is in no doubt`);
    // What is shared is found at the end, of a task of any kind.
    if (outputs !== undefined && code === 'expressionFailed') return;
    // What its output holds is found at the end as well, or what its function says.
    const isRefused = onComplete !== undefined && ['invalidDocument', 'tooManyTasks'].includes(code);
    const isKnown = task.takenOver !== undefined || !hasRounds(task) || hasAnswered(task);
    if (isRefused && isKnown) return;
    if (functionOf(task.plan) !== undefined && this.#calls.hasFailed(run, task, code)) return;
    if (hasRounds(task)) return checkBroken(task, data, where);
    if (call.task !== undefined) {
      const hasFailed = (call.onItemFailure ?? 'stop') === 'stop' && task.items?.some(({ bad }) => bad) === true;
      return check(code === 'itemFailed' && hasFailed, `P7 ${where}: none of its items failed`);
    }
    if (task.status === 'inRun') return this.#children.failed(run, task, data, where);
    check(this.#calls.hasFailed(run, task, code), `P7 ${where}: nobody has failed with "${code}"`);
  }

  /** An attempt of its call, or of its function; or, where it calls nobody else, the task as a whole. */
  #tookTooLong({ plan, since, begun }: Task, at: number, where: string): void {
    const { call, timeoutSeconds = Infinity } = plan;
    if (call.kind === 'model' || call.kind === 'code') return this.#clock.notEarly(at, since, timeoutSeconds, where);
    const whole = call.kind === 'condition' || call.kind === 'wait' ? Infinity : begun + 1_000 * timeoutSeconds;
    const own = functionOf(plan) === undefined ? Infinity : since + 1_000 * FUNCTION_SECONDS;
    this.#clock.notEarly(at, Math.min(whole, own), 0, where);
  }

  /** A wait that came to its end: its date has come, its event was taken, or its time was over and that is no failure. */
  #waited({ plan: { call, timeoutSeconds }, begun: since }: Task, result: unknown, at: number, where: string): void {
    const { seconds, until, event } = call.for ?? {};
    if (result === null) {
      check(call.onTimeout === 'continue', `P5 ${where}: it was to take something`);
      return this.#clock.notEarly(at, since, timeoutSeconds, where);
    }
    if (event !== undefined) return;
    if (typeof result !== 'string') return check(false, `P7 ${where}: it waited for a date and found none`);
    if (seconds !== undefined) this.#clock.notEarly(at, since, seconds, where);
    const isIts = until === undefined || Date.parse(until) === Date.parse(result);
    check(isIts, `P7 ${where}: it waited for ${until} and found ${result}`);
    this.#clock.notEarly(at, Date.parse(result), 0, where);
  }

  #mayRun(run: Run, task: Task, where: string, isGiven = false): void {
    const verdict = this.#verdict(run, task, where);
    check(isGiven || verdict === 'runs' || verdict === 'unknown', `P4 ${where}: by its conditions it ${verdict}`);
  }

  /** What its conditions say, now that its turn has come. */
  #verdict(run: Run, task: Task, where: string): Verdict {
    const { dependsOn, after } = task.plan;
    for (const name of [...dependsOn, ...after]) {
      const before = run.tasks.get(name);
      const isFree = isOver(run, before, task);
      check(isFree, `P4 ${where}: ${name}, which comes first, is ${before?.status}, or what it added`);
    }
    for (const name of dependsOn) {
      const before = run.tasks.get(name);
      const isGood = before?.bad === false && !before.cascades;
      check(isGood, `P4 ${where}: ${name}, which it needs, is ${before?.status}`);
    }
    const owner = task.from?.as === 'part' ? run.tasks.get(task.from.task) : undefined;
    check(owner === undefined || owner.status === 'running', `P4 ${where}: whose part it is, is ${owner?.status}`);
    const map = task.from?.as === 'item' ? run.tasks.get(task.from.task) : undefined;
    check(map === undefined || map.status === 'running', `P4 ${where}: its map is ${map?.status}`);
    return verdictOf(task.plan, resultsOf(run, task), this.#judge, task.item, run.shared.values);
  }
}

/** It does what it is for, and nothing was said yet of what it gives. */
function isAtWork({ status, workedAt }: Task): boolean {
  return workedAt === undefined && (status === 'running' || status === 'inRun');
}

/** It has waited, has what it gives, and wants a slot: a function is to say which tasks it adds. */
function hasWorked(task: Task, where: string): void {
  const { status, items, parts, plan, attempt } = task;
  const hasWaited = status !== 'running' || items !== undefined || parts !== undefined;
  check(hasWaited && functionOf(plan) !== undefined, `P4 ${where}: it holds a slot, or nobody is to be asked`);
  Object.assign(task, { status: 'queued', workedAt: attempt });
}

/** What a task can read: the ends of those it depends on. */
function resultsOf(run: Run, { plan }: Task): Readonly<Record<string, SeenResult>> {
  const entries = plan.dependsOn.map((name): [string, SeenResult] => {
    const { status = 'pending', result } = run.tasks.get(name) ?? {};
    return [name, status === 'completed' ? { status, output: result } : { status }];
  });
  return Object.fromEntries(entries);
}

/** A vector or a verdict is asked for again, whatever the task says of its own call. */
function policyOf({ plan }: Task, { call }: SeenFact['data']): string {
  return call === 'compare' || call === 'verify' ? 'retry' : plan.onInDoubt;
}
