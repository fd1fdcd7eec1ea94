/**
 * What may be observed of runs of documents, in words of its own: nothing here knows how the runtime decides. It is told
 * what was committed, published, called, answered and replied, in order, and says where a promise was broken.
 *
 * P1. A start that was accepted is never lost, and is one run for one key.
 * P2. Facts are numbered without gaps; time and progress never go back; what is published is what was committed.
 * P3. A task's facts come in a legal order, and nothing is said of it after its end.
 * P4. A task begins when all it needs has ended well, and never more of them run than the document allows.
 * P5. Attempts, back-offs and deadlines are those of the document; nothing is early.
 * P6. A call is made only after the commit that says so, for a task that runs: one key for one attempt, marked where it
 *     is repeated, and never made again once its outcome is committed.
 * P7. What a task found is what the other side answered; what a run ends with follows from its tasks.
 * P8. A question to a person is decided once, by somebody who was asked or by time.
 * P9. After all faults every run ends, unless it waits for somebody, and the runtime never fails by surprise.
 *
 * A long file, because what is promised has to be read in one piece.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Seen, SeenCall, SeenFact } from './observation.ts';
import type { FinalRun, Plan } from './plan.ts';
import { added, checkConcurrency, checkItems, dropItems, grow, isOver, outputOf } from './reference-growth.ts';
import { check, ENDED, fresh, isAlive, LEGAL, ROUNDING_MS, RUN_ENDS, type Run, type Task } from './reference-run.ts';

/** Watches a world. */
export class ReferenceModel {
  readonly #planOf: (workflow: string) => Plan | undefined;
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

  /** @param planOf the document of a workflow, by its name */
  constructor(planOf: (workflow: string) => Plan | undefined) {
    this.#planOf = planOf;
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
    else if (seen.kind === 'request') this.#asked.set(seen.request, (this.#asked.get(seen.request) ?? 0) + 1);
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
      const waits = [...run.tasks.values()].some(({ status }) => status === 'awaitingApproval' || status === 'inDoubt');
      if (waits || run.paused) continue;
      check(ENDED.has(run.status), `P9 run ${name} never ended: ${this.#shape(run.tasks.values())}`);
      check(shown.status === run.status, `P7 run ${name} is shown as ${shown.status} and ended ${run.status}`);
      const ended = [...run.tasks.values()].filter(({ status }) => ENDED.has(status)).length;
      const { total, settled = 0 } = shown.counts;
      const isCounted = total === run.tasks.size && settled === ended;
      check(
        isCounted,
        `P7 run ${name} counts ${settled} of ${total} tasks, and ${ended} of ${run.tasks.size} have ended`,
      );
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
    if (fact.type === 'run_started') this.#begin(run, String(fact.data['workflow']));
    if (run.plan === undefined) return;
    const name = fact.data['task'];
    if (typeof name !== 'string') return this.#ofRun(run, run.plan, fact, where);
    if (fact.type === 'items_cancelled') return dropItems(run, fact, where);
    const task = fact.type === 'task_added' && 'spec' in fact.data ? added(run, fact, where) : run.tasks.get(name);
    check(task !== undefined, `P3 ${where} names a task that the document does not have`);
    check(!ENDED.has(task.status), `P3 ${where}: task ${name} has ended (${task.status})`);
    this.#ofTask(run, run.plan, task, fact, `${where} about task ${name}, which is ${task.status}`);
    const running = holders(run).length;
    check(running <= run.plan.breadth, `P4 ${where}: ${running} tasks run, and at most ${run.plan.breadth} may`);
    checkConcurrency(run, task, where);
  }

  #begin(run: Run, workflow: string): void {
    run.plan = this.#planOf(workflow);
    for (const plan of run.plan?.tasks ?? []) run.tasks.set(plan.name, fresh(plan));
  }

  #ofTask(run: Run, plan: Plan, task: Task, fact: SeenFact, where: string): void {
    const { type, data, at } = fact;
    check((LEGAL[type] ?? ['running']).includes(task.status), `P3 ${where}`);
    if (type === 'task_added') return grow(run, task, fact, where);
    const { approval, retry, onInDoubt } = task.plan;
    const attempt = Number(data['attempt'] ?? task.attempt);
    const expected = task.attempt + (type === 'task_started' && task.status !== 'inDoubt' ? 1 : 0);
    check(attempt === expected, `P5 ${where}: attempt ${attempt} and not ${expected}`);
    if (type === 'task_started' || type === 'task_queued')
      check(at >= task.due - this.#backMs, `P5 ${where}: ${task.due - at} ms before its back-off is over`);
    switch (type) {
      case 'task_started':
        check(!run.paused, `P4 ${where}: the run is paused`);
        if (task.status === 'pending') {
          check(approval === undefined || task.approved, `P8 ${where}: nobody has allowed it`);
          if (approval === undefined) this.#mayBegin(run, task, where);
        }
        check(task.status !== 'inDoubt' || this.#times(run, task, 'retry') > 0, `P8 ${where}: nobody says so`);
        check(attempt <= retry.maxRetries + 1, `P5 ${where}: only ${retry.maxRetries} retries are allowed`);
        return void Object.assign(task, { status: 'running', attempt, since: Math.min(at, run.cutSince) });
      case 'task_retrying': {
        const most = 1_000 * Math.min(retry.maxSeconds, retry.initialSeconds * retry.factor ** (attempt - 1));
        const delay = 1_000 * Number(data['delaySeconds']);
        check(attempt <= retry.maxRetries, `P5 ${where}: no retry is left after attempt ${attempt}`);
        check(delay >= 0 && delay <= most + ROUNDING_MS, `P5 ${where}: it waits ${delay} ms and at most ${most}`);
        this.#failed(run, task, data, at, where);
        return void Object.assign(task, { status: 'retrying', due: Math.min(at, run.cutSince) + delay - ROUNDING_MS });
      }
      case 'task_in_doubt':
        check(this.#life > 1, `P6 ${where}: no process has died`);
        check(data['policy'] === onInDoubt, `P6 ${where}: the policy is ${String(data['policy'])}`);
        if (onInDoubt === 'ask') task.status = 'inDoubt';
        return;
      case 'approval_requested':
        check(approval !== undefined && !task.approved, `P8 ${where}: it is asked for nothing, or again`);
        this.#mayBegin(run, task, where);
        return void Object.assign(task, { status: 'awaitingApproval', since: Math.min(at, run.cutSince) });
      case 'approval_resolved': {
        if (data['expired'] === true) this.#notEarly(at, task.since, approval?.timeoutSeconds, where);
        else check(this.#times(run, task, 'approve') > 0, `P8 ${where}: nobody has decided`);
        const isApproved = data['approved'] === true;
        return void Object.assign(task, { status: isApproved ? 'pending' : 'refused', approved: isApproved });
      }
      case 'task_completed': {
        if (task.plan.call.task === undefined) this.#answered(run, task, data['result'], where);
        else checkItems(task, data, where);
        return void Object.assign(task, { status: 'completed', result: data['result'] });
      }
      case 'task_failed':
        if (task.status === 'refused')
          Object.assign(task, { status: data['status'], bad: approval?.onReject !== 'skip', code: codeOf(data) });
        else {
          // A text that cannot be rendered is found when the task begins, and never called.
          if (task.status === 'running') this.#failed(run, task, data, at, where);
          else this.#mayBegin(run, task, where);
          const { retry: again } = (data['error'] ?? {}) as { readonly retry?: string };
          const isLast = task.status === 'pending' || again === 'never' || attempt > retry.maxRetries || isMap(task);
          check(isLast, `P5 ${where}: a retry was left`);
          Object.assign(task, { status: data['status'], bad: true, code: codeOf(data) });
        }
        check(ENDED.has(task.status), `P3 ${where}: it ends ${task.status}`);
        return;
      case 'task_cancelled':
        return void Object.assign(task, { status: 'cancelled', bad: true, code: 'cancelled' });
      case 'task_skipped': {
        check(plan.onTaskFailure === 'continue', `P4 ${where}: the document stops at a failure`);
        const lost = task.plan.dependsOn.some((name) => run.tasks.get(name)?.bad === true);
        check(lost, `P4 ${where}: all it needs may still succeed`);
        return void Object.assign(task, { status: 'skipped', bad: true });
      }
      default:
    }
  }

  /** What a task gave is what was answered to it; where a function was asked afterwards, perhaps in an earlier attempt. */
  #answered(run: Run, task: Task, result: unknown, where: string): void {
    const { call, onComplete } = task.plan;
    const first = onComplete === undefined ? task.attempt : 1;
    const keys = Array.from({ length: task.attempt - first + 1 }, (_, at) =>
      keyOf(run, task, first + at, call.function),
    );
    const answers = keys.flatMap((of) => this.#answers.get(this.#keys.get(of) ?? '') ?? []);
    const isAnswer = answers.some((answer) => isDeepStrictEqual((answer as { value?: unknown }).value, result));
    check(isAnswer, `P7 ${where}: nobody has answered ${JSON.stringify(result)}`);
  }

  /** A failure that the other side, the network, the time or an item is to blame for. */
  #failed(run: Run, task: Task, data: SeenFact['data'], at: number, where: string): void {
    const { call, onComplete } = task.plan;
    const code = codeOf(data);
    if (code === 'taskTimedOut') return this.#notEarly(at, task.since, task.plan.timeoutSeconds, where);
    if (code === 'effectInDoubt')
      return check(task.plan.onInDoubt === 'fail' && this.#life > 1, `P6 ${where}: its call is in no doubt`);
    if (isMap(task)) {
      const hasFailed = call.onItemFailure === 'stop' && task.items?.some(({ bad }) => bad) === true;
      return check(code === 'itemFailed' && hasFailed, `P7 ${where}: none of its items failed`);
    }
    if (onComplete !== undefined && ['invalidDocument', 'tooManyTasks'].includes(code)) return;
    const keys = [call.function, onComplete?.addTasks].map((called) => keyOf(run, task, task.attempt, called));
    const isTheirs = keys.some((of) => this.#failures.get(this.#keys.get(of) ?? '')?.includes(code) === true);
    check(isTheirs, `P7 ${where}: nobody has failed with "${code}"`);
  }

  #notEarly(at: number, since: number, seconds = Infinity, where: string): void {
    const early = since + seconds * 1_000 - this.#backMs - ROUNDING_MS - at;
    check(early <= 0, `P5 ${where}: ${early} ms before its time`);
  }

  #mayBegin(run: Run, task: Task, where: string): void {
    const { dependsOn, after } = task.plan;
    for (const name of [...dependsOn, ...after]) {
      const before = run.tasks.get(name);
      check(
        isOver(run, before, task),
        `P4 ${where}: ${name}, which comes first, is ${before?.status}, or what it added`,
      );
    }
    for (const name of dependsOn) {
      const before = run.tasks.get(name);
      const isGood = before?.bad === false;
      check(isGood, `P4 ${where}: ${name}, which it needs, is ${before?.status}`);
    }
    const map = task.from?.as === 'item' ? run.tasks.get(task.from.task) : undefined;
    check(map === undefined || map.status === 'running', `P4 ${where}: its map is ${map?.status}`);
  }

  #ofRun(run: Run, plan: Plan, { type, data, at }: SeenFact, where: string): void {
    const tasks = [...run.tasks.values()];
    const running = holders(run).length;
    check(type !== 'run_waiting' || running === 0, `P3 ${where}: ${running} tasks run`);
    if (type === 'run_paused' || type === 'run_resumed') {
      check(run.paused === (type === 'run_resumed'), `P3 ${where}`);
      run.paused = !run.paused;
    }
    if (!RUN_ENDS.has(type)) return;
    const alive = tasks.filter(isAlive);
    // A quarantined run is stopped without its machine being asked.
    if (!(run.stuck && type === 'run_cancelled')) check(alive.length === 0, `P3 ${where}: ${this.#shape(alive)}`);
    // What the failure of an item means, its map says.
    const isBad = tasks.some(({ bad, from }) => bad && from?.as !== 'item');
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

  #call({ run: name, task: taskName, attempt, called = '', key, repeated }: SeenCall): void {
    const run = this.#run(name);
    const of = taskName === undefined ? key : `${name}/${taskName}/${attempt}/${called}`;
    const before = this.#calls.get(key);
    const where = `call ${key} of run ${name}${taskName === undefined ? '' : `, task ${taskName}, attempt ${attempt}`}`;
    check(before === undefined || before.of === of, `P6 ${where} has the key of ${before?.of}`);
    const [earlier = key, task] = [this.#keys.get(of), run.tasks.get(taskName ?? '')];
    // A model may be asked once more for tasks that fit: its answer was none.
    const isRepair = task?.plan.onComplete !== undefined && this.#answers.has(earlier);
    check(earlier === key || isRepair, `P6 ${where} has another key than before, ${earlier}`);
    check(before === undefined || repeated, `P6 ${where} is a repeat and does not say so`);
    check(before?.life !== this.#life, `P6 ${where} was made in this process before`);
    this.#keys.set(of, key);
    const times = (before?.times ?? 0) + 1;
    this.#calls.set(key, { of, times, life: this.#life });
    if (task === undefined) return;
    const isIts = task.status === 'running' && task.attempt === attempt;
    check(isIts, `P6 ${where}: the task is ${task.status} at attempt ${task.attempt}`);
    const { onInDoubt } = task.plan;
    const allowed = onInDoubt === 'retry' ? Infinity : onInDoubt === 'fail' ? 1 : 1 + this.#times(run, task, 'retry');
    check(times <= allowed, `P6 ${where} was made ${times} times although its policy is ${onInDoubt}`);
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
    if (request === `POST /runs/${runId}/cancel` && !ENDED.has(run.status)) run.cancelTaken = true;
  }

  /** What was told to have been decided stands in the facts, as soon as the turn that took it has come to its end. */
  #kept(run: Run): void {
    if (run.cutSince !== Infinity) return;
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
    const run: Run = { ...state, ...marks, name, facts: [], tasks: new Map(), told: [] };
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

function keyOf({ name }: Run, { plan }: Task, attempt: number, called = ''): string {
  return `${name}/${plan.name}/${attempt}/${called}`;
}

function codeOf(data: SeenFact['data']): string {
  return ((data['error'] ?? {}) as { readonly code?: string }).code ?? '';
}

function isMap({ plan }: Task): boolean {
  return plan.call.kind === 'map';
}

/** Tasks that hold a slot: a map does until it has its items. */
function holders(run: Run): readonly Task[] {
  return [...run.tasks.values()].filter(({ status, items }) => status === 'running' && items === undefined);
}
