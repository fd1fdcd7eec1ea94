/** How runs grow: what is written of the tasks that join one. */

/** How a run has grown at a task: who added it, and what it added. A task that neither was added nor added any has none. */
export interface GrowthRow {
  readonly task: string;
  /** The task that added it; null for a task of the document. */
  readonly parent: string | null;
  /** Additions between it and the document: 0 for a task of the document. */
  readonly depth: number;
  /** Journal number of the fact that carries its definition; null for a task of the document. */
  readonly specSeq: number | null;
  /** Tasks that it added, that have not ended, and for whose end it is waited. */
  readonly open: number;
  /** How long its lists are, the group of its items: what stays as long as it is, however much the run grows. */
  readonly detailJson: string | null;
}

/**
 * An entry of a list that grows at a task: tasks that it added, added tasks that depend on it, those of a round that wait
 * for their turn. Its key is `TASK/LIST/AT`: names of tasks have no slash. Written once, and never changed.
 */
export interface GrowthListRow {
  readonly task: string;
  readonly list: 'child' | 'dependent' | 'turn';
  /** Place in the list: from 0, without gaps. */
  readonly at: number;
  /** The task that stands there. */
  readonly name: string;
  /** Of one that depends: it cannot run without. */
  readonly hard: boolean;
}
