/**
 * The one difference that is taken out of the comparison, on both sides: what becomes of the children of an actor that ends in
 * error. Plain XState forgets them, and they go on without anybody; here they are stopped with it (docs/machines.md).
 */
import { childAddress } from '../../../src/runtime/xstate.ts';
import type { SeenStep, Trace } from './scenario.ts';

interface Shown {
  readonly status?: string;
  readonly children?: Readonly<Record<string, Shown>>;
}

/** The steps as if the children of an actor were gone once it has ended in error. */
export function withoutOrphans(steps: readonly SeenStep[]): readonly SeenStep[] {
  const broken = new Set<string>();
  return steps.map(({ snapshot, trace, refused }) => {
    for (const [what, actor, event] of trace)
      if (what === 'takes' && (event as { type: string }).type === 'xstate.init') broken.delete(actor);
    const before = new Set(broken);
    noteBroken('/', snapshot as Shown, broken);
    const kept = trace.filter(
      ([, actor, event]: Trace) =>
        !isBelow(actor, before) && !((event as { type: string }).type === 'xstate.stop' && isBelow(actor, broken)),
    );
    return { snapshot: childless(snapshot as Shown), trace: kept, refused };
  });
}

function noteBroken(address: string, { status, children = {} }: Shown, broken: Set<string>): void {
  if (status === 'error') broken.add(address);
  for (const [id, child] of Object.entries(children)) noteBroken(childAddress(address, id), child, broken);
}

function isBelow(actor: string, broken: ReadonlySet<string>): boolean {
  return [...broken].some((address) => actor !== address && actor.startsWith(address === '/' ? '/' : `${address}/`));
}

function childless(shown: Shown): Shown {
  if (shown.children === undefined) return shown;
  if (shown.status === 'error') return { ...shown, children: {} };
  const children = Object.entries(shown.children).map(([id, child]) => [id, childless(child)] as const);
  return { ...shown, children: Object.fromEntries(children) };
}
