/** A run that is deleted while somebody looks at it is one that is not there: no database is damaged, and nothing has failed. */
import { expect, it } from 'vitest';
import { createLogger } from '../../src/http/log.ts';
import { openFermata } from '../harness/fermata.ts';
import { lines } from './log-lines.ts';

/** More turns than any of these requests takes until it has what it asks for. */
const TURNS = 50;

/** Big ones, which are stored apart from the run's rows, and gone with the run. */
const DOCUMENT = {
  name: 'deleted',
  tasks: [
    { name: 'a', kind: 'code', function: 'speak' },
    { name: 'b', kind: 'code', function: 'speak', input: { x: 'tasks.a.output' } },
  ],
};

it.each([
  ['GET', ''],
  ['GET', '/results'],
  ['GET', '/snapshot'],
  ['GET', '/tasks/a'],
  ['GET', '/stream'],
  ['GET', 'latest'],
  ['POST', '/fork'],
])('%s %s of a run that is deleted meanwhile, at any moment', async (method, path) => {
  const { destination, texts } = lines();
  let said = 0;
  const speak = (): string => `${++said} `.repeat(20_000);
  const harness = await openFermata({
    config: { functions: { speak } },
    log: createLogger({ level: 'error', destination }),
  });
  const { call, fermata } = harness;
  const { body: workflow } = await call('POST', '/workflows', DOCUMENT);
  const statuses = new Set<number>();
  for (let turns = 0; turns < TURNS; turns += 2) {
    const { body: begun } = await call('POST', `/workflows/${workflow.id}/execute`, {});
    await fermata.runtime.waitFor(begun.runId);
    const run = `/runs/${begun.runId}`;
    const asked =
      path === 'latest'
        ? call('GET', `/workflows/${workflow.id}/results`)
        : call(method, `${run}${path}`, method === 'POST' ? { fromTask: 'b' } : undefined);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const [{ status, body }] = await Promise.all([asked, call('DELETE', run)]);
    statuses.add(status);
    if (method === 'GET') expect(JSON.stringify(body)).not.toContain('databaseCorrupt');
    // One that has begun ends: with what it could take over, or saying that its origin is gone.
    else if (status === 202) await fermata.runtime.waitFor(body.runId);
  }
  expect([...statuses].filter((status) => ![200, 202, 404].includes(status))).toEqual([]);
  expect(texts).toEqual([]);
});
