/**
 * The journal on disk: a row holds several entries of a run, one after the other as lines of text.
 *
 * What a step of a chain states and takes is written together, so it is one row with one index entry and not five of
 * each: a third of all that a step wrote. A row is never changed; nothing inside it is searched by SQL.
 */
import { and, asc, desc, eq, gt, gte, sql } from 'drizzle-orm';
import type { FeedEntry, JournalEntry } from '../journal.ts';
import { isCheckedLast } from './conditions.ts';
import type { Connection } from './connection.ts';
import { builder } from './prepared.ts';
import { readStatements } from './prepared-reads.ts';
import { journal, run } from './schema.ts';

/**
 * Limits of a row: enough that rows are few (each leaves half a page empty), few enough that one entry is found in it
 * within microseconds.
 */
const MAX_ENTRIES = 100;
const MAX_CHARS = 16_384;
/** Rows read at a time: at most half a megabyte, unless single entries are larger. */
const PAGE = 32;

const LETTERS = { event: 'e', fact: 'f', ignored: 'i' } as const satisfies Record<JournalEntry['kind'], string>;
const FACT = '["f"';
const KINDS: Readonly<Record<string, JournalEntry['kind']>> = { e: 'event', f: 'fact', i: 'ignored' };
/** The data of an event begins with its type, which its line says already: written under a capital letter, it is left out. */
const CAPITALS: Readonly<Record<string, string>> = { e: 'E', i: 'I' };
/** In place of a time: that of the next line. What is decided together is of one moment. */
const AS_NEXT = '""';
/** Where a line has its time. */
const TIME = '["e",'.length;
/** Characters of a line up to its actor. */
const HEAD = '["e",1700000000000,'.length;

/** Consecutive entries of one run, as a row. Numbers are those of the last entry. */
export interface JournalPage {
  readonly position: number;
  readonly seq: number;
  /** Facts of the run up to here. */
  readonly facts: number;
  readonly count: number;
  readonly entries: string;
}

/**
 * Entries as rows.
 *
 * @param entries consecutive ones of one run
 * @param facts of the run after the last of them
 */
export function* pagesOf(entries: readonly JournalEntry[], facts: number): Generator<JournalPage> {
  const first = entries.find(({ factSeq }) => factSeq !== null)?.factSeq;
  let fact = first === undefined || first === null ? facts : first - 1;
  let text = '';
  let count = 0;
  for (const [index, entry] of entries.entries()) {
    const { at, position, seq } = entry;
    if (entry.factSeq !== null) fact = entry.factSeq;
    const next = entries[index + 1];
    const line = lineOf(entry);
    count++;
    if (next !== undefined && count < MAX_ENTRIES && text.length + line.length < MAX_CHARS) {
      text += headed(next.at === at ? AS_NEXT : at, line);
      continue;
    }
    yield { position, seq, facts: fact, count, entries: text + headed(at, line) };
    text = '';
    count = 0;
  }
}

/** A line without its time. */
interface Line {
  readonly letter: string;
  readonly rest: string;
  readonly length: number;
}

function lineOf({ kind, actor, type, dataJson }: JournalEntry): Line {
  const letter = LETTERS[kind];
  const capital = CAPITALS[letter];
  const typeJson = JSON.stringify(type);
  const isShort = capital !== undefined && dataJson.startsWith(typed(typeJson));
  const data = isShort ? dataJson.slice(typed(typeJson).length) : dataJson;
  const rest = `${JSON.stringify(actor)},${typeJson}]\t${data}\n`;
  return { letter: isShort ? capital : letter, rest, length: rest.length + HEAD };
}

function headed(at: number | typeof AS_NEXT, { letter, rest }: Line): string {
  return `["${letter}",${at},${rest}`;
}

/** How the data of an event begins. @param type as JSON */
function typed(type: string): string {
  return `{"type":${type},`;
}

/** The entries of a row, the last one first, because its numbers are those of the row. Only what `wanted` says is decoded. */
function* backwards(
  { position, seq, facts, count, entries }: JournalPage,
  wanted: (seq: number) => boolean,
): Generator<JournalEntry> {
  let fact = facts;
  let end = entries.length - 1;
  let at = 0;
  for (let back = 0; back < count; back++) {
    const begin = entries.lastIndexOf('\n', end - 1) + 1;
    const factSeq = entries.startsWith(FACT, begin) ? fact-- : null;
    const time = entries.slice(begin + TIME, entries.indexOf(',', begin + TIME));
    if (time !== AS_NEXT) at = Number(time);
    if (wanted(seq - back)) {
      const tab = entries.indexOf('\t', begin);
      const [letter, , actor, type] = JSON.parse(entries.slice(begin, tab)) as [string, unknown, string, string];
      const kind = KINDS[letter.toLowerCase()] ?? 'event';
      const data = entries.slice(tab + 1, end);
      const dataJson = letter in KINDS ? data : `${typed(JSON.stringify(type))}${data}`;
      yield { seq: seq - back, factSeq, position: position - back, at, kind, actor, type, dataJson };
    }
    end = begin - 1;
  }
}

/** The entries of a row. */
function entriesOf(page: JournalPage): JournalEntry[] {
  return [...backwards(page, () => true)].reverse();
}

/** Reads of the journal by a run's integer key; statements prepared once. */
export interface JournalReads {
  entry(run: number, seq: number): JournalEntry | undefined;
  /** Journal number of a fact. */
  entryOfFact(run: number, factSeq: number): number | undefined;
  after(
    run: number,
    page: {
      readonly after: number;
      readonly limit: number;
      readonly kind?: JournalEntry['kind'];
      readonly actor?: string;
    },
  ): JournalEntry[];
  feed(tenant: string, after: number, limit: number): FeedEntry[];
  /** A run was deleted: its key may be another run's from now on. */
  forget(): void;
}

const runIs = sql.placeholder('run');
const { position, seq, facts, count, entries } = journal;
const columns = { position, seq, facts, count, entries };
const prepareReads = readStatements({
  from: () =>
    builder
      .select(columns)
      .from(journal)
      .where(and(eq(journal.run, runIs), gte(journal.seq, sql.placeholder('seq'))))
      .orderBy(asc(journal.seq))
      .limit(sql.placeholder('limit')),
  last: () =>
    builder
      .select({ seq: journal.seq })
      .from(journal)
      .where(eq(journal.run, runIs))
      .orderBy(desc(journal.seq))
      .limit(1),
  fed: () =>
    builder
      .select({ ...columns, tenant: run.tenant, run: run.run })
      .from(journal)
      .innerJoin(run, eq(run.key, journal.run))
      .where(and(isCheckedLast(sql.placeholder('tenant')), gt(journal.position, sql.placeholder('after'))))
      .orderBy(asc(journal.position))
      .limit(PAGE),
});

/** Prepares the reads of the journal. */
export function prepareJournalReads(connection: Connection): JournalReads {
  const read = prepareReads(connection);

  /** The row that `entry` read last: what is asked one after the other, 10,000 results at the end of a run, lies together. */
  let recent: (JournalPage & { readonly run: number }) | undefined;

  return {
    entry(key, wanted) {
      if (recent?.run !== key || wanted > recent.seq || wanted <= recent.seq - recent.count) {
        const page = read.from.get({ run: key, seq: wanted, limit: 1 });
        if (page === undefined) return undefined;
        recent = { ...page, run: key };
      }
      const [found] = backwards(recent, (seq) => seq === wanted);
      return found;
    },

    forget() {
      recent = undefined;
    },

    // Both numbers rise together, and a fact's is never above its entry's: between there and the end, halving finds it.
    entryOfFact(key, factSeq) {
      let [low, high] = [factSeq, read.last.get({ run: key })?.seq ?? 0];
      while (low <= high) {
        const middle = Math.trunc((low + high) / 2);
        const page = read.from.get({ run: key, seq: middle, limit: 1 });
        const found = page && entriesOf(page).find((entry) => entry.factSeq === factSeq);
        if (found !== undefined) return found.seq;
        // A page without a fact has the number of the last one before it.
        if (page === undefined || page.facts >= factSeq) high = middle - 1;
        else low = page.seq + 1;
      }
      return undefined;
    },

    after(key, { after, limit, kind, actor }) {
      const found: JournalEntry[] = [];
      let next = after + 1;
      while (found.length < limit) {
        const pages = read.from.all({ run: key, seq: next, limit: PAGE });
        for (const page of pages) {
          for (const entry of entriesOf(page)) {
            if (entry.seq <= after || found.length >= limit) continue;
            if ((kind === undefined || entry.kind === kind) && (actor === undefined || entry.actor === actor))
              found.push(entry);
          }
          next = page.seq + 1;
        }
        if (pages.length < PAGE) break;
      }
      return found;
    },

    feed(tenant, after, limit) {
      const found: FeedEntry[] = [];
      let next = after;
      while (found.length < limit) {
        const pages = read.fed.all({ tenant, after: next });
        for (const page of pages) {
          for (const entry of entriesOf(page)) {
            if (entry.position > after && entry.kind === 'fact' && found.length < limit)
              found.push({ ...entry, tenant: page.tenant, run: page.run });
          }
          next = page.position;
        }
        if (pages.length < PAGE) break;
      }
      return found;
    },
  };
}
