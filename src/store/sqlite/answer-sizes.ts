/**
 * How much the cache of answers holds, as sums: to count a hundred thousand rows takes some milliseconds, with every step of a
 * trim.
 */
import type { Connection } from './connection.ts';
import { onFirstUse } from './prepared.ts';

/** What one question takes: how it begins, its answer, its vector. Sketches are a thirtieth of that, and not counted. */
const BYTES = `length(prompt) + coalesce(length(value), 0) + coalesce((
  select length(w."values") from vector v join vector_values w on w.key = v.key where v.answer = answer.key), 0)`;

/** What the bounds of the cache are held against. */
interface QuestionsSize {
  /** Questions, also those that have no answer: who asks may be asking, or have failed. */
  readonly entries: number;
  readonly bytes: number;
}

/** The sums of a connection. */
export interface AnswerSizes {
  of(tenant: string): QuestionsSize;
  grow(tenant: string, entries: number, bytes: number): void;
  /** Something of a question was written or deleted, but for the question itself. */
  weigh(tenant: string, hash: string): void;
}

/** Their statements, prepared when one is first needed. */
export function answerSizes(connection: Connection): AnswerSizes {
  const use = onFirstUse(() => prepareSizes(connection));
  return {
    of: (tenant) => use().of(tenant),
    grow: (tenant, entries, bytes) => use().grow(tenant, entries, bytes),
    weigh: (tenant, hash) => use().weigh(tenant, hash),
  };
}

function prepareSizes({ driver }: Connection): AnswerSizes {
  const read = driver.prepare<unknown[], QuestionsSize>('select entries, bytes from answer_size where tenant = ?');
  const add = driver.prepare(
    `insert into answer_size (tenant, entries, bytes) values (?, ?, ?)
     on conflict (tenant) do update set entries = entries + excluded.entries, bytes = bytes + excluded.bytes`,
  );
  const weighed = driver.prepare<unknown[], { readonly key: number; readonly before: number; readonly now: number }>(
    `select key, bytes as before, ${BYTES} as now from answer where tenant = ? and hash = ?`,
  );
  const write = driver.prepare('update answer set bytes = ? where key = ?');
  const grow = (tenant: string, entries: number, bytes: number): void => void add.run(tenant, entries, bytes);
  return {
    of: (tenant) => read.get(tenant) ?? { entries: 0, bytes: 0 },
    grow,
    weigh(tenant, hash) {
      const found = weighed.get(tenant, hash);
      if (found === undefined || found.now === found.before) return;
      write.run(found.now, found.key);
      grow(tenant, 0, found.now - found.before);
    },
  };
}
