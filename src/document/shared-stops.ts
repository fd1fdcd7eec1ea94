/** Whom a write of a shared value stops: live tasks whose `cancelWhen` it makes true. */
import type { SharedWritten, Stop } from '../../machines/task/sharing.ts';
import type { PreparedStep } from '../../machines/workflow/prepared.ts';
import { FermataError, toErrorData } from '../errors.ts';
import type { WaitPlace } from '../store/outside-events.ts';
import { stopOf } from './cancel-when.ts';
import { liveScope } from './live-scope.ts';
import { later } from './preparation/results.ts';
import type { RunGraph } from './run-graph.ts';

/** Those of one turn: each is told, and all that follows from its end happens, before others are. */
const STOPS_AT_ONCE = 100;

/**
 * Whom a write stops. What a task publishes it publishes at its end: it does not stop itself. There may be 10,000 that watch
 * one value: between pages the turn waits, so that the process serves others meanwhile; and where many stop, the run goes on
 * with the rest of them in another turn.
 */
export function toStop({ changed, task, published, rest }: SharedWritten, graph: RunGraph): PreparedStep | undefined {
  const { rows } = graph;
  const seqs = rest?.seqs ?? Object.fromEntries(changed.map((key) => [key, rows.get('shared', key)?.seq ?? 0]));
  const except = published ? task : undefined;
  const stops = new Map<string, Stop>();
  const keys = [...(rest?.keys ?? changed)];
  for (let after = rest?.after, key = keys[0]; key !== undefined; key = keys[0]) {
    const page = pageOfStops(graph, key, after, { seqs, except });
    for (const [name, stop] of page.found) stops.set(name, stop);
    after = page.next;
    if (after === undefined) keys.shift();
    if (stops.size >= STOPS_AT_ONCE && keys.length > 0)
      return { stops: listed(stops), stopsRest: { keys, seqs, ...(after === undefined ? {} : { after }) } };
  }
  return stops.size === 0 ? undefined : { stops: listed(stops) };
}

function listed(stops: ReadonlyMap<string, Stop>): NonNullable<PreparedStep['stops']> {
  return [...stops].map(([name, stop]) => ({ task: name, stop }));
}

interface PageOfStops {
  readonly found: readonly [string, Stop][];
  readonly next: WaitPlace | undefined;
}

function pageOfStops(
  graph: RunGraph,
  key: string,
  after: WaitPlace | undefined,
  of: { readonly seqs: Readonly<Record<string, number>>; readonly except: string | undefined },
): PageOfStops {
  const { rows } = graph;
  const look = (): PageOfStops => {
    const { items, next } = rows.openWatches(key, after);
    const found = items.flatMap(({ task }): [string, Stop][] => {
      const stop = task === of.except ? undefined : stopFor(graph, task, of.seqs);
      return stop === undefined ? [] : [[task, stop]];
    });
    return { found, next: next === undefined ? undefined : { position: next.position, task: next.task } };
  };
  return after === undefined ? look() : rows.read(`stops/${after.position}/${after.task}/${key}`, () => later(look()));
}

function stopFor(graph: RunGraph, task: string, seqs: Readonly<Record<string, number>>): Stop | undefined {
  const spec = graph.spec(task);
  const now = liveScope(graph, task, spec.cancelWhen === undefined ? [] : [spec.cancelWhen]);
  const written = Object.keys(now.shared ?? {}).flatMap((key): [string, unknown][] => {
    const seq = Object.hasOwn(seqs, key) ? seqs[key] : undefined;
    return seq === undefined ? [] : [[key, (graph.rows.entry(seq) as { readonly value: unknown }).value]];
  });
  const scope = { ...now, shared: { ...now.shared, ...Object.fromEntries(written) } };
  try {
    const stop = stopOf(spec, scope);
    if (stop === undefined) return undefined;
    const { reason, condition } = stop;
    return { reason, ...(condition === undefined ? {} : { condition }) };
  } catch (thrown) {
    if (!(thrown instanceof FermataError)) throw thrown;
    return { error: toErrorData(thrown) };
  }
}
