import type { MaybePromise } from './maybe-promise.ts';

/** A stored workflow document, one version of it. */
export interface WorkflowRow {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly tags: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly documentJson: string;
}

/** What filters a list of workflows. */
export interface WorkflowFilter {
  readonly tags?: readonly string[] | undefined;
  readonly q?: string | undefined;
  readonly limit: number;
  /** Id after which to go on. */
  readonly after?: string | undefined;
}

/** The documents. Written outside of turns: a run names the version it executes. */
export interface WorkflowStore {
  /** Returns false where the name is taken in this tenant. */
  createWorkflow(row: WorkflowRow): Promise<boolean>;
  /**
   * Adds a version; false where `version` exists, so that two writers cannot both be version 2. Throws `FermataError`
   * `notFound` where the workflow is not there, `alreadyExists` where the row's new name belongs to another one.
   */
  addWorkflowVersion(row: WorkflowRow): Promise<boolean>;
  /** Stores a version that only runs name: hidden like that of a deleted workflow. Does nothing where its id is known. */
  keepWorkflow(row: WorkflowRow): Promise<void>;
  /** The newest version, or the one named. A deleted workflow is absent unless its version is asked for by a run. */
  workflow(tenant: string, id: string, version?: number): MaybePromise<WorkflowRow | undefined>;
  workflowByName(tenant: string, name: string): Promise<WorkflowRow | undefined>;
  /** Newest first; none where the workflow was deleted. */
  workflowVersions(tenant: string, id: string): Promise<readonly WorkflowRow[]>;
  /** The newest version of each, in the order of their ids. */
  workflows(tenant: string, filter: WorkflowFilter): Promise<readonly WorkflowRow[]>;
  /** Hides the workflow; its versions stay for the runs that execute them. False where it does not exist. */
  deleteWorkflow(tenant: string, id: string, at: number): Promise<boolean>;
}
