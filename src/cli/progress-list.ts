/** Progress on a terminal: one line a task, drawn by listr2 on standard error. */
import { createWritable, Listr, ListrLogger, ProcessOutput, type DefaultRenderer, type ListrTaskWrapper } from 'listr2';
import { FermataError } from '../errors.ts';
import type { Display } from './display.ts';
import { bracket, type ProgressLine } from './progress.ts';

/** Lines beyond those of the tasks: about the run itself. */
const SPARE_SLOTS = 10;

type Slot = {
  readonly task: ListrTaskWrapper<unknown, typeof DefaultRenderer, never>;
  readonly settle: PromiseWithResolvers<void>;
};

/**
 * Starts a list for a run of `total` tasks. The list needs all its lines from the start; those without a title are not
 * drawn, so each one waits for the task that begins next.
 */
export function startProgressList(total: number): Display {
  const free: Slot[] = [];
  const taken = new Map<string, Slot>();
  const list = new Listr<unknown, 'default', 'silent'>(
    Array.from({ length: total + SPARE_SLOTS }, () => ({
      task: (_: unknown, task: Slot['task']) => {
        const settle = Promise.withResolvers<void>();
        free.push({ task, settle });
        return settle.promise;
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: 'default',
      rendererOptions: { collapseErrors: true, formatOutput: 'wrap', logger: stderrLogger() },
    },
  );
  const running = list.run();

  const show = (line: ProgressLine): void => {
    const slot = (line.task === undefined ? undefined : taken.get(line.task)) ?? free.shift();
    if (slot === undefined) return;
    const text = `${bracket(line)}${line.text}`;
    slot.task.title = line.mood === 'begun' ? `${text}…` : text;
    if (line.task !== undefined && line.last) taken.delete(line.task);
    else if (line.task !== undefined) taken.set(line.task, slot);
    if (!line.last && line.task !== undefined) return;
    if (line.mood === 'failed') slot.settle.reject(new FermataError('taskFailed', text));
    else slot.settle.resolve();
  };

  return {
    show,
    async end() {
      for (const { task, settle } of taken.values()) {
        task.skip();
        settle.resolve();
      }
      for (const { settle } of free) settle.resolve();
      await running;
    },
  };
}

/** listr2 writes to standard output, which is the result's. The second stream is one that it must not buffer. */
function stderrLogger(): ListrLogger {
  const nowhere = createWritable(() => {});
  return new ListrLogger({
    useIcons: true,
    toStderr: [],
    processOutput: new ProcessOutput(process.stderr, nowhere as unknown as NodeJS.WriteStream),
  });
}
