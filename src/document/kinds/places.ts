/** Where a task of a document reads, as far as it can be told of one that may be wrong everywhere. */
import type { Path } from '../faults.ts';

/** A text of a document, with its place: as text only where there is a fault. */
export interface Placed {
  readonly path: Path;
  readonly text: string;
  /** Variables that there are here besides `input` and `tasks`. */
  readonly variables?: readonly string[];
}

/** Templates are Liquid, expressions CEL. */
export interface Reading {
  readonly templates: readonly Placed[];
  readonly expressions: readonly Placed[];
  /** Expressions that have to give true or false. */
  readonly conditions?: readonly Placed[];
  /** Expressions over `result`, the output of the task. */
  readonly outputs?: readonly Placed[];
  /** Expressions that have to give what a case can be called. */
  readonly switches?: readonly Placed[];
}

/** Where the fields read that are a kind's own. */
export type Places = (task: Readonly<Record<string, unknown>>, path: Path) => Reading;

/** What a task of a kind gives, as a JSON Schema, where that can be told before it runs. */
export type Gives = (task: Readonly<Record<string, unknown>>) => unknown;

/** The text of a field, where it is one. */
export function textAt(holder: Readonly<Record<string, unknown>>, path: Path, field: string): readonly Placed[] {
  const text = holder[field];
  return typeof text === 'string' ? [{ path: [...path, field], text }] : [];
}
