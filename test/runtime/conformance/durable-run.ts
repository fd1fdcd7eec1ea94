/** Scenarios on the durable runtime: many at once, each a run of its own, on one file. */
import { FermataError } from '../../../src/errors.ts';
import type { Store } from '../../../src/store/store.ts';
import { Gates, gateEffect } from './gates.ts';
import { Lives } from './lives.ts';
import { withoutOrphans } from './orphans.ts';
import {
  comparableEvent,
  comparableRoot,
  type Scenario,
  type Seen,
  type SeenStep,
  type Step,
  type Trace,
} from './scenario.ts';

/** What the process goes through meanwhile. */
export interface Way {
  readonly name: string;
  /** Closed in order and opened again after every step. */
  readonly restarts?: boolean;
  /** Killed between every two turns. */
  readonly killed?: boolean;
  readonly wrap?: (store: Store) => Store;
}

/** A scenario under way. */
class Case {
  readonly scenario: Scenario;
  /** Name of its machine in the runtime. */
  readonly name: string;
  readonly gates = new Gates();
  readonly machine;
  readonly steps: SeenStep[] = [];
  did: readonly string[] = [];
  runId = '';
  #seq = 0;

  constructor(scenario: Scenario, index: number) {
    this.scenario = scenario;
    this.name = `case-${index}`;
    this.machine = scenario.machine(this.gates);
  }

  start(lives: Lives): void {
    lives.ask(async (runtime) => {
      const idempotency = { key: this.name, bodyHash: '' };
      const { runId } = await runtime.start(this.name, { input: this.scenario.input, idempotency });
      this.runId = runId;
    });
  }

  /** Begins a step; true where it may have to be answered with a refusal. */
  act(lives: Lives, step: Step, number: number, refused: (by: Case) => void): void {
    if ('resolve' in step) this.gates.settle(step.resolve, { resolve: step.with });
    else if ('reject' in step) this.gates.settle(step.reject, { reject: step.with });
    else if ('send' in step) {
      lives.ask((runtime) =>
        runtime.send(this.runId, step.send, { id: `step-${number}` }).then(
          () => {},
          (thrown: unknown) => {
            if (!isRefusal(thrown)) throw thrown;
            refused(this);
          },
        ),
      );
    }
  }

  async see({ runtime }: Lives, refused: boolean): Promise<void> {
    const { snapshot } = await runtime.snapshot(this.runId);
    const trace: Trace[] = [];
    for (const { seq, kind, actor, type, data } of await runtime.journal(this.runId, {
      after: this.#seq,
      limit: 10_000,
    })) {
      this.#seq = seq;
      if (kind === 'event') trace.push(['takes', actor, comparableEvent(data as { type: string })]);
      if (kind === 'fact' && type === 'emitted')
        trace.push(['emits', actor, comparableEvent((data as { event: { type: string } }).event)]);
    }
    this.steps.push({ snapshot: comparableRoot(this.machine, snapshot), trace, refused });
    this.did = [...this.gates.did];
  }
}

/** Drives scenarios durably; what was seen of each, in order. All of them must have the same `timeOf`, or a beginning of it. */
async function runTogether(scenarios: readonly Scenario[], way: Way): Promise<readonly Seen[]> {
  const cases = scenarios.map((scenario, index) => new Case(scenario, index));
  const gatesOf = async (runId: string): Promise<Gates> => {
    const { machine } = await lives.runtime.read(runId);
    return (cases.find(({ name }) => `${name}@1` === machine) as Case).gates;
  };
  let lives: Lives;
  return Lives.run(
    {
      machines: Object.fromEntries(cases.map(({ name, machine }) => [`${name}@1`, machine])),
      actors: way.killed === true ? { gate: gateEffect(gatesOf) } : undefined,
      killed: way.killed,
      wrap: way.wrap,
    },
    async (opened) => {
      lives = opened;
      for (const one of cases) one.start(lives);
      await lives.quiet();
      await seeAll(cases, new Set());
      for (const moment of timetable(cases)) {
        const refused = new Set<Case>();
        if (moment.advance > 0) await lives.advance(moment.advance);
        else for (const [one, step, number] of moment.steps) one.act(lives, step, number, (by) => void refused.add(by));
        await lives.quiet();
        await seeAll(
          moment.steps.map(([one]) => one),
          refused,
        );
      }
      return cases.map(({ steps, did }) => ({ steps: withoutOrphans(steps), did }));
    },
  );

  async function seeAll(moved: readonly Case[], refused: ReadonlySet<Case>): Promise<void> {
    for (const one of moved) await one.see(lives, refused.has(one));
    if (way.restarts === true) await lives.restart();
  }
}

/** Drives each scenario durably, together with others where time allows it; what was seen, in order. */
export async function runDurably(scenarios: readonly Scenario[], way: Way): Promise<readonly Seen[]> {
  const seen = new Map<Scenario, Seen>();
  for (const together of batches(scenarios)) {
    const results = await runTogether(together, way);
    for (const [index, scenario] of together.entries()) seen.set(scenario, results[index] as Seen);
  }
  return scenarios.map((scenario) => seen.get(scenario) as Seen);
}

/** How time goes in a scenario. */
function timeOf({ steps }: Scenario): string {
  return steps.flatMap((step) => ('advance' in step ? [`${step.advance} `] : [])).join('');
}

/** Scenarios that can share a clock: time moves for all of them in the same way. Those in which it stands still are apart. */
function batches(scenarios: readonly Scenario[]): readonly (readonly Scenario[])[] {
  const found: { readonly time: string; readonly together: Scenario[] }[] = [];
  for (const scenario of scenarios.toSorted((a, b) => timeOf(b).length - timeOf(a).length)) {
    const time = timeOf(scenario);
    const batch = found.find((other) => (time === '' ? other.time === '' : other.time.startsWith(time)));
    if (batch === undefined) found.push({ time, together: [scenario] });
    else batch.together.push(scenario);
  }
  return found.map(({ together }) => together);
}

interface Moment {
  /** Time moves on; zero where something else happens. */
  readonly advance: number;
  readonly steps: readonly (readonly [Case, Step, number])[];
}

/** The steps of all cases, so that time moves for all at once. */
function* timetable(cases: readonly Case[]): Generator<Moment> {
  const at = new Map(cases.map((one) => [one, 0]));
  for (;;) {
    const next = cases.flatMap((one): (readonly [Case, Step, number])[] => {
      const number = at.get(one) ?? 0;
      const step = one.scenario.steps[number];
      return step === undefined ? [] : [[one, step, number]];
    });
    if (next.length === 0) return;
    const timeless = next.filter(([, step]) => !('advance' in step));
    const steps = timeless.length > 0 ? timeless : next;
    for (const [one, , number] of steps) at.set(one, number + 1);
    const [first] = steps;
    yield { advance: first !== undefined && 'advance' in first[1] ? first[1].advance : 0, steps };
  }
}

/** What plain XState ignores, the runtime refuses to a caller outside. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof FermataError && ['eventNotAccepted', 'runEnded'].includes(thrown.code);
}
