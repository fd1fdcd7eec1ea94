/** The schema of a file that an earlier version wrote is brought up to date whole or not at all, and no row is lost. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { connect, type Connection } from '../../../src/store/sqlite/connection.ts';
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import { upgrade } from '../../../src/store/sqlite/upgrade.ts';
import { folderOfTest } from './folder.ts';
import { beforeEachStatement } from './statements.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SHIPPED = join(ROOT, 'src/store/sqlite/migrations');
const GOLDEN = join(ROOT, 'test/golden/2026-11-a/golden.db');
const CHILD = ['--import', join(ROOT, 'bin/quickly.js'), join(import.meta.dirname, 'upgrade-child.ts')];

interface Journal {
  readonly entries: readonly { readonly idx: number; readonly when: number }[];
}

/** A new file with the schema of this version. */
function shipped(file: string): Connection {
  const connection = connect(file);
  upgrade(connection, file, { folder: SHIPPED });
  return connection;
}

/** The shipped migrations and one more, which makes the table of runs anew, as a changed column does, and adds another. */
function nextMigrations(folder: string): string {
  cpSync(SHIPPED, folder, { recursive: true });
  const path = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(readFileSync(path, 'utf8')) as Journal;
  const last = journal.entries.at(-1) ?? { idx: -1, when: 0 };
  const next = { ...last, idx: last.idx + 1, when: last.when + 1, tag: '9999_next' };
  writeFileSync(path, JSON.stringify({ ...journal, entries: [...journal.entries, next] }));
  const { driver } = shipped(`${folder}.db`);
  const made = driver
    .prepare<[], string>(`select sql from sqlite_schema where tbl_name = 'run' and sql not null`)
    .pluck()
    .all();
  driver.close();
  const [table = '', ...indexes] = made;
  const statements = [
    table.replace('`run`', '`__new_run`'),
    'insert into __new_run select * from run',
    'drop table run',
    'alter table __new_run rename to run',
    ...indexes,
    'create table later (id integer primary key)',
    'insert into later values (1)',
  ];
  writeFileSync(join(folder, '9999_next.sql'), statements.join(';\n--> statement-breakpoint\n'));
  return folder;
}

/** The shipped migrations up to one of them, as an earlier version shipped them. */
function migrationsUpTo(last: number, folder: string): string {
  cpSync(SHIPPED, folder, { recursive: true });
  const path = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(readFileSync(path, 'utf8')) as Journal;
  writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.filter(({ idx }) => idx <= last) }));
  return folder;
}

/** Rows of each table, and whether every row's owner is there. */
function inventory(file: string): { readonly rows: Readonly<Record<string, number>>; readonly orphans: number } {
  const driver = new BetterSqlite3(file);
  try {
    const names = driver
      .prepare<[], string>(
        `select name from sqlite_schema where type = 'table' and name not glob '*sqlite*' order by name`,
      )
      .pluck()
      .all();
    const count = (name: string): number => Number(driver.prepare(`select count(*) from "${name}"`).pluck().get());
    const orphans = (driver.pragma('foreign_key_check') as unknown[]).length;
    return { rows: Object.fromEntries(names.map((name) => [name, count(name)])), orphans };
  } finally {
    driver.close();
  }
}

/** Brings a file up to date in this process. */
function upgradeHere(file: string, folder: string, moment: (nth: number) => void = () => {}): void {
  const connection = connect(file);
  beforeEachStatement(connection, moment);
  upgrade(connection, file, { folder });
  connection.driver.close();
}

/** A file with its log, as the operating system has them now: what is left where the process is killed. */
function copyAsItIs(from: string, to: string): void {
  for (const part of ['', '-wal']) if (existsSync(`${from}${part}`)) copyFileSync(`${from}${part}`, `${to}${part}`);
}

describe('a schema that is brought up to date', () => {
  const path = folderOfTest();

  test('R4: cut off before each statement, the file has the old schema or the new one, with every row, and goes on', () => {
    const file = path('golden.db');
    copyFileSync(GOLDEN, file);
    const before = inventory(file).rows;
    const folder = nextMigrations(path('migrations'));
    const moments: number[] = [];
    upgradeHere(file, folder, (nth) => {
      moments.push(nth);
      copyAsItIs(file, path(`${nth}.db`));
    });
    expect(moments.length).toBeGreaterThan(15);
    const after = inventory(file);
    const { __drizzle_migrations: had = 0, ...kept } = before;
    expect(after).toMatchObject({ rows: { ...kept, later: 1 }, orphans: 0 });
    expect(after.rows['__drizzle_migrations']).toBeGreaterThan(had);

    const seen = moments.map((nth) => {
      const { rows, orphans } = inventory(path(`${nth}.db`));
      expect(orphans).toBe(0);
      expect([before, after.rows], `cut off before statement ${nth}`).toContainEqual(rows);
      upgradeHere(path(`${nth}.db`), folder);
      expect(inventory(path(`${nth}.db`))).toEqual(after);
      return 'later' in rows ? 'new' : 'old';
    });
    expect(seen.indexOf('new'), 'what is new stays new').toBe(seen.lastIndexOf('old') + 1);
    expect(seen.indexOf('new')).toBeGreaterThan(0);
  });

  test('R4: and so it is where a process is really killed in the middle of it', () => {
    const file = path('golden.db');
    copyFileSync(GOLDEN, file);
    const before = inventory(file).rows;
    const folder = nextMigrations(path('migrations'));
    for (const statement of ['alter table __new_run', 'COMMIT']) {
      const { signal, stderr } = spawnSync(process.execPath, [...CHILD, file, folder, statement], {
        encoding: 'utf8',
      });
      expect([signal, stderr]).toEqual(['SIGKILL', '']);
      expect(inventory(file)).toEqual({ rows: before, orphans: 0 });
    }
    upgradeHere(file, folder);
    expect(inventory(file).rows).toMatchObject({ later: 1 });
  });

  test('budgets of several runs have the tag by which those of a kind are found', () => {
    const file = path('budgets.db');
    upgradeHere(file, migrationsUpTo(13, path('thirteenth')));
    const before = new BetterSqlite3(file);
    const insert = before.prepare(
      `insert into run (tenant, id, machine, tags, seed, created_at) values ('default', ?, 'budget@1', '[]', 's', 0)`,
    );
    for (const id of ['budget:day:2026-11-22', 'budget:workflow:a%3Ab:2026-11', '0192', 'budget:run:0192'])
      insert.run(id);
    before.close();
    upgradeHere(file, SHIPPED);
    const after = new BetterSqlite3(file, { readonly: true });
    const tagged = after
      .prepare('select id, tags, tag from run left join run_tag on run = key order by key')
      .raw()
      .all();
    expect(tagged).toEqual([
      ['budget:day:2026-11-22', '["budget:day"]', 'budget:day'],
      ['budget:workflow:a%3Ab:2026-11', '["budget:workflow"]', 'budget:workflow'],
      ['0192', '[]', null],
      ['budget:run:0192', '["budget:run"]', 'budget:run'],
    ]);
    after.close();
  });

  test('what the cache holds is counted with its vectors, also those that were kept before they counted', () => {
    const file = path('answers.db');
    upgradeHere(file, migrationsUpTo(14, path('fourteenth')));
    const before = new BetterSqlite3(file);
    const answer = before.prepare(
      `insert into answer (key, tenant, hash, prompt_hash, prompt, workflow, tags, claim_run, claim_actor, last_used_at, hit_count, bytes, value)
       values (?, ?, ?, '', 'four', 'w', '[]', 0, '/', 0, 0, ?, ?)`,
    );
    answer.run(1, 'one', 'a', 10, '"sixt"');
    answer.run(2, 'one', 'b', 4, null);
    answer.run(3, 'two', 'a', 10, '"sixt"');
    before.exec(`insert into answer_size values ('one', 2, 14), ('two', 1, 10)`);
    before.exec(
      `insert into vector (key, answer, tenant, space, sketch) values (1, 1, 'one', 's', x'00'), (2, 2, 'one', 's', x'00')`,
    );
    before.exec(`insert into vector_values values (1, zeroblob(6144)), (2, zeroblob(12))`);
    before.close();
    upgradeHere(file, SHIPPED);
    const after = new BetterSqlite3(file, { readonly: true });
    expect(after.prepare('select bytes from answer order by key').pluck().all()).toEqual([6_154, 16, 10]);
    expect(after.prepare('select * from answer_size order by tenant').raw().all()).toEqual([
      ['one', 2, 6_170],
      ['two', 1, 10],
    ]);
    after.close();
  });

  test('answers of scripts, which had the keys of real ones, are gone with all that hangs on them', () => {
    const file = path('scripted.db');
    upgradeHere(file, migrationsUpTo(15, path('fifteenth')));
    const before = new BetterSqlite3(file);
    const answer = before.prepare(
      `insert into answer (key, tenant, hash, prompt_hash, prompt, workflow, tags, claim_run, claim_actor, last_used_at, hit_count, bytes, value, similar_to)
       values (?, ?, ?, '', '', 'w', ?, 0, '/', 0, 0, 10, ?, ?)`,
    );
    answer.run(1, 'one', 'real', '["scripted","mine"]', '"true"', null);
    answer.run(2, 'one', 'demo', '["mine","scripted-models"]', '{"rank":1}', null);
    answer.run(3, 'one', 'asked in a demo', '["scripted-models"]', null, null);
    answer.run(4, 'one', 'real run in a demo', '[]', '"[scripted] A text."', null);
    answer.run(5, 'one', 'like a real one', '[]', null, 'real');
    answer.run(6, 'one', 'like a scripted one', '[]', null, 'demo');
    answer.run(7, 'two', 'demo', '["scripted-models"]', '"x"', null);
    answer.run(8, 'two', 'like one of another tenant', '[]', null, 'real');
    before.exec(`insert into answer_size values ('one', 6, 60), ('two', 2, 20), ('none', 0, 0)`);
    for (const key of [1, 2, 3]) {
      before.exec(`insert into vector (key, answer, tenant, space, sketch) values (${key}, ${key}, 'one', 's', x'00')`);
      before.exec(`insert into vector_values values (${key}, x'00')`);
    }
    before.close();
    upgradeHere(file, SHIPPED);
    const after = new BetterSqlite3(file, { readonly: true });
    expect(after.prepare('select hash from answer order by key').pluck().all()).toEqual(['real', 'like a real one']);
    expect(after.prepare('select v.answer, w.key from vector v, vector_values w').raw().all()).toEqual([[1, 1]]);
    expect(after.prepare('select * from answer_size order by tenant').raw().all()).toEqual([
      ['none', 0, 0],
      ['one', 2, 20],
      ['two', 0, 0],
    ]);
    expect(after.pragma('foreign_key_check')).toEqual([]);
    after.close();
  });

  test('lists of a run that has grown, which were one text, are rows', () => {
    const file = path('grown.db');
    upgradeHere(file, migrationsUpTo(7, path('seventh')));
    const before = new BetterSqlite3(file);
    const detail = {
      children: ['x', 'y'],
      dependents: [{ name: 'z', hard: true }],
      lane: { active: ['x'], queue: ['y'] },
      needed: true,
    };
    before.exec(
      `insert into run (key, tenant, id, machine, tags, seed, created_at) values (1, 'default', 'r', 'workflow@2', '[]', 's', 0)`,
    );
    const insert = before.prepare('insert into growth (run, task, depth, open, detail) values (1, ?, 0, 0, ?)');
    insert.run('plan', JSON.stringify(detail));
    insert.run('map', JSON.stringify({ group: { total: 3 } }));
    insert.run('x', null);
    before.close();
    upgradeHere(file, SHIPPED);
    const after = new BetterSqlite3(file, { readonly: true });
    expect(after.prepare('select task, list, at, name, hard from growth_list').raw().all()).toEqual([
      ['plan', 'child', 0, 'x', 0],
      ['plan', 'child', 1, 'y', 0],
      ['plan', 'dependent', 0, 'z', 1],
      ['plan', 'turn', 0, 'y', 0],
    ]);
    const details = after.prepare<[], string | null>('select detail from growth order by task').pluck().all();
    expect(details.map((text) => JSON.parse(text ?? 'null') as unknown)).toEqual([
      { group: { total: 3 } },
      { children: 2, dependents: 1, lane: { active: 1, next: 0, end: 1 }, needed: true },
      null,
    ]);
    after.close();
  });

  test('a file with the newer schema is refused, also where its header does not say so yet', async () => {
    const file = path('golden.db');
    copyFileSync(GOLDEN, file);
    upgradeHere(file, nextMigrations(path('migrations')));
    const driver = new BetterSqlite3(file);
    driver.pragma('user_version = 1');
    driver.close();
    await expect(sqliteStore(file).open()).rejects.toMatchObject({ code: 'databaseNewer' });
  });
});
