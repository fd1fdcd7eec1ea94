/** Where lines of progress go: plain lines, or on a terminal a list in which each task has one line that moves. */
import { layOut, type Mood, type ProgressLine, type ShownFact } from './progress.ts';
import { startProgressList } from './progress-list.ts';
import type { Shell, Style } from './shell.ts';

/** Shows progress. */
export interface Display {
  show(line: ProgressLine): void;
  /** Nothing more comes; what is still open is left as it stands. */
  end(): Promise<void>;
}

/** Lists that are longer than a screen cannot be redrawn. */
const MOST_LISTED_TASKS = 30;

const STYLES: Readonly<Record<Mood, Style>> = {
  begun: 'dim',
  done: 'green',
  failed: 'red',
  waits: 'yellow',
  repeats: 'yellow',
  told: 'dim',
  passed: 'dim',
  warns: 'yellow',
};

/** One line after the other. */
export function plainDisplay(shell: Pick<Shell, 'err' | 'style'>): Display {
  return {
    show: (line) => shell.err(shell.style(STYLES[line.mood], layOut(line))),
    end: async () => {},
  };
}

/**
 * A list where there is a terminal that holds it, else plain lines.
 *
 * @param first the first fact of the run: `run_started` says how many tasks there are
 */
export function chooseDisplay(shell: Shell, first: ShownFact): Display {
  const { total } = first.data;
  const fits = first.event === 'run_started' && typeof total === 'number' && total <= MOST_LISTED_TASKS;
  return shell.isTerminal && fits ? startProgressList(total) : plainDisplay(shell);
}
