/** Runs that are deleted while a request looks at them. */
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { FermataError } from '../errors.ts';
import type { Reads } from '../runtime/reads.ts';
import { runOf } from './log.ts';
import type { HttpEnvironment } from './router.ts';

/**
 * What failed, or `notFound` where it failed because its run was deleted meanwhile: what is gone with a run would else be
 * taken for a damaged database, and somebody would restore a backup.
 */
export async function unlessDeleted(
  thrown: Error,
  c: Context<HttpEnvironment>,
  runtime: Pick<Reads, 'parentOf'>,
): Promise<Error> {
  const isOwn = thrown instanceof FermataError && thrown.code !== 'databaseCorrupt' && thrown.code !== 'internal';
  const runId = runOf(c);
  if (runId === undefined || isOwn || thrown instanceof HTTPException) return thrown;
  try {
    await runtime.parentOf(runId);
  } catch (failure) {
    if (failure instanceof FermataError && failure.code === 'notFound') return failure;
  }
  return thrown;
}
