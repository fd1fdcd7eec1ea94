/**
 * Writes the ledger: what each request to a model cost. Rows are added by the commit that states the outcome and never
 * touched again, neither by another commit nor by the deletion of their run.
 */
import { eq, sql } from 'drizzle-orm';
import type { LedgerRow } from '../ledger.ts';
import type { Connection } from './connection.ts';
import { builder, insertStatement, onFirstUse, together, writeStatement } from './prepared.ts';
import { accountTag, ledger, runTag } from './schema.ts';

/** The writes: `open` for a run that another one began, `add` for a row. `run` is the key of the run's own row. */
export interface LedgerWrites {
  open(run: number): void;
  add(run: number, row: LedgerRow): void;
}

const prepareStatements = together({
  copyTags: writeStatement(() =>
    builder.insert(accountTag).select(
      builder
        .select({ account: sql`${sql.placeholder('account')}`.as('account'), tag: runTag.tag })
        .from(runTag)
        .where(eq(runTag.run, sql.placeholder('run'))),
    ),
  ),
  insert: insertStatement(ledger, 'key'),
});

/** The writes, prepared when one is first needed: most processes need none. */
export function ledgerWrites(connection: Connection): LedgerWrites {
  const use = onFirstUse(() => prepareWrites(connection));
  return { open: (run) => use().open(run), add: (run, row) => use().add(run, row) };
}

function prepareWrites(connection: Connection): LedgerWrites {
  const { driver } = connection;
  const { copyTags, insert } = prepareStatements(connection);
  const accountOf = driver
    .prepare('select a.key from run r join account a on a.tenant = r.tenant and a.run_id = r.id where r.key = ?')
    .pluck();
  const parentOf = driver
    .prepare('select p.key from run r join run p on p.tenant = r.tenant and p.id = r.parent_run where r.key = ?')
    .pluck();
  const openAccount = driver.prepare(
    `insert into account (tenant, run_id, workflow_id, workflow_name, parent_run, parent_task)
     select tenant, id, workflow_id, workflow_name, parent_run,
       case when json_valid(parent) then json_extract(parent, '$.task') end from run where key = ?
     on conflict do nothing`,
  );
  const addTariff = driver.prepare(
    'insert into tariff (provider, model, answered, prices) values (?, ?, ?, ?) on conflict do nothing',
  );
  const tariffOf = driver
    .prepare('select key from tariff where provider = ? and model = ? and answered = ? and prices = ?')
    .pluck();

  function open(key: number): number {
    const known = accountOf.get(key);
    if (known !== undefined) return Number(known);
    // Whoever began it is charged with it, too.
    const parent = parentOf.get(key);
    if (parent !== undefined) open(Number(parent));
    const opened = Number(openAccount.run(key).lastInsertRowid);
    copyTags({ run: key, account: opened });
    return opened;
  }

  return {
    open: (key) => void open(key),
    add(key, { provider, model, answered, pricesJson, ...row }) {
      const same = [provider, model, answered, pricesJson ?? ''];
      const charged = open(key);
      let rate = tariffOf.get(...same);
      if (rate === undefined) rate = Number(addTariff.run(...same).lastInsertRowid);
      insert({ ...row, account: charged, tariff: Number(rate) });
    },
  };
}
