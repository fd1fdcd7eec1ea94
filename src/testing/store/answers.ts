/** The cache of answers of a store in memory, by the rules that the tables of SQLite keep. */
import type { AnswerChange, AnswerFilter, AnswerRow, AnswerStore, ServedRow } from '../../store/answers.ts';
import type { RunOrigin } from '../../store/runs.ts';
import type { MemoryDatabase, Writing } from './database.ts';

const UNANSWERED_MS = 86_400_000;
/** Effects of one that asks, or compares before that. */
const CALLS: ReadonlySet<string> = new Set(['modelCall', 'compare', 'verify']);

/** What is kept under a hash: who asks, and the answer, where there is one. */
export interface AnswerRecord {
  /** In the order in which they were first asked. */
  readonly key: number;
  readonly tenant: string;
  readonly hash: string;
  readonly asked: Extract<AnswerChange, { kind: 'asked' }> & { readonly run: string; readonly tags: readonly string[] };
  readonly answered?: Extract<AnswerChange, { kind: 'answered' }>;
  /** Whose answer has served it. */
  readonly like?: NonNullable<Extract<AnswerChange, { kind: 'served' }>['like']>;
  readonly vector?: { readonly space: string; readonly values: Float32Array };
  readonly lastUsedAt: number;
  readonly hitCount: number;
}

const nameOf = (tenant: string, name: string): string => `${tenant}\0${name}`;

/** Writes what a fact says of the cache. */
export function addToAnswers(
  { answers, served, highest }: MemoryDatabase,
  writing: Writing,
  { tenant, run, tags }: RunOrigin,
  change: AnswerChange,
): void {
  const { hash, at } = change;
  const name = nameOf(tenant, hash);
  const known = answers.get(name);
  const count = (workflow: string, by: Partial<Omit<ServedRow, 'workflow'>>): void => {
    const place = nameOf(tenant, workflow);
    const { misses, hits, shared, savedNanos } = served.get(place) ?? { misses: 0, hits: 0, shared: 0, savedNanos: 0 };
    writing.set(served, place, {
      workflow,
      misses: misses + (by.misses ?? 0),
      hits: hits + (by.hits ?? 0),
      shared: shared + (by.shared ?? 0),
      savedNanos: savedNanos + (by.savedNanos ?? 0),
    });
  };
  if (change.kind === 'asked') {
    const asked = { ...change, run, tags };
    const key = known?.key ?? highest.answer + 1;
    if (known === undefined) writing.assign(highest, 'answer', key);
    writing.set(answers, name, { hitCount: 0, ...known, key, tenant, hash, asked, lastUsedAt: at });
    if (change.compares !== true) count(change.workflow, { misses: 1 });
  } else if (change.kind === 'answered') {
    if (known === undefined) return;
    const { like: _, ...rest } = known;
    writing.set(answers, name, { ...rest, answered: change, lastUsedAt: at, hitCount: 0 });
  } else {
    const { like } = change;
    const used = (record: AnswerRecord): AnswerRecord => ({
      ...record,
      hitCount: record.hitCount + 1,
      lastUsedAt: Math.max(record.lastUsedAt, at),
    });
    if (known !== undefined) {
      const { vector: _, ...rest } = used(known);
      writing.set(answers, name, like === undefined ? used(known) : { ...rest, like });
    }
    const other = like && answers.get(nameOf(tenant, like.hash));
    if (like !== undefined && other !== undefined) writing.set(answers, nameOf(tenant, like.hash), used(other));
    count(change.workflow, { hits: 1, shared: change.shared ? 1 : 0, savedNanos: change.savedNanos ?? 0 });
  }
}

/** The reads, and what is deleted outside of turns. */
export function answersOf(use: () => MemoryDatabase): AnswerStore {
  const all = (tenant: string): readonly AnswerRecord[] =>
    [...use().answers.values()].filter((record) => record.tenant === tenant);
  const idle = (tenant: string): readonly AnswerRecord[] =>
    all(tenant).filter(({ asked }) => !isOpen(use(), tenant, asked));
  const bytesOf = ({ asked, answered, vector }: AnswerRecord): number =>
    asked.prompt.length + (answered?.valueJson.length ?? 0) + (vector?.values.byteLength ?? 0);
  const deleteAll = (records: readonly AnswerRecord[]): number => {
    for (const { tenant, hash } of records) use().answers.delete(nameOf(tenant, hash));
    return records.length;
  };
  return {
    answer: async (tenant, hash, at) => {
      const record = use().answers.get(nameOf(tenant, hash));
      if (record === undefined) return {};
      const { asked, answered } = record;
      const { run, actor } = asked;
      const waitsForMoney = !calls(use(), tenant, asked);
      const claim = isOpen(use(), tenant, asked) ? { claim: { run, actor, waitsForMoney } } : {};
      const own = servingAt(answered, at);
      if (own !== undefined) return { answer: own, prompt: asked.prompt, ...claim };
      const other = record.like && use().answers.get(nameOf(tenant, record.like.hash));
      const answer = servingAt(other?.answered, at);
      if (answer === undefined || record.like === undefined) return claim;
      return { answer: { ...answer, like: { ...record.like, prompt: other?.asked.prompt ?? '' } }, ...claim };
    },
    answers: async (tenant, at) => {
      const records = all(tenant);
      const serving = records.filter(({ answered }) => answered !== undefined && answered.expiresAt > at);
      return { entries: serving.length, bytes: records.reduce((sum, record) => sum + bytesOf(record), 0) };
    },
    served: async (tenant) =>
      [...use().served]
        .filter(([name]) => name.startsWith(nameOf(tenant, '')))
        .map(([, row]) => row)
        .toSorted((a, b) => (a.workflow < b.workflow ? -1 : 1)),
    listAnswers: async (tenant, { at, workflow, after = Infinity, limit }) =>
      all(tenant)
        .filter(({ key, asked }) => key < after && asked.workflow === (workflow ?? asked.workflow))
        .toSorted((one, other) => other.key - one.key)
        .flatMap((record) => {
          const { key, asked, answered, lastUsedAt, hitCount } = record;
          if (answered === undefined || answered.expiresAt <= at) return [];
          const { model, costNanos, at: answeredAt, expiresAt } = answered;
          const { prompt, tags } = asked;
          const kept = { model, costNanos, answeredAt, expiresAt, lastUsedAt, hitCount, bytes: bytesOf(record) };
          return [{ key, prompt, workflow: asked.workflow, tags, ...kept }];
        })
        .slice(0, limit),
    forgetAnswers: async (tenant, filter, { after = 0, limit }) => {
      const rows = all(tenant).filter(({ key }) => key > after);
      const matching = rows.filter((record) => matches(record, filter)).slice(0, limit);
      const open = matching.filter(
        ({ asked, answered }) => isOpen(use(), tenant, asked) && (answered?.expiresAt ?? 0) > 0,
      );
      for (const record of open) {
        const { answered } = record;
        if (answered !== undefined)
          use().answers.set(nameOf(tenant, record.hash), { ...record, answered: { ...answered, expiresAt: 0 } });
      }
      const gone = matching.filter(({ asked, answered }) => answered !== undefined && !isOpen(use(), tenant, asked));
      const forgotten = open.length + deleteAll(gone);
      return { forgotten, after: (matching.length < limit ? rows : matching).at(-1)?.key };
    },
    trimAnswers: async (tenant, { at, maxEntries, maxBytes, limit }) => {
      const expired = deleteAll(
        idle(tenant)
          .filter(({ answered }) => answered !== undefined && answered.expiresAt <= at)
          .slice(0, limit),
      );
      const left = limit - expired;
      const records = idle(tenant).toSorted((a, b) => a.lastUsedAt - b.lastUsedAt);
      const entries = all(tenant).length;
      const bytes = all(tenant).reduce((sum, record) => sum + bytesOf(record), 0);
      const tooMany = entries - maxEntries;
      if (left <= 0) return expired;
      if (tooMany <= 0 && bytes <= maxBytes) {
        const old = records.filter(
          ({ answered, lastUsedAt }) => answered === undefined && lastUsedAt < at - UNANSWERED_MS,
        );
        return expired + deleteAll(old.slice(0, left));
      }
      const most = bytes > maxBytes ? Math.max(tooMany, Math.ceil(entries / 100), 1) : tooMany;
      return expired + deleteAll(records.slice(0, Math.min(left, most)));
    },
  };
}

/** Whether the call of whoever asks is open. */
function calls(database: MemoryDatabase, tenant: string, { run, actor: asker }: AnswerRecord['asked']): boolean {
  const effects = [...(database.run({ tenant, run })?.effects.values() ?? [])];
  return effects.some(({ actor, src }) => actor === asker && CALLS.has(src));
}

/** The same, or it waits for money, or is just asking for it: a commit may have cut the turn in two. */
function isOpen(database: MemoryDatabase, tenant: string, asked: AnswerRecord['asked']): boolean {
  const run = database.run({ tenant, run: asked.run });
  const task = asked.actor.slice(1).replaceAll('%25', '%');
  const isCut = run?.state.agendaJson !== null && run?.tasks.get(task)?.status === 'running';
  const waits = ['call', 'compare', 'verify'].some((call) => run?.budgetWaits.get(`${task}/${call}`)?.open === true);
  return isCut || waits || calls(database, tenant, asked);
}

function servingAt(answered: AnswerRecord['answered'], at: number): AnswerRow | undefined {
  if (answered === undefined || answered.expiresAt <= at) return undefined;
  const { valueJson, model, finishReason, costNanos, at: answeredAt } = answered;
  return { valueJson, model, finishReason, costNanos, answeredAt };
}

function matches(
  { asked }: AnswerRecord,
  { workflow = asked.workflow, promptHash = asked.promptHash, tag }: AnswerFilter,
): boolean {
  return (
    asked.workflow === workflow && asked.promptHash === promptHash && (tag === undefined || asked.tags.includes(tag))
  );
}
