/** A process that walks the paths it is told to, one part after the other, each on a database of its own. */
import { Workbench } from '../../harness/documents.ts';
import { startRawModelServer } from '../../harness/raw-model-server.ts';
import { KINDS, type Path, type Site } from './kinds.ts';
import type { Part, Walked } from './walk-all.ts';

let known: { readonly kind: number; readonly paths: readonly Path[] } | undefined;

async function walkPart({ kind, from, to }: Part): Promise<readonly Walked[]> {
  // The paths of a kind take seconds to find, and its parts come one after the other.
  if (known?.kind !== kind) known = { kind, paths: KINDS[kind]?.paths() ?? [] };
  const walked: Walked[] = [];
  let site = await openSite();
  let before: readonly string[] = [];
  for (const path of known.paths.slice(from, to)) {
    const parting = path.steps.findIndex((step, at) => step !== before[at]);
    const thrown = await path.walk(site, parting === -1 ? path.steps.length : parting).then(
      () => undefined,
      (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
    walked.push({ title: path.title, steps: path.steps.length, ...thrown });
    before = thrown === undefined ? path.steps : [];
    if (thrown === undefined) continue;
    // What a path left behind must not fail the next.
    await closeSite(site).catch(() => {});
    site = await openSite();
  }
  await closeSite(site);
  return walked;
}

async function openSite(): Promise<Site> {
  const server = await startRawModelServer(() => {});
  return { server, bench: await Workbench.open({ openai: { apiKey: 'none', baseUrl: server.baseUrl } }) };
}

async function closeSite({ bench, server }: Site): Promise<void> {
  await bench.close();
  await server.stop();
}

process.on('message', (part: Part) => {
  void walkPart(part).then((walked) => process.send?.(walked));
});
