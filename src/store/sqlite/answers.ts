/** The cache of answers. Written by the commits of runs, read by look-ups, and trimmed in small steps of its own. */
import type { AnswerChange, AnswerRow, AnswerStore, ListedAnswer, ServedRow } from '../answers.ts';
import { answerSizes } from './answer-sizes.ts';
import type { Connection } from './connection.ts';
import { onFirstUse } from './prepared.ts';
import type { GoneVector, SqliteVectors } from './vectors/index.ts';
import type { Writer } from './writer.ts';

/** Those who only asked are forgotten after a day, in milliseconds: an answer never came. */
const UNANSWERED_MS = 86_400_000;

/** The writes of a commit. `run` is the key of the run's own row. */
export interface AnswerWrites {
  add(run: number, change: AnswerChange): void;
}

/** The writes, prepared when one is first needed: most processes need none. */
export function answerWrites(connection: Connection): AnswerWrites {
  const use = onFirstUse(() => prepareWrites(connection));
  return { add: (run, change) => use().add(run, change) };
}

function prepareWrites(connection: Connection): AnswerWrites {
  const { driver } = connection;
  const tenantOf = driver.prepare('select tenant from run where key = ?').pluck();
  const sizes = answerSizes(connection);
  const tagsOfRun = '(select json_group_array(tag) from run_tag where run = :run)';
  const askAgain = driver.prepare(
    `update answer set claim_run = :run, claim_actor = :actor, workflow = :workflow, tags = ${tagsOfRun}, last_used_at = :at
     where tenant = :tenant and hash = :hash`,
  );
  const ask = driver.prepare(
    `insert into answer (tenant, hash, prompt_hash, prompt, workflow, tags, claim_run, claim_actor, last_used_at, hit_count, bytes)
     values (:tenant, :hash, :promptHash, :prompt, :workflow, ${tagsOfRun}, :run, :actor, :at, 0, length(:prompt))`,
  );
  const bytesOf = driver.prepare('select bytes from answer where tenant = :tenant and hash = :hash').pluck();
  const keep = driver.prepare(
    `update answer set value = :valueJson, model = :model, finish_reason = :finishReason, cost_nanos = :costNanos,
       answered_at = :at, last_used_at = :at, expires_at = :expiresAt, hit_count = 0,
       similar_to = null, similarity = null, verified = null
     where tenant = :tenant and hash = :hash`,
  );
  const use = driver.prepare(
    'update answer set hit_count = hit_count + 1, last_used_at = max(last_used_at, :at) where tenant = :tenant and hash = :hash',
  );
  // Whoever asks the same question again needs no vector, and gets the answer for as long as that serves.
  const resemble = driver.prepare(
    `update answer set similar_to = :similarTo, similarity = :similarity, verified = :verified, last_used_at = :at
     where tenant = :tenant and hash = :hash`,
  );
  const dropVector = driver.prepare(
    'delete from vector where answer = (select key from answer where tenant = ? and hash = ?)',
  );
  const count = driver.prepare(
    `insert into served (tenant, workflow, misses, hits, shared, saved_nanos)
     values (:tenant, :workflow, :misses, :hits, :shared, :saved)
     on conflict (tenant, workflow) do update set misses = misses + excluded.misses, hits = hits + excluded.hits,
       shared = shared + excluded.shared, saved_nanos = saved_nanos + excluded.saved_nanos`,
  );

  return {
    add(run, { kind, ...change }) {
      const tenant = String(tenantOf.get(run));
      const counts = { tenant, misses: 0, hits: 0, shared: 0, saved: 0 };
      if (kind === 'asked') {
        const row = { ...change, tenant, run };
        if (askAgain.run(row).changes === 0) {
          ask.run(row);
          sizes.grow(tenant, 1, Number(bytesOf.get(row)));
        }
        const { compares } = change as Extract<AnswerChange, { kind: 'asked' }>;
        // Whether it is a miss is not known before similar questions were looked for.
        if (compares !== true) count.run({ ...counts, ...workflowOf(change), misses: 1 });
      } else if (kind === 'answered') {
        const row = { ...change, tenant };
        // None is there where it was forgotten after the call had ended, and before its task was through.
        keep.run(row);
        sizes.weigh(tenant, change.hash);
      } else {
        const { hash, at, shared, savedNanos, like } = change as Extract<AnswerChange, { kind: 'served' }>;
        use.run({ tenant, hash, at });
        if (like !== undefined) {
          const { hash: similarTo, similarity, verified } = like;
          use.run({ tenant, hash: similarTo, at });
          resemble.run({ tenant, hash, at, similarTo, similarity, verified: verified ? 1 : 0 });
          // It would stand in the way of the question that has the answer.
          dropVector.run(tenant, hash);
          sizes.weigh(tenant, hash);
        }
        count.run({ ...counts, ...workflowOf(change), hits: 1, shared: shared ? 1 : 0, saved: savedNanos ?? 0 });
      }
    },
  };
}

function workflowOf(change: object): { readonly workflow: string } {
  return { workflow: (change as { readonly workflow: string }).workflow };
}

/**
 * True of a row whose asker has an open call, compares before it calls, waits for the money of either, or is just asking for
 * that: a commit may have cut the turn in two.
 */
const CALLS = `exists (
  select 1 from effect e where e.run = answer.claim_run and e.actor = answer.claim_actor and e.src in ('modelCall', 'compare', 'verify'))`;
const TASK = `replace(substr(answer.claim_actor, 2), '%25', '%')`;
const WAITS_FOR_MONEY = `exists (
  select 1 from budget_wait w where w.run = answer.claim_run and w.task = ${TASK} and w.call in ('call', 'compare', 'verify') and w.open = 1)`;
const IS_CUT = `exists (
  select 1 from run_state s join task t on t.run = s.run
  where s.run = answer.claim_run and s.agenda is not null and t.name = ${TASK} and t.status = 'running')`;
const IS_OPEN = `(${CALLS} or ${WAITS_FOR_MONEY} or ${IS_CUT})`;

/** Rows that are looked at in one step by what no index knows. */
const LOOKED_AT = 500;

/** The reads, and what is deleted outside of turns. */
export function answerStore(
  connection: Connection,
  writer: Pick<Writer, 'writeOutsideTurns'>,
  vectors: Pick<SqliteVectors, 'forget'>,
): AnswerStore {
  const { driver } = connection;
  const sizes = answerSizes(connection);
  const use = onFirstUse(() => prepareReads(connection));
  const gone: GoneVector[] = [];
  const deleteSome = (tenant: string, where: string, named: object): number => {
    const keys = driver
      .prepare(`select key from answer where tenant = :tenant and ${where} limit :limit`)
      .pluck()
      .all({ tenant, ...named });
    // Their vectors go with them.
    gone.push(...use().vectorsOf.all(JSON.stringify(keys)));
    const deleted = use().remove.all(JSON.stringify(keys));
    const bytes = deleted.reduce((sum, row) => sum + row.bytes, 0);
    if (deleted.length > 0) sizes.grow(tenant, -deleted.length, -bytes);
    return deleted.length;
  };
  const deleting = <T>(work: () => T): T => {
    gone.length = 0;
    const told = writer.writeOutsideTurns(work);
    vectors.forget(gone);
    return told;
  };

  return {
    answer: async (tenant, hash, at) => {
      const found = use().find.get(tenant, hash);
      if (found === undefined) return {};
      const { run, actor, waitsForMoney, similarTo, similarity, verified } = found;
      const claim = run === null ? {} : { claim: { run, actor, waitsForMoney: waitsForMoney === 1 } };
      const own = servingAt(found, at);
      if (own !== undefined) return { answer: own, prompt: found.prompt, ...claim };
      const other = similarTo === null ? undefined : use().find.get(tenant, similarTo);
      const answer = other && servingAt(other, at);
      if (answer === undefined || similarTo === null) return claim;
      const prompt = other?.prompt ?? '';
      const like = { hash: similarTo, similarity: similarity ?? 0, prompt, verified: verified === 1 };
      return { answer: { ...answer, like }, ...claim };
    },
    answers: async (tenant, at) => ({
      entries: Number(use().serving.get({ tenant, at })),
      bytes: sizes.of(tenant).bytes,
    }),
    served: async (tenant) => use().servedOf.all(tenant),
    listAnswers: async (tenant, { workflow, after = Number.MAX_SAFE_INTEGER, ...page }) => {
      const query = workflow === undefined ? use().listedOfAll : use().listedOfOne;
      const rows = query.all({ tenant, ...(workflow === undefined ? {} : { workflow }), after, ...page });
      return rows.map(({ tagsJson, ...row }) => ({ ...row, tags: JSON.parse(tagsJson) as string[] }));
    },
    forgetAnswers: async (tenant, { workflow, tag, promptHash }, { after = 0, limit }) => {
      const parts = ['key > :after'];
      if (workflow !== undefined) parts.push('workflow = :workflow');
      if (promptHash !== undefined) parts.push('prompt_hash = :promptHash');
      const has = tag === undefined ? '1' : 'exists (select 1 from json_each(tags) where json_each.value = :tag)';
      return deleting(() => {
        const named = { tenant, workflow, tag, promptHash, after, page: tag === undefined ? limit : LOOKED_AT };
        const seen = driver
          .prepare<unknown[], { readonly key: number; readonly matches: 0 | 1 }>(
            `select key, ${has} as matches from answer where tenant = :tenant and ${parts.join(' and ')}
             order by key limit :page`,
          )
          .all(named);
        const matching = seen.filter(({ matches }) => matches === 1).slice(0, limit);
        const keys = JSON.stringify(matching.map(({ key }) => key));
        const among = 'key in (select value from json_each(:keys))';
        const cleared = driver
          .prepare(`update answer set expires_at = 0 where expires_at > 0 and ${among} and ${IS_OPEN}`)
          .run({ keys }).changes;
        const answered = `value is not null and ${among} and not ${IS_OPEN}`;
        const deleted = deleteSome(tenant, answered, { keys, limit: matching.length });
        return { forgotten: cleared + deleted, after: (matching.length < limit ? seen : matching).at(-1)?.key };
      });
    },
    trimAnswers: async (tenant, { at, maxEntries, maxBytes, limit }) =>
      deleting(() => {
        const expired = deleteSome(tenant, `expires_at <= :at and not ${IS_OPEN}`, { at, limit });
        const left = limit - expired;
        const { entries, bytes } = sizes.of(tenant);
        const tooMany = entries - maxEntries;
        if (left <= 0) return expired;
        if (tooMany <= 0 && bytes <= maxBytes) {
          const before = at - UNANSWERED_MS;
          const old = `expires_at is null and last_used_at < :before and not ${IS_OPEN}`;
          return expired + deleteSome(tenant, old, { before, limit: left });
        }
        // By bytes a few at a time: how many it takes is seen when they are gone.
        const most = Math.min(left, bytes > maxBytes ? Math.max(tooMany, Math.ceil(entries / 100), 1) : tooMany);
        return expired + deleteSome(tenant, `not ${IS_OPEN} order by last_used_at`, { limit: most });
      }),
  };
}

function prepareReads({ driver }: Connection) {
  const find = driver.prepare<unknown[], Found>(
    `select value as valueJson, model, finish_reason as finishReason, cost_nanos as costNanos, answered_at as answeredAt,
       expires_at as expiresAt, prompt, similar_to as similarTo, similarity, verified, r.id as run, claim_actor as actor, not ${CALLS} as waitsForMoney
     from answer left join run r on r.key = answer.claim_run and ${IS_OPEN}
     where answer.tenant = ? and answer.hash = ?`,
  );
  const servedOf = driver.prepare<unknown[], ServedRow>(
    'select workflow, misses, hits, shared, saved_nanos as savedNanos from served where tenant = ? order by workflow',
  );
  // By the index of when they expire alone.
  const serving = driver.prepare('select count(*) from answer where tenant = :tenant and expires_at > :at').pluck();
  // By their keys, which are in order; by an index of the tenant all of them would be sorted for a page.
  const listed = (whose: string) =>
    driver.prepare<object, Listed>(
      `select key, prompt, workflow, tags as tagsJson, model, cost_nanos as costNanos, answered_at as answeredAt,
         expires_at as expiresAt, last_used_at as lastUsedAt, hit_count as hitCount, bytes
       from answer where ${whose} and key < :after and expires_at > :at and answered_at is not null
       order by key desc limit :limit`,
    );
  const vectorsOf = driver.prepare<unknown[], GoneVector>(
    'select key, tenant, space from vector where answer in (select value from json_each(?))',
  );
  const remove = driver.prepare<unknown[], { readonly bytes: number }>(
    'delete from answer where key in (select value from json_each(?)) returning bytes',
  );
  return {
    find,
    servedOf,
    serving,
    listedOfAll: listed('+tenant = :tenant'),
    listedOfOne: listed('tenant = :tenant and workflow = :workflow'),
    vectorsOf,
    remove,
  };
}

function servingAt(found: Found, at: number): AnswerRow | undefined {
  const { valueJson, model, finishReason, costNanos, answeredAt, expiresAt } = found;
  const isWhole = valueJson !== null && model !== null && finishReason !== null && answeredAt !== null;
  return isWhole && (expiresAt ?? 0) > at ? { valueJson, model, finishReason, costNanos, answeredAt } : undefined;
}

type Listed = Omit<ListedAnswer, 'tags'> & { readonly tagsJson: string };

interface Found {
  readonly prompt: string;
  readonly similarTo: string | null;
  readonly similarity: number | null;
  readonly verified: number | null;
  readonly valueJson: string | null;
  readonly model: string | null;
  readonly finishReason: string | null;
  readonly costNanos: number | null;
  readonly answeredAt: number | null;
  readonly expiresAt: number | null;
  readonly run: string | null;
  readonly actor: string;
  readonly waitsForMoney: 0 | 1;
}
