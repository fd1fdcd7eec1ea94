/** The documents of a database in memory. */
import { FermataError } from '../../errors.ts';
import type { WorkflowRow, WorkflowStore } from '../../store/workflows.ts';
import type { MemoryDatabase, WorkflowRecord } from './database.ts';

/** The documents' part of the store. `use` throws where the database is not open. */
export function workflowsOf(use: () => MemoryDatabase): WorkflowStore {
  const nameOf = (tenant: string, id: string): string => `${tenant}\0${id}`;
  const shown = (tenant: string): WorkflowRow[] =>
    [...use().workflows.values()].flatMap((record) => {
      const newest = newestOf(record);
      return record.deletedAt === null && newest?.tenant === tenant ? [newest] : [];
    });
  const find = (tenant: string, id: string): WorkflowRecord | undefined => {
    const record = use().workflows.get(nameOf(tenant, id));
    return record?.deletedAt === null ? record : undefined;
  };
  const isTaken = ({ tenant, id, name }: WorkflowRow): boolean =>
    shown(tenant).some((other) => other.name === name && other.id !== id);

  return {
    async createWorkflow(row) {
      if (shown(row.tenant).some(({ name }) => name === row.name)) return false;
      use().workflows.set(nameOf(row.tenant, row.id), { versions: [row], deletedAt: null });
      return true;
    },
    async addWorkflowVersion(row) {
      const record = find(row.tenant, row.id);
      if (record === undefined)
        throw new FermataError('notFound', `Workflow "${row.id}" does not exist or was deleted.`);
      if (row.version <= (newestOf(record)?.version ?? 0)) return false;
      if (isTaken(row)) {
        throw new FermataError(
          'alreadyExists',
          `The name "${row.name}" belongs to another workflow. Choose another one.`,
        );
      }
      use().workflows.set(nameOf(row.tenant, row.id), { versions: [...record.versions, row], deletedAt: null });
      return true;
    },
    async keepWorkflow(row) {
      const name = nameOf(row.tenant, row.id);
      if (!use().workflows.has(name)) use().workflows.set(name, { versions: [row], deletedAt: row.createdAt });
    },
    workflow(tenant, id, version) {
      if (version !== undefined)
        return use()
          .workflows.get(nameOf(tenant, id))
          ?.versions.find((row) => row.version === version);
      return newestOf(find(tenant, id));
    },
    workflowByName: async (tenant, name) => shown(tenant).find((row) => row.name === name),
    workflowVersions: async (tenant, id) => find(tenant, id)?.versions.toReversed() ?? [],
    workflows: async (tenant, { tags = [], q, limit, after = '' }) =>
      shown(tenant)
        .filter(
          (row) =>
            row.id > after &&
            tags.every((tag) => row.tags.includes(tag)) &&
            (q === undefined || [row.id, row.name].some((text) => text.toLowerCase().includes(q.toLowerCase()))),
        )
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    async deleteWorkflow(tenant, id, at) {
      const record = find(tenant, id);
      if (record === undefined) return false;
      use().workflows.set(nameOf(tenant, id), { ...record, deletedAt: at });
      return true;
    },
  };
}

function newestOf(record: WorkflowRecord | undefined): WorkflowRow | undefined {
  return record?.versions.at(-1);
}
