/** Do the workflows exist that the tasks of a document run, and does each get what it needs? Asked when it is stored. */
import { FermataError, type Fault } from '../errors.ts';
import { didYouMean } from './nearest.ts';
import type { Definition, TaskSpec } from './definition.ts';
import { excerpt, faultsMessage, formatPath } from './faults.ts';
import { isRecord } from './json.ts';
import { wordsOfReference, type SubworkflowSpec, type WorkflowReference } from './kinds/subworkflow.ts';
import { parseDocument } from './parse.ts';

/** A sub-workflow of a document, with its place. */
export interface PlacedSubworkflow {
  readonly path: string;
  readonly call: SubworkflowSpec;
}

/** What the check asks of the stored workflows. */
export interface KnownWorkflows {
  /** The definition that a run would have now; undefined where there is none. */
  lookUp(reference: WorkflowReference): Promise<Definition | undefined>;
  /** Names to suggest where one is not there. */
  names(): Promise<readonly string[]>;
}

/** All sub-workflows of a document: of tasks, and of the tasks of items. */
export function subworkflowsOf({ tasks }: Pick<Definition, 'tasks'>, prefix = ''): readonly PlacedSubworkflow[] {
  return tasks.flatMap(({ call, position }) => {
    const place = `${prefix}${formatPath(['tasks', position])}`;
    if (call.kind === 'map') return ofTask(call.task, `${place}.task`);
    return call.kind === 'subworkflow' ? [{ path: place, call }] : [];
  });
}

/** Workflows that a document runs by name, as they are written, each once; those of inline documents too. */
export function namedWorkflowsOf(definition: Pick<Definition, 'tasks'>): readonly string[] {
  const names = subworkflowsOf(definition).flatMap(({ call: { workflow } }) => {
    if ('document' in workflow) return namedWorkflowsOf(parseDocument(workflow.document));
    return [wordsOfReference(workflow)];
  });
  return [...new Set(names)];
}

function ofTask({ call }: TaskSpec, path: string): readonly PlacedSubworkflow[] {
  return call.kind === 'subworkflow' ? [{ path, call }] : [];
}

/**
 * Checks what the tasks of a document run, also inside of inline documents.
 *
 * @param own the document itself, which its tasks may run
 * @throws FermataError `workflowMissing` where one does not exist, `invalidDocument` where only its input is wrong
 */
export async function assertKnownWorkflows(
  definition: Definition,
  own: { readonly version: number },
  known: KnownWorkflows,
): Promise<void> {
  const missing: Fault[] = [];
  const unfit: Fault[] = [];
  await check(definition, '');
  const faults = [...missing, ...unfit];
  if (faults.length === 0) return;
  throw new FermataError(
    missing.length > 0 ? 'workflowMissing' : 'invalidDocument',
    faultsMessage(`The workflow document ${JSON.stringify(definition.name)}`, faults),
    { faults },
  );

  async function check(document: Definition, prefix: string): Promise<void> {
    for (const { path, call } of subworkflowsOf(document, prefix)) {
      const { workflow } = call;
      const isInline = 'document' in workflow;
      const found = isInline ? parseDocument(workflow.document) : await lookUp(workflow);
      if (found === undefined) missing.push({ path: `${path}.workflow`, message: await missingOf(workflow, known) });
      else unfit.push(...inputFaults(call, found, path));
      if (isInline && found !== undefined) await check(found, `${path}.workflow.`);
    }
  }

  async function lookUp(reference: WorkflowReference): Promise<Definition | undefined> {
    if (reference.name !== definition.name || 'document' in reference) return known.lookUp(reference);
    const { version = own.version } = reference;
    return version === own.version ? definition : known.lookUp(reference);
  }
}

async function missingOf(reference: WorkflowReference, known: KnownWorkflows): Promise<string> {
  const { name } = reference;
  const version = 'version' in reference ? reference.version : undefined;
  if (version !== undefined && (await known.lookUp({ name })) !== undefined)
    return `the workflow ${JSON.stringify(name)} has no version ${version}: name one that it has (GET /api/v1/workflows), or none for the newest`;
  const nearest = didYouMean(name, await known.names());
  return `no workflow ${JSON.stringify(excerpt(name))} exists${nearest}: create it before this one (POST /api/v1/workflows), or write its document here`;
}

/** What a workflow requires and a task does not give. What it gives is checked when it is known, as the run begins. */
function inputFaults({ input }: SubworkflowSpec, { name, input: schema }: Definition, path: string): readonly Fault[] {
  const required: readonly unknown[] = Array.isArray(schema?.['required']) ? schema['required'] : [];
  const properties = isRecord(schema?.['properties']) ? schema['properties'] : {};
  return required.flatMap((field) => {
    const property = properties[String(field)];
    if (Object.hasOwn(input, String(field)) || (isRecord(property) && 'default' in property)) return [];
    const message = `the workflow ${JSON.stringify(name)} requires ${JSON.stringify(field)} in its input, and the task does not give it`;
    return [{ path: `${path}.input`, message }];
  });
}
