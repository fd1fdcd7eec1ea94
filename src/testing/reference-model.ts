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
 * P11. A task that runs a workflow begins one run at each attempt and ends as that ends; who waits no longer lets it end.
 * P12. What a fork takes over, another run has found; what it could take over, it does not pay for again
 *     (`reference-forks.ts`).
 * P13. Of values that tasks share each write is done once and has the next revision; what a task publishes is there when
 *     it completes; who is to be stopped by one is, and nobody else (`reference-shared.ts`).
 * P14. Each request to a model is on one bill with its outcome, at what the other side said that it used and the prices of
 *     its day; one without an outcome is on it without a cost. Sums are those of the bills, the ledger is what the journal
 *     says (`reference-bills.ts`).
 * P15. A run with a budget never has more on its bills, and ends on it only where a call waited that fits into nothing.
 * P16. Answers serve again only where a document says so, among those who share them, as they were given, and are on no
 *     bill; of tasks that ask the same at the same time one calls (`reference-cache.ts`). Those of similar questions serve
 *     where their vectors are as near as the document wants, and a judge has said yes where it wants one
 *     (`reference-similar.ts`).
 * P17. A call that may choose among models asks the one that its author's rule names of those that are left, says so once
 *     for each attempt, and that one is paid (`reference-choices.ts`).
 *
 * This file keeps what is promised of runs, their facts and requests; its neighbours what is promised of tasks, of runs
 * that grow, of calls, events from outside, and time.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Judge } from './choices.ts';
import type { Seen, SeenFact } from './observation.ts';
import type { FinalRun, Plan } from './plan.ts';
import { BillsModel } from './reference-bills.ts';
import { CacheModel } from './reference-cache.ts';
import { CallsModel } from './reference-calls.ts';
import { ChoicesModel } from './reference-choices.ts';
import { ChildrenModel } from './reference-children.ts';
import { ClockModel } from './reference-clock.ts';
import { SimilarModel, type VectorOf } from './reference-similar.ts';
import { OutsideEventsModel } from './reference-events.ts';
import { SharedModel } from './reference-shared.ts';
import { ForksModel } from './reference-forks.ts';
import { added, checkConcurrency, dropItems, outputOf } from './reference-growth.ts';
import { checkBreadth } from './reference-rounds.ts';
import {
  check,
  codeOf,
  ENDED,
  fresh,
  holders,
  isAlive,
  RUN_ENDS,
  WAITS_FOR_SOMEBODY,
  type Run,
  type Task,
  keepsBudget,
} from './reference-run.ts';
import { TasksModel } from './reference-tasks.ts';

/** Watches a world. */
export class ReferenceModel {
  readonly #planOf: (workflow: string) => Plan | undefined;
  readonly #runs = new Map<string, Run>();
  readonly #started = new Map<string, string>();
  /** Requests that were made, by what they ask for. */
  readonly #asked = new Map<string, number>();
  readonly #bills = new BillsModel();
  readonly #calls = new CallsModel();
  readonly #choices = new ChoicesModel();
  readonly #children = new ChildrenModel((name) => this.#run(name));
  readonly #clock = new ClockModel();
  readonly #forks = new ForksModel(this.#runs);
  readonly #cache: CacheModel;
  readonly #tasks: TasksModel;

  /**
   * @param planOf the document of a workflow, by its name
   * @param judge the language of its conditions
   * @param vectorOf what stands for a prompt, where similar questions are looked for
   */
  constructor(planOf: (workflow: string) => Plan | undefined, judge: Judge, vectorOf?: VectorOf) {
    this.#cache = new CacheModel(this.#clock, new SimilarModel(vectorOf));
    this.#planOf = planOf;
    const times = (run: Run, task: string, command: string): number => this.#times(run, task, command);
    const models = { calls: this.#calls, children: this.#children, clock: this.#clock, forks: this.#forks };
    this.#tasks = new TasksModel({ judge, ...models, times });
  }

  /** Takes note of what was seen next. Throws `FermataError` `simulationFailed`. */
  see(seen: Seen): void {
    if (seen.kind === 'start') this.#calls.began();
    else if (seen.kind === 'clock') this.#clock.wasSet(seen.byMs);
    else if (seen.kind === 'commit') this.#commit(seen);
    else if (seen.kind === 'fact') {
      if (!keepsBudget(seen.fact.run)) this.#published(seen.fact);
    } else if (seen.kind === 'call') {
      const run = this.#run(seen.call.run);
      this.#bills.made(seen.call);
      this.#calls.made(run, seen.call, this.#times(run, seen.call.task, 'retry'));
      this.#cache.similar.asked(run, seen.call);
    } else if (seen.kind === 'answer' || seen.kind === 'failure') {
      this.#calls.ended(seen);
      if (seen.kind === 'answer') this.#bills.answered(seen);
      if (seen.kind === 'answer') this.#cache.similar.answered(seen);
    } else if (seen.kind === 'request') this.#request(seen);
    else if (seen.kind === 'reply') this.#reply(seen);
    else if (seen.kind === 'log' && seen.message === 'a run cannot go on') this.#run(seen.run ?? '').stuck = true;
    else if (seen.kind === 'log') check(!seen.message.includes('unexpectedly'), `P9 the runtime said: ${seen.message}`);
  }

  /** Every run that there is, ended where it is one of a document: `read` tells how it is shown. */
  async finish(read: (run: string) => Promise<FinalRun>): Promise<void> {
    this.#children.finish();
    for (const [key, run] of this.#started) check(this.#runs.has(run), `P1 run ${run}, started under ${key}, is gone`);
    for (const [name, run] of this.#runs) {
      const shown = await read(name);
      check(isDeepStrictEqual(shown.facts, run.facts), `P2 the journal of run ${name} is not what was committed`);
      if (run.plan === undefined) continue;
      const waits = [...run.tasks.values()].some(
        (task) => WAITS_FOR_SOMEBODY.has(task.status) || this.#children.isOpen(run, task),
      );
      if (waits || run.paused) continue;
      this.#bills.finish(run, shown.counts);
      this.#cache.finish(run, shown.counts);
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
    for (const fact of facts) if (!keepsBudget(fact.run)) this.#fact(this.#run(fact.run), fact);
    for (const { run: name, status, progress, lastAt, cut } of runs) {
      if (keepsBudget(name)) continue;
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
    if (fact.type === 'run_started') this.#forks.began(run, fact.data, where);
    if (fact.type === 'run_started') this.#begin(run, fact, where);
    if (run.plan === undefined) return;
    this.#bills.ofBudget(run, fact, where);
    this.#bills.see(run, fact, where);
    this.#choices.billed(run, fact, where);
    if (fact.type.startsWith('budget_') || fact.type === 'cost_warning') return;
    if (fact.type === 'shared_changed' && 'reused' in fact.data) {
      check(
        [...run.tasks.values()].every(({ status }) => status === 'pending'),
        `P13 ${where}: a task has begun`,
      );
      return run.shared.tookOver(fact, this.#forks.shares(run, fact, where), where);
    }
    if (fact.type === 'shared_changed') {
      const isOpen = (by: string): boolean => !ENDED.has(run.tasks.get(by)?.status ?? 'none');
      return run.shared.changed(fact, (by) => run.tasks.has(by) && isOpen(by), where);
    }
    this.#tasks.decideStops(run);
    const name = fact.data['task'];
    if (typeof name !== 'string') return this.#ofRun(run, run.plan, fact, where);
    if (fact.type === 'items_cancelled') return dropItems(run, fact, where);
    const task = fact.type === 'task_added' && 'spec' in fact.data ? added(run, fact, where) : run.tasks.get(name);
    check(task !== undefined, `P3 ${where} names a task that the document does not have`);
    check(!ENDED.has(task.status), `P3 ${where}: task ${name} has ended (${task.status})`);
    if (fact.type === 'task_completed' && !('reused' in fact.data) && !('edited' in fact.data))
      this.#bills.completed(run, task, where);
    this.#cache.see(run, task, fact, where);
    if (fact.type === 'model_chosen') return this.#choices.chosen(run, task, fact, where);
    this.#tasks.see(run, run.plan, task, fact, `${where} about task ${name}, which is ${task.status}`);
    const running = holders(run).length;
    check(running <= run.plan.breadth, `P4 ${where}: ${running} tasks run, and at most ${run.plan.breadth} may`);
    checkConcurrency(run, task, where);
    checkBreadth(run, task, where);
  }

  #begin(run: Run, fact: SeenFact, where: string): void {
    this.#children.began(run, fact, where);
    run.plan = this.#planOf(String(fact.data['workflow']));
    for (const plan of run.plan?.tasks ?? []) run.tasks.set(plan.name, fresh(plan));
  }

  #ofRun(run: Run, plan: Plan, { type, data, at }: SeenFact, where: string): void {
    const tasks = [...run.tasks.values()];
    const running = holders(run).length;
    check(type !== 'run_waiting' || running === 0, `P3 ${where}: ${running} tasks run`);
    // Those that run without a slot wait for tasks of their own: one has to wait for more than that.
    const isAwaited = tasks.some((task) => isAlive(task) && task.status !== 'running');
    check(type !== 'run_waiting' || isAwaited, `P3 ${where}: there is nothing that it waits for`);
    if (type === 'run_paused' || type === 'run_resumed') {
      check(run.paused === (type === 'run_resumed'), `P3 ${where}`);
      run.paused = !run.paused;
    }
    if (!RUN_ENDS.has(type)) return;
    const alive = tasks.filter(isAlive);
    // A quarantined run is stopped without its machine being asked.
    if (!(run.stuck && type === 'run_cancelled')) check(alive.length === 0, `P3 ${where}: ${this.#shape(alive)}`);
    // What the failure of an item means, its map says; of a part, work in rounds.
    const isBad = tasks.some(({ bad, from }) => bad && from?.as !== 'item' && from?.as !== 'part');
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
      const isOver =
        codeOf({ error: data['reason'] }) === 'budgetExceeded' && this.#bills.mayBeOver(run, data['reason'] as object);
      check(isOver || isRefused || isAsked || this.#children.mayBeLetGo(run), `P7 ${where}: nobody has cancelled it`);
    } else if (codeOf(data) === 'runTimedOut') {
      this.#clock.notEarly(at, run.facts[0]?.at ?? 0, plan.timeoutSeconds, where);
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

  #request({ request, body }: Extract<Seen, { kind: 'request' }>): void {
    this.#asked.set(request, (this.#asked.get(request) ?? 0) + 1);
    const [, forked] = /^POST \/runs\/([^/]+)\/fork$/.exec(request) ?? [];
    if (forked !== undefined) this.#forks.asked(decodeURIComponent(forked), body);
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
    this.#tasks.decideStops(run);
    run.shared.settled(run.name, (name) => {
      const { status, plan } = run.tasks.get(name) ?? {};
      return status === 'running' && plan?.call.kind === 'subworkflow';
    });
    for (const { request, by } of run.told.splice(0)) {
      const decided = run.facts.some(
        ({ data }) => data['by'] === by && request === this.#path(run, data['task'], 'approve'),
      );
      check(decided, `P8 ${request} was told that its decision was taken, and it was not`);
    }
  }

  #times(run: Run, task: unknown, command: string): number {
    return this.#asked.get(this.#path(run, task, command)) ?? 0;
  }

  #path(run: Run, task: unknown, command: string): string {
    return `POST /runs/${run.name}/tasks/${encodeURIComponent(String(task))}/${command}`;
  }

  #run(name: string): Run {
    const known = this.#runs.get(name);
    if (known !== undefined) return known;
    const state = { plan: undefined, status: 'pending', progress: 0, paused: false };
    const marks = { cancelTaken: false, stuck: false, published: 0, cutSince: Infinity, fork: undefined };
    const run: Run = {
      ...state,
      ...marks,
      name,
      facts: [],
      tasks: new Map(),
      told: [],
      events: new OutsideEventsModel(check),
      shared: new SharedModel(check),
    };
    this.#runs.set(name, run);
    return run;
  }

  #shape(tasks: Iterable<Task>): string {
    return [...tasks].map(({ plan, status }) => `${plan.name} ${status}`).join(', ');
  }
}
