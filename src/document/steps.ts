/**
 * Long work in short steps. A document of 100,000 tasks takes a second or more to check; done at once, every other
 * request of the process would wait for that long. Written as a generator, it can be done either way.
 */

/** Work that yields where it may be interrupted. */
export type Steps<Result> = Generator<void, Result>;

/** Tasks between two interruptions: one or two milliseconds. */
const TASKS_PER_STEP = 64;

/** Goes through a list, and may be interrupted every few entries. */
export function* eachOf<Entry>(entries: readonly Entry[], work: (entry: Entry, index: number) => void): Steps<void> {
  for (const [index, entry] of entries.entries()) {
    if (index % TASKS_PER_STEP === TASKS_PER_STEP - 1) yield;
    work(entry, index);
  }
}

/** Does the work at once. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Lets everything else that is due go first. */
export type LetOthers = () => Promise<void>;

/** Does the work between whatever else the process has to do. Rejects with what the work throws. */
export async function inTurns<Result>(steps: Steps<Result>, letOthers: LetOthers = letOthersGo): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await letOthers();
  }
}

/** `LetOthers` of the process's own event loop. */
export function letOthersGo(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
