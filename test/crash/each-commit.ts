/** One run after the other, each killed at another commit and brought to its end: what many tests of crashes do. */
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { Call } from './model.ts';
import type { Scene } from './scene.ts';
import type { ServerProcess } from './server-process.ts';
import type { Crash } from './server.ts';
import { until } from './until.ts';

/** A run that was killed and has ended. */
export interface Survivor {
  readonly run: string;
  /** Its server, still there. */
  readonly server: ServerProcess;
  /** For messages: where it was killed. */
  readonly killed: string;
  /** The run as it is shown, or what a path below it answers (`/results`). */
  shown(path?: string): Promise<Readonly<Record<string, unknown>>>;
  /** The calls that were made for this run. */
  calls(): readonly Call[];
}

/** What is looked at. */
export interface Looks {
  /** The file, while nobody has it open. */
  dead?(): Promise<void>;
  /** The run, once it has ended. */
  ended(survivor: Survivor): Promise<void>;
}

/**
 * Lives a run of a document for each of these crashes, which its server does not survive. The server that brings one run to
 * its end is the one that the next run dies with.
 *
 * @param document the same for all, or one for each
 */
export async function killedAt(
  scene: Scene,
  document: WorkflowDocument | ((crash: Crash) => WorkflowDocument),
  crashes: readonly Crash[],
  { dead, ended }: Looks,
): Promise<void> {
  let server = scene.serve();
  const stored = typeof document === 'function' ? undefined : await server.create(document);
  for (const crash of crashes) {
    const before = new Set(scene.calls().map(({ key }) => key));
    const killed = `killed at ${crash.point} ${crash.nth}`;
    const workflow = stored ?? (await server.create((document as (crash: Crash) => WorkflowDocument)(crash)));
    await server.dieAt(crash);
    await server.execute(workflow, {}, killed);
    await scene.died(server);
    await dead?.();
    const next = scene.serve();
    server = next;
    const run = (await next.execute(workflow, {}, killed)) ?? '';
    const shown = async (path = '') => (await next.get(`/runs/${run}${path}`))?.body ?? {};
    await until('the run to end', async () => typeof (await shown())['endedAt'] === 'string');
    const calls = (): readonly Call[] => scene.calls().filter(({ key }) => !before.has(key));
    await ended({ run, server: next, killed, shown, calls });
  }
  await server.kill();
}
