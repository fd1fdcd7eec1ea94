/**
 * Who asks a model the same at the same time: one of them leads and calls, the others stand in line behind it.
 *
 * L1. The database is the truth: an answer that is committed, and an open call of whoever claimed the question with the
 *     commit that asked for it. What is in memory only says whom to wake, so that a crash forgets nothing: the calls that
 *     it cut off are claims still, and who asks again waits for them.
 * L2. Nobody waits for ever. Where the call of the leader has ended without an answer that is kept (it failed, was
 *     cancelled, is not to be kept), the next one leads. So it is where its claim never came, and where its run takes
 *     nothing more here: then nobody would hear how its call ends. And nobody waits longer than its own call may take:
 *     behind a provider that hangs a thousand would else be tried one after the other. What the leader waits for the
 *     money of their run does not count: each of them would wait for that, too.
 * L3. Each is answered once: an answer, or that it leads. One that goes away leaves the line.
 */
import type { Clock, TimerHandle } from '../../src/clock.ts';
import type { AnswerClaim, AnswerRow } from '../../src/store/answers.ts';

/** How long a leader may take to claim what it was told to ask. It has only to commit, behind whatever its run has to do. */
const CLAIM_MS = 30_000;
/** How often a line looks up from its waiting, should nobody wake it. */
const LOOK_MS = 5_000;

/** Facts after which the call of their task has not ended. */
const GOES_ON: ReadonlySet<string> = new Set([
  'task_started',
  'cache_comparing',
  'cache_missed',
  'model_chosen',
  'progress',
  'shared_changed',
]);

/** A task, by the run it belongs to. */
export interface Asker {
  readonly run: string;
  readonly actor: string;
}

/** Who asks, and what. */
export interface Asking extends Asker {
  readonly key: string;
  readonly signal: AbortSignal;
  /** How long it waits; default: as long as it takes. */
  readonly patienceMs?: number | undefined;
  /** Whether an answer is one to it. */
  serves(answer: AnswerRow): boolean;
}

/** What it is told. Without an answer it is to ask a model. */
export interface Told {
  readonly answer?: AnswerRow;
  /** It waited for another one that asked. */
  readonly shared: boolean;
}

/** What lines depend on. */
export interface LineSurroundings {
  /** The committed answer, and who has an open call for it. */
  find(key: string): Promise<{ readonly answer?: AnswerRow | undefined; readonly claim?: AnswerClaim | undefined }>;
  /** Whether a run takes nothing more in this process: quarantined, or its machine is missing. */
  isBlocked(run: string): boolean;
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
}

interface Waiting extends Asking {
  since: number;
  /** It has stood behind somebody. */
  stood: boolean;
  answer(told: Told): void;
  fail(thrown: unknown): void;
}

/** Whoever calls, or is about to. */
interface Leader extends Asker {
  /** When it was told to; undefined once its claim was seen. */
  readonly toldAt?: number | undefined;
}

interface Line {
  readonly key: string;
  readonly waiting: Set<Waiting>;
  /** Undefined until it is known who does. */
  leader: Leader | undefined;
  timer: TimerHandle | undefined;
  /** It is being looked up; and once more, where something has changed meanwhile. */
  looking: boolean;
  again: boolean;
}

/**
 * The lines of a process.
 *
 * @example
 * const lines = new Lines({ find: (key) => store.answer(tenant, key, clock.now()), isBlocked: () => false, clock });
 * const { answer } = await lines.ask({ key, run, actor, signal, serves: () => true }); // undefined: ask a model
 */
export class Lines {
  readonly #surroundings: LineSurroundings;
  readonly #lines = new Map<string, Line>();
  readonly #byLeader = new Map<string, Line>();
  readonly #byWaiting = new Map<string, Line>();

  constructor(surroundings: LineSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Tasks that wait for another one's call. */
  get waiting(): number {
    return this.#byWaiting.size;
  }

  /** For whose call a task waits; undefined where it waits for nobody's. */
  leaderOf(asker: Asker): Asker | undefined {
    return this.#byWaiting.get(nameOf(asker))?.leader;
  }

  /** Asks for an answer: gets it, or is told to ask a model. Throws the reason of its signal. */
  ask(asking: Asking): Promise<Told> {
    const name = nameOf(asking);
    const line = this.#lines.get(asking.key) ?? this.#begin(asking.key);
    // It has come back before anybody noticed that its call had ended.
    if (line.leader !== undefined && nameOf(line.leader) === name) this.#lead(line, undefined);
    const told = new Promise<Told>((resolve, reject) => {
      const leave = (): void => {
        line.waiting.delete(waiting);
        this.#byWaiting.delete(name);
        asking.signal.removeEventListener('abort', abort);
      };
      const abort = (): void => waiting.fail(asking.signal.reason);
      const waiting: Waiting = {
        ...asking,
        since: this.#surroundings.clock.now(),
        stood: line.leader !== undefined,
        answer(answer) {
          leave();
          resolve(answer);
        },
        fail(thrown) {
          leave();
          reject(thrown);
        },
      };
      line.waiting.add(waiting);
      this.#byWaiting.set(name, line);
      asking.signal.addEventListener('abort', abort);
      if (asking.signal.aborted) abort();
    });
    if (line.leader === undefined) void this.#look(line);
    else this.#watch(line);
    return told;
  }

  /** A committed fact of a task: the call of a leader may have ended with it. */
  heard({ run, actor, type }: Asker & { readonly type: string }): void {
    const line = GOES_ON.has(type) ? undefined : this.#byLeader.get(nameOf({ run, actor }));
    if (line === undefined) return;
    if (line.waiting.size === 0) return this.#drop(line);
    this.#lead(line, undefined);
    void this.#look(line);
  }

  /** Nothing is looked up any more. */
  close(): void {
    for (const line of this.#lines.values()) this.#drop(line);
  }

  #begin(key: string): Line {
    const line: Line = {
      key,
      waiting: new Set(),
      leader: undefined,
      timer: undefined,
      looking: false,
      again: false,
    };
    this.#lines.set(key, line);
    return line;
  }

  /** Nobody stands in it any more. */
  #drop(line: Line): void {
    line.timer?.clear();
    this.#lead(line, undefined);
    if (this.#lines.get(line.key) === line) this.#lines.delete(line.key);
  }

  /** Looks up how things are, and lets whoever has an answer go. */
  async #look(line: Line): Promise<void> {
    line.again = line.looking;
    if (line.looking) return;
    line.looking = true;
    try {
      let found;
      do {
        line.again = false;
        found = await this.#surroundings.find(line.key);
        // What was read may be older than what has happened meanwhile.
      } while (line.again);
      this.#decide(line, found);
    } catch (thrown) {
      for (const waiting of line.waiting) waiting.fail(thrown);
    } finally {
      line.looking = false;
    }
    if (line.waiting.size > 0) this.#watch(line);
    else if (line.leader === undefined) this.#drop(line);
  }

  #decide(line: Line, { answer, claim }: Awaited<ReturnType<LineSurroundings['find']>>): void {
    for (const waiting of line.waiting)
      if (answer !== undefined && waiting.serves(answer)) waiting.answer({ answer, shared: waiting.stood });
    const { isBlocked, clock } = this.#surroundings;
    const now = clock.now();
    const goes: Waiting[] = [];
    for (const waiting of line.waiting) {
      if (claim?.waitsForMoney === true && claim.run === waiting.run) waiting.since = now;
      if (Math.abs(now - waiting.since) >= (waiting.patienceMs ?? Infinity)) goes.push(waiting);
    }
    const { run, toldAt } = line.leader ?? {};
    const isAboutTo = run !== undefined && toldAt !== undefined && Math.abs(now - toldAt) < CLAIM_MS;
    const [first] = line.waiting;
    if (claim !== undefined && !isBlocked(claim.run)) {
      this.#lead(line, { run: claim.run, actor: claim.actor });
    } else if (first !== undefined && !(isAboutTo && !isBlocked(run))) {
      const next = goes[0] ?? first;
      this.#lead(line, { run: next.run, actor: next.actor, toldAt: now });
      next.answer({ shared: false });
    } else if (first === undefined && answer !== undefined) {
      this.#lead(line, undefined);
    }
    for (const waiting of goes) waiting.answer({ shared: false });
  }

  #lead(line: Line, leader: Leader | undefined): void {
    if (leader !== undefined) for (const waiting of line.waiting) waiting.stood = true;
    const before = line.leader && nameOf(line.leader);
    // It may lead another line by now.
    if (before !== undefined && this.#byLeader.get(before) === line) this.#byLeader.delete(before);
    line.leader = leader;
    if (leader !== undefined) this.#byLeader.set(nameOf(leader), line);
  }

  /** Should nobody say that the leader is gone (L2). */
  #watch(line: Line): void {
    line.timer ??= this.#surroundings.clock.setTimer(() => {
      line.timer = undefined;
      if (line.waiting.size > 0) void this.#look(line);
    }, LOOK_MS);
  }
}

function nameOf({ run, actor }: Asker): string {
  return `${run} ${actor}`;
}
