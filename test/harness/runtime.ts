/**
 * A runtime on a database file of its own, with a clock that moves only when a test says so. It is closed and checked
 * for leaks when the test ends. Nothing here waits for real time: `settle` gives the event loop turns until all is quiet.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { createRuntime, type Runtime, type RuntimeOptions } from '../../src/runtime/runtime.ts';
import type { Fact } from '../../src/runtime/facts.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from './clock.ts';
import { folderInMemory, layDatabase } from './database.ts';

/** What a test may set; everything else is given. */
export interface RuntimeSetup extends Omit<RuntimeOptions, 'store' | 'clock'> {
  /** Puts something between the runtime and its store. */
  readonly wrap?: (store: Store) => Store;
  /** The test ends with effects under way or runs in memory on purpose. */
  readonly leavesWork?: boolean;
}

/** A runtime under test. */
export interface RuntimeUnderTest {
  /** The runtime that is open now. */
  readonly runtime: Runtime;
  readonly clock: ManualClock;
  readonly file: string;
  /** Lines that the runtime logged. */
  readonly logged: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];
  /** Every fact published, over all restarts. */
  readonly facts: Fact[];
  /** Lets everything happen that needs no time to pass. */
  settle(): Promise<void>;
  /** Moves time on, and lets happen what comes due. */
  advance(ms: number): Promise<void>;
  /** Closes and opens again on the same file, with other settings where given. */
  restart(changed?: Partial<RuntimeSetup>): Promise<Runtime>;
  /** Kills: the store is gone under the runtime, which gets no chance to say anything. Then opens again. */
  crash(changed?: Partial<RuntimeSetup>): Promise<Runtime>;
  /** Opens without closing first, where a test has closed or expects a refusal. */
  open(changed?: Partial<RuntimeSetup>): Promise<Runtime>;
}

/** Turns of the event loop that certainly suffice for what an asynchronous store does between two turns. */
const QUIET_ROUNDS = 25;

/** Gives the event loop `rounds` turns. */
export async function turnsOfTheLoop(rounds = QUIET_ROUNDS): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Opens a runtime for the running test. */
export async function openRuntime(setup: RuntimeSetup): Promise<RuntimeUnderTest> {
  const folder = folderInMemory();
  const file = join(folder, 'fermata.db');
  await layDatabase(file);
  const logged: RuntimeUnderTest['logged'] = [];
  const facts: Fact[] = [];
  let current = setup;
  let clock = new ManualClock();
  let store: Store | undefined;
  let runtime: Runtime | undefined;
  let runs = 0;

  const use = (): Runtime => {
    expect(runtime, 'the runtime is open').toBeDefined();
    return runtime as Runtime;
  };
  const open = async (changed: Partial<RuntimeSetup> = {}): Promise<Runtime> => {
    current = { ...current, ...changed };
    const { wrap = (given) => given, leavesWork: _, ...options } = current;
    store = sqliteStore(file);
    runtime = await createRuntime({
      newRunId: () => `run-${++runs}`,
      log: (message, fields) => logged.push({ message, fields }),
      ...options,
      store: wrap(store),
      clock,
      // What is recovered may be committed before the start is over.
      opened: (begun) => void begun.subscribe(undefined, (fact) => facts.push(fact)),
    });
    return runtime;
  };
  const settle = async (): Promise<void> => {
    await use().idle();
    await turnsOfTheLoop();
    await use().idle();
  };

  onTestFinished(async () => {
    if (runtime !== undefined) {
      if (current.leavesWork !== true) {
        await settle();
        expect(runtime.load, 'nothing is left in memory').toEqual({ residentRuns: 0, effectsInFlight: 0 });
      }
      await runtime.close();
      expect(clock.armed, 'no timer is left armed').toBe(0);
      const other = sqliteStore(file);
      await other.open();
      await other.close();
    }
    await rm(folder, { recursive: true });
  });

  const under: RuntimeUnderTest = {
    get runtime() {
      return use();
    },
    get clock() {
      return clock;
    },
    file,
    logged,
    facts,
    settle,
    advance: (ms) => clock.advance(ms, settle),
    async restart(changed) {
      await settle();
      await use().close();
      expect(clock.armed, 'no timer is left armed').toBe(0);
      return open(changed);
    },
    async crash(changed) {
      // An orderly end of the store removes what says that there was none. Nothing waits here: a kill comes at once.
      const mark = readFileSync(`${file}.deciding`);
      await store?.close();
      writeFileSync(`${file}.deciding`, mark);
      // The dead runtime keeps a clock that stands still for ever.
      clock = new ManualClock(clock.now());
      return open(changed);
    },
    open,
  };
  await open();
  return under;
}
