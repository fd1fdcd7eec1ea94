/** One run after the other, each killed at another commit and brought to its end: what many tests of crashes do. */
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import type { Call } from './model.ts';
import type { Scene } from './scene.ts';
import type { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

/** A run that was killed and has completed. */
export interface Survivor {
  readonly run: string;
  /** Its server, still there. */
  readonly server: ServerProcess;
  /** For messages: where it was killed. */
  readonly killed: string;
  /** The run as it is shown, or what a path below it answers (`/results`). */
  shown(path?: string): Promise<Readonly<Record<string, unknown>>>;
  /** Ends the server; the calls that were made for this run. */
  calls(): Promise<readonly Call[]>;
}

/** Lives a run of a document for each of these commits, which its server does not survive, and hands it to `look` once it has completed. */
export async function killedAt(
  scene: Scene,
  document: WorkflowDocument,
  { point, commits }: { readonly point: CrashPoint; readonly commits: readonly number[] },
  look: (survivor: Survivor) => Promise<void>,
): Promise<void> {
  const first = scene.serve();
  const workflow = await first.create(document);
  await first.kill();
  for (const nth of commits) {
    const before = new Set(scene.calls().map(({ key }) => key));
    const start = (server: ServerProcess) => server.execute(workflow, {}, `run ${nth}`);
    const dies = scene.serve({ crash: { point, nth } });
    await start(dies);
    await scene.died(dies);
    const server = scene.serve();
    const run = (await start(server)) ?? '';
    const shown = async (path = '') => (await server.get(`/runs/${run}${path}`))?.body ?? {};
    await until('the run to complete', async () => (await shown())['status'] === 'completed');
    const calls = async (): Promise<readonly Call[]> => {
      await server.kill();
      return scene.calls().filter(({ key }) => !before.has(key));
    };
    await look({ run, server, killed: `killed at ${point} ${nth}`, shown, calls });
    await server.kill();
  }
}
