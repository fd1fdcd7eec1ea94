/** The workflow documents: a row a workflow, a row a version, a row a tag of the newest version. */
import { and, asc, desc, eq, gt, inArray, isNull, or } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { FermataError } from '../../errors.ts';
import type { WorkflowRow, WorkflowStore } from '../workflows.ts';
import { contains } from './conditions.ts';
import { parseColumn } from './run-row.ts';
import { workflow, workflowTag, workflowVersion } from './schema.ts';
import type { Writer } from './writer.ts';

const columns = {
  tenant: workflow.tenant,
  id: workflow.id,
  name: workflowVersion.name,
  version: workflowVersion.version,
  tagsJson: workflowVersion.tagsJson,
  createdAt: workflowVersion.createdAt,
  updatedAt: workflowVersion.updatedAt,
  documentJson: workflowVersion.documentJson,
};

const isShown = isNull(workflow.deletedAt);
const isNewest = eq(workflowVersion.version, workflow.newest);

/** The documents' part of the store. People and starts of runs ask here, not turns: queries are built when asked. */
export function workflowStore(db: BetterSQLite3Database, writer: Writer): WorkflowStore {
  const versions = () =>
    db.select(columns).from(workflowVersion).innerJoin(workflow, eq(workflow.key, workflowVersion.workflow)).$dynamic();

  const shown = (tenant: string, named: { id: string } | { name: string }) =>
    db
      .select()
      .from(workflow)
      .where(
        and(
          eq(workflow.tenant, tenant),
          'id' in named ? eq(workflow.id, named.id) : eq(workflow.name, named.name),
          isShown,
        ),
      )
      .get();

  function writeVersion(key: number, row: WorkflowRow): void {
    const { version, name, tags, createdAt, updatedAt, documentJson } = row;
    db.insert(workflowVersion)
      .values({ workflow: key, version, name, tagsJson: JSON.stringify(tags), createdAt, updatedAt, documentJson })
      .run();
    db.delete(workflowTag).where(eq(workflowTag.workflow, key)).run();
    for (const tag of new Set(tags)) db.insert(workflowTag).values({ tag, workflow: key }).run();
  }

  return {
    createWorkflow: async (row) =>
      writer.writeOutsideTurns(() => {
        if (shown(row.tenant, { name: row.name }) !== undefined) return false;
        const { tenant, id, name, version } = row;
        const { lastInsertRowid } = db.insert(workflow).values({ tenant, id, name, newest: version }).run();
        writeVersion(Number(lastInsertRowid), row);
        return true;
      }),

    addWorkflowVersion: async (row) => {
      const outcome = writer.writeOutsideTurns(() => {
        const found = shown(row.tenant, { id: row.id });
        if (found === undefined) return 'missing';
        if (row.version <= found.newest) return 'versionTaken';
        if (row.name !== found.name && shown(row.tenant, { name: row.name }) !== undefined) return 'nameTaken';
        db.update(workflow).set({ name: row.name, newest: row.version }).where(eq(workflow.key, found.key)).run();
        writeVersion(found.key, row);
        return 'added';
      });
      if (outcome === 'missing')
        throw new FermataError('notFound', `Workflow "${row.id}" does not exist or was deleted.`);
      if (outcome === 'nameTaken') {
        throw new FermataError(
          'alreadyExists',
          `The name "${row.name}" belongs to another workflow. Choose another one.`,
        );
      }
      return outcome === 'added';
    },

    keepWorkflow: async (row) =>
      writer.writeOutsideTurns(() => {
        const { tenant, id, name, version, createdAt } = row;
        const hidden = { tenant, id, name, newest: version, deletedAt: createdAt };
        const { changes, lastInsertRowid } = db.insert(workflow).values(hidden).onConflictDoNothing().run();
        if (changes > 0) writeVersion(Number(lastInsertRowid), { ...row, tags: [] });
      }),

    workflow: (tenant, id, version) => {
      const wanted = version === undefined ? and(isShown, isNewest) : eq(workflowVersion.version, version);
      return toRow(
        versions()
          .where(and(eq(workflow.tenant, tenant), eq(workflow.id, id), wanted))
          .get(),
      );
    },

    workflowByName: async (tenant, name) =>
      toRow(
        versions()
          .where(and(eq(workflow.tenant, tenant), eq(workflow.name, name), isShown, isNewest))
          .get(),
      ),

    workflowVersions: async (tenant, id) =>
      versions()
        .where(and(eq(workflow.tenant, tenant), eq(workflow.id, id), isShown))
        .orderBy(desc(workflowVersion.version))
        .all()
        .map((row) => toRow(row)),

    workflows: async (tenant, { tags = [], q, limit, after }) => {
      const tagged = tags.map((tag) =>
        inArray(
          workflow.key,
          db.select({ key: workflowTag.workflow }).from(workflowTag).where(eq(workflowTag.tag, tag)),
        ),
      );
      const found = q === undefined ? undefined : or(contains(workflow.id, q), contains(workflow.name, q));
      const later = after === undefined ? undefined : gt(workflow.id, after);
      return versions()
        .where(and(eq(workflow.tenant, tenant), isShown, isNewest, ...tagged, found, later))
        .orderBy(asc(workflow.id))
        .limit(limit)
        .all()
        .map((row) => toRow(row));
    },

    deleteWorkflow: async (tenant, id, at) =>
      writer.writeOutsideTurns(() => {
        const found = shown(tenant, { id });
        if (found === undefined) return false;
        db.delete(workflowTag).where(eq(workflowTag.workflow, found.key)).run();
        db.update(workflow).set({ deletedAt: at }).where(eq(workflow.key, found.key)).run();
        return true;
      }),
  };
}

type Selected = Omit<WorkflowRow, 'tags'> & { readonly tagsJson: string };

function toRow(selected: Selected): WorkflowRow;
function toRow(selected: Selected | undefined): WorkflowRow | undefined;
function toRow(selected: Selected | undefined): WorkflowRow | undefined {
  if (selected === undefined) return undefined;
  const { tagsJson, ...row } = selected;
  return { ...row, tags: parseColumn<readonly string[]>(tagsJson, 'workflow_version.tags', row.id) };
}
