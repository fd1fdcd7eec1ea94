/** Where the preparation and the projection of a run get its definition from. */
import type { RunRows } from '../runtime/rows.ts';
import type { Definition } from './definition.ts';

/** The definition that a run executes. May suspend (`rows.read`) until it is loaded. */
export type DefinitionOf = (rows: RunRows) => Definition;
