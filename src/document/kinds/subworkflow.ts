/** A task that runs another workflow: a run of its own, with its own journal, that this one waits for. */
import { z } from 'zod';
import { anyJson, commonFields, name, seconds } from '../fields.ts';
import { expressionsOf } from '../expression.ts';
import { isRecord } from '../json.ts';
import { renderValue } from '../prompt.ts';
import type { Scope } from '../reads.ts';
import type { Gives, Places } from './places.ts';

/** As it is written. An inline document is checked like any other, by `parse.ts`. */
export const subworkflowTaskSchema = z.strictObject({
  ...commonFields,
  timeoutSeconds: seconds
    .optional()
    .describe('From its start to its end, with all attempts; the run is cancelled then'),
  kind: z.literal('subworkflow'),
  workflow: z
    .union([name, anyJson], 'expected the name of a workflow, NAME@VERSION, or a whole document')
    .describe('NAME: its newest version when the task begins; NAME@VERSION; or a whole document'),
  input: anyJson
    .default({})
    .describe('Texts are Liquid; one that is a single {{ … }} gives the value itself, whatever its type'),
  wait: z.boolean().default(true).describe('false: the task completes with { runId } once the run has begun'),
});

/** Which workflow: the newest version of a name, a version, or a document of its own. */
export type WorkflowReference =
  | { readonly name: string; readonly version?: number }
  | { readonly name: string; readonly document: Readonly<Record<string, unknown>> };

/** A sub-workflow, complete. */
export interface SubworkflowSpec {
  readonly kind: 'subworkflow';
  readonly workflow: WorkflowReference;
  /** A tree whose texts are Liquid. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly wait: boolean;
}

/** A sub-workflow, ready to begin. */
export interface PreparedSubworkflow {
  readonly kind: 'subworkflow';
  readonly workflow: WorkflowReference;
  readonly input: Readonly<Record<string, unknown>>;
  readonly wait: boolean;
  /** In a fork: the run that the task waited for in vain. What that has found is taken over where it is the same workflow. */
  readonly takesOver?: string;
}

/**
 * Which workflow a task names.
 *
 * @example
 * referenceOf('review@3') // { name: 'review', version: 3 }
 */
export function referenceOf(workflow: string | Readonly<Record<string, unknown>>): WorkflowReference {
  if (typeof workflow !== 'string') return { name: String(workflow['name']), document: workflow };
  const [, named = workflow, version] = /^(.+)@(\d{1,9})$/.exec(workflow) ?? [];
  return version === undefined ? { name: workflow } : { name: named, version: Number(version) };
}

/** The same as text: what its author wrote, and of an inline document its name. */
export function wordsOfReference(reference: WorkflowReference): string {
  return 'version' in reference ? `${reference.name}@${reference.version}` : reference.name;
}

/** Its inner form. */
export function subworkflowSpec({ workflow, input, wait }: z.output<typeof subworkflowTaskSchema>): SubworkflowSpec {
  return { kind: 'subworkflow', workflow: referenceOf(workflow), input, wait };
}

/** Where it reads. What an inline document reads is its own. */
export const subworkflowPlaces: Places = (task, path) => ({
  templates: isRecord(task['input']) ? expressionsOf(task['input'], [...path, 'input']) : [],
  expressions: [],
});

/** What its run gives; where nobody waits for that, which one it is. */
export const subworkflowGives: Gives = ({ wait }) =>
  wait === false
    ? { type: 'object', properties: { runId: { type: 'string' } }, additionalProperties: false }
    : undefined;

/** Throws `promptFailed`. */
export function prepareSubworkflow({ workflow, input, wait }: SubworkflowSpec, scope: Scope): PreparedSubworkflow {
  return { kind: 'subworkflow', workflow, input: rendered(input, scope) as SubworkflowSpec['input'], wait };
}

function rendered(tree: unknown, scope: Scope): unknown {
  if (typeof tree === 'string') return renderValue(tree, scope);
  if (Array.isArray(tree)) return tree.map((entry) => rendered(entry, scope));
  if (typeof tree !== 'object' || tree === null) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, entry]) => [key, rendered(entry, scope)]));
}
