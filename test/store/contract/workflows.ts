import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import type { WorkflowFilter } from '../../../src/store/workflows.ts';
import { workflowRow } from './rows.ts';
import { storeOfTest } from './under-test.ts';
import type { MakeStore } from './under-test.ts';

async function ids(store: Store, filter: Partial<WorkflowFilter>): Promise<string> {
  return (await store.workflows('default', { limit: 100, ...filter })).map(({ id }) => id).join(' ');
}

export function workflowsContract(make: MakeStore): void {
  describe('workflows', () => {
    const current = storeOfTest(make);

    test('a workflow is found by id and by name, the newest version first', async () => {
      const { store } = current();
      const first = workflowRow('w', { name: 'research', tags: ['x'] });
      const second = workflowRow('w', {
        name: 'research',
        version: 2,
        tags: ['y'],
        updatedAt: 9,
        documentJson: '{"v":2}',
      });
      expect(await store.createWorkflow(first)).toBe(true);
      expect(await store.addWorkflowVersion(second)).toBe(true);
      expect(await store.workflow('default', 'w')).toEqual(second);
      expect(await store.workflow('default', 'w', 1)).toEqual(first);
      expect(await store.workflow('default', 'w', 3)).toBeUndefined();
      expect(await store.workflowByName('default', 'research')).toEqual(second);
      expect(await store.workflowVersions('default', 'w')).toEqual([second, first]);
    });

    test('a version that only runs name is kept once, whatever the names of others, and shown to nobody', async () => {
      const { store } = current();
      const kept = workflowRow('inline-1', { name: 'a' });
      expect(await store.createWorkflow(workflowRow('w', { name: 'a' }))).toBe(true);
      await store.keepWorkflow(kept);
      await store.keepWorkflow({ ...kept, documentJson: '{"another":1}' });
      expect(await store.workflow('default', 'inline-1', 1)).toEqual(kept);
      expect(await store.workflow('default', 'inline-1')).toBeUndefined();
      expect(await ids(store, {})).toBe('w');
      expect((await store.workflowByName('default', 'a'))?.id).toBe('w');
    });

    test('a name is taken once in a tenant, a version once in a workflow', async () => {
      const { store } = current();
      const other = workflowRow('w2', { name: 'b' });
      expect(await store.createWorkflow(workflowRow('w', { name: 'a' }))).toBe(true);
      expect(await store.createWorkflow(workflowRow('w2', { name: 'a' }))).toBe(false);
      expect(await store.createWorkflow(workflowRow('w2', { name: 'a', tenant: 'other' }))).toBe(true);
      expect(await store.createWorkflow(other)).toBe(true);
      expect(await store.addWorkflowVersion(workflowRow('w', { name: 'a', version: 2 }))).toBe(true);
      expect(await store.addWorkflowVersion(workflowRow('w', { name: 'a', version: 2 }))).toBe(false);
      await expect(store.addWorkflowVersion(workflowRow('w', { name: 'b', version: 3 }))).rejects.toMatchObject({
        code: 'alreadyExists',
      });
      await expect(store.addWorkflowVersion(workflowRow('w9', { version: 2 }))).rejects.toMatchObject({
        code: 'notFound',
      });
      expect(await store.workflow('default', 'w2')).toEqual(other);
    });

    test('a new version may bring another name, and the old one is free then', async () => {
      const { store } = current();
      await store.createWorkflow(workflowRow('w', { name: 'old' }));
      await store.addWorkflowVersion(workflowRow('w', { name: 'new', version: 2 }));
      expect(await store.workflowByName('default', 'old')).toBeUndefined();
      expect(await store.createWorkflow(workflowRow('w2', { name: 'old' }))).toBe(true);
      expect(await store.workflow('default', 'w', 1)).toMatchObject({ name: 'old' });
    });

    test('the list filters by tags of the newest version and by text, in pages', async () => {
      const { store } = current();
      await store.createWorkflow(workflowRow('w1', { name: 'Alpha 50%', tags: ['x', 'y', 'x'] }));
      await store.createWorkflow(workflowRow('w2', { name: 'beta', tags: ['x'] }));
      await store.createWorkflow(workflowRow('w3', { name: 'alphabet', tags: ['y'] }));
      await store.addWorkflowVersion(workflowRow('w3', { name: 'alphabet', version: 2, tags: ['z'] }));
      expect(await ids(store, {})).toBe('w1 w2 w3');
      expect(await ids(store, { tags: ['x'] })).toBe('w1 w2');
      expect(await ids(store, { tags: ['x', 'y'] })).toBe('w1');
      expect(await ids(store, { tags: ['y'] })).toBe('w1');
      expect(await ids(store, { q: 'ALPHA' })).toBe('w1 w3');
      expect(await ids(store, { q: '%' })).toBe('w1');
      expect(await ids(store, { q: '_' })).toBe('');
      expect(await ids(store, { limit: 2 })).toBe('w1 w2');
      expect(await ids(store, { limit: 2, after: 'w2' })).toBe('w3');
    });

    test('a deleted workflow is hidden, its versions stay for their runs, its name is free', async () => {
      const { store } = current();
      const row = workflowRow('w', { name: 'a', tags: ['x'] });
      await store.createWorkflow(row);
      expect(await store.deleteWorkflow('other', 'w', 5)).toBe(false);
      expect(await store.deleteWorkflow('default', 'w', 5)).toBe(true);
      expect(await store.deleteWorkflow('default', 'w', 6)).toBe(false);
      expect(await store.workflow('default', 'w')).toBeUndefined();
      expect(await store.workflowByName('default', 'a')).toBeUndefined();
      expect(await store.workflowVersions('default', 'w')).toEqual([]);
      expect(await ids(store, { tags: ['x'] })).toBe('');
      expect(await store.workflow('default', 'w', 1)).toEqual(row);
      expect(await store.createWorkflow(workflowRow('w2', { name: 'a' }))).toBe(true);
      await expect(store.addWorkflowVersion(workflowRow('w', { name: 'a', version: 2 }))).rejects.toMatchObject({
        code: 'notFound',
      });
    });
  });
}
