/**
 * The ETA between the facts of a stream, for readers that ask for it. It is of the moment at which it is sent, and no fact:
 * it has no id, and who comes back later gets a newer one.
 */
import type { Fermata } from '../compose.ts';
import type { StreamItem } from '../runtime/stream.ts';
import { etaView } from './eta-view.ts';
import { iso } from './json.ts';
import { Upcoming } from './upcoming.ts';

/** An ETA, as the stream yields it: `…/status` says the same. */
export interface EtaItem {
  readonly eta: { readonly runId: string; readonly timestamp: string } & ReturnType<typeof etaView>;
}

/** After a fact it is told so soon at the earliest, in milliseconds: a run may state a thousand of them in a second. */
const SOON_MS = 500;
/** While nothing happens it is told so often: a call that takes longer than expected moves it. */
const OFTEN_MS = 5_000;

/** What is streamed, with the ETA of the run behind its first fact and then whenever there is a reason to say it. */
export async function* withEta(
  items: AsyncGenerator<StreamItem, void>,
  { runtime, etas }: Pick<Fermata, 'runtime' | 'etas'>,
  runId: string,
): AsyncGenerator<StreamItem | EtaItem, void> {
  const { clock } = runtime;
  const upcoming = new Upcoming(items, clock);
  let due: number | undefined;
  let toldAt = -Infinity;
  let told = '';
  try {
    for (;;) {
      // A clock that was set back would let it wait for as long.
      const wait = due === undefined ? OFTEN_MS : Math.min(OFTEN_MS, Math.max(0, due - clock.now()));
      const came = await upcoming.within(wait);
      if (came !== undefined) {
        if (came.done === true) return;
        yield came.value;
        if ('delta' in came.value) continue;
        due = Math.min(due ?? Infinity, Math.max(clock.now(), toldAt + SOON_MS));
        if (due > clock.now()) continue;
      }
      const eta = await etas.of(await runtime.read(runId));
      toldAt = clock.now();
      due = toldAt + OFTEN_MS;
      const text = JSON.stringify(eta);
      if (eta === undefined || text === told) continue;
      told = text;
      yield { eta: { runId, timestamp: iso(toldAt), ...etaView(eta) } };
    }
  } finally {
    await items.return();
  }
}
