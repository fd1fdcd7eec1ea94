/** Everything that the API says about a database, in texts that can be compared. */
import { compose } from '../../../src/compose.ts';
import { createApp } from '../../../src/http/app.ts';
import { createLogger } from '../../../src/http/log.ts';
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import { registered } from '../../crash/registered.ts';
import { ManualClock } from '../../harness/clock.ts';

/** Path → status and body of its answer. */
export type Observations = ReadonlyMap<string, string>;

const LISTS = ['/workflows', '/runs?limit=1000', '/approvals', '/machines'];
const OF_WORKFLOW = ['', '/versions', '/graph'];
const OF_RUN = ['', '/status', '/results', '/journal?limit=1000', '/snapshot', '/why'];

/**
 * Opens a database without doing any of its work, at a moment that is always the same, and reads it.
 *
 * @param paths what to read; default: everything there is
 * @throws FermataError where the file is refused
 */
export async function observe(file: string, paths?: readonly string[]): Promise<Observations> {
  const config = registered('/dev/null');
  const fermata = await compose({ store: sqliteStore(file), config, clock: new ManualClock(), passive: true });
  try {
    const app = createApp({ fermata, log: createLogger({ level: 'silent' }) });
    const read = async (path: string): Promise<string> => {
      const response = await app.request(`/api/v1${path}`);
      return `${response.status} ${(await response.text()).replace(/"requestId":"[^"]*"/, '')}`;
    };
    const seen = new Map<string, string>();
    for (const path of paths ?? (await everyPath(read))) seen.set(path, await read(path));
    return seen;
  } finally {
    await fermata.close();
  }
}

async function everyPath(read: (path: string) => Promise<string>): Promise<readonly string[]> {
  const idsOf = async (path: string, id: string): Promise<ReadonlySet<string>> =>
    new Set([...(await read(path)).matchAll(new RegExp(`"${id}":"([^"]+)"`, 'g'))].map(([, found = '']) => found));
  const workflows = [...(await idsOf('/workflows', 'id'))];
  const runs = [...(await idsOf('/runs?limit=1000', 'runId'))];
  return [
    ...LISTS,
    ...workflows.flatMap((id) => OF_WORKFLOW.map((of) => `/workflows/${id}${of}`)),
    ...runs.flatMap((id) => OF_RUN.map((of) => `/runs/${id}${of}`)),
  ];
}
