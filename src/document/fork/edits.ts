/** What somebody wants to change about the tasks of a fork: checked as a document is, every fault at once. */
import { FermataError, type Fault } from '../../errors.ts';
import type { Definition, TaskSpec } from '../definition.ts';
import { Faults, faultsMessage, formatPath } from '../faults.ts';
import { itemOf } from '../growth.ts';
import { jsonFaults } from '../json.ts';
import { checkValue } from '../json-schema.ts';
import { readsOf } from '../prompt.ts';
import { checkReads } from '../reads.ts';
import type { ForkEdit } from './record.ts';

/** What is known of the tasks that edits name. */
export interface EditedTasks {
  readonly definition: Definition;
  /** A task of the run; undefined where it has none of this name. */
  spec(name: string): Promise<TaskSpec | undefined>;
  /** The definition with other prompts. Throws `invalidDocument`. */
  withPrompts(prompts: Readonly<Record<string, string>>): Promise<Definition>;
}

/**
 * Checks edits.
 *
 * @param prompts of earlier forks, which still hold
 * @returns the prompts that hold now
 * @throws FermataError `invalidDocument` with every fault, at `edits.TASK.prompt` and the like
 */
export async function checkEdits(
  edits: Readonly<Record<string, ForkEdit>>,
  prompts: Readonly<Record<string, string>>,
  tasks: EditedTasks,
): Promise<Readonly<Record<string, string>>> {
  const faults = new Faults();
  const written = new Map(tasks.definition.tasks.map(({ name, position }) => [position, name]));
  const edited: Record<string, string> = { ...prompts };
  for (const [name, edit] of Object.entries(edits)) {
    const spec = await tasks.spec(name);
    if (spec === undefined) faults.add(formatPath(['edits', name]), 'the run has no such task');
    else if (checkEdit(spec, edit, written.get(spec.position) === name, faults) && edit.prompt !== undefined)
      edited[name] = edit.prompt;
  }
  const ofPrompts = await promptFaults(edited, written, tasks);
  const found = [...faults.list(), ...ofPrompts];
  if (found.length === 0) return edited;
  const message = faultsMessage('What is to be edited', found, faults.count + ofPrompts.length);
  throw new FermataError('invalidDocument', message, { faults: found });
}

/** True where it can be done, as far as its document does not have to be asked. */
function checkEdit(spec: TaskSpec, edit: ForkEdit, isWritten: boolean, faults: Faults): boolean {
  const before = faults.count;
  const add = (field: string, message: string): void =>
    faults.add(formatPath(['edits', spec.name, ...(field === '' ? [] : [field])]), message);
  const isGiven = Object.hasOwn(edit, 'output') && edit.output !== undefined;
  if (isGiven === (edit.prompt !== undefined))
    add(
      '',
      isGiven
        ? 'has a prompt and an output: a task that is given its output asks nothing'
        : 'changes nothing: give it a prompt or an output',
    );
  if (isGiven) checkOutput(spec, edit.output, faults);
  if (edit.prompt !== undefined) checkPrompt(spec, edit.prompt, isWritten, add, faults);
  return faults.count === before;
}

function checkOutput({ name, call }: TaskSpec, output: unknown, faults: Faults): void {
  const path = ['edits', name, 'output'];
  const { structure } = jsonFaults(output, path);
  for (const fault of structure) faults.add(fault.path, fault.message);
  // No other check could walk it.
  if (structure.length > 0) return;
  if (call.kind === 'condition')
    return faults.add(formatPath(path), 'is of a condition, which decides for itself: edit what it reads');
  if (call.kind === 'map' && !Array.isArray(output))
    return faults.add(formatPath(path), 'is of a map: expected a list, one entry for each item');
  if (call.kind !== 'model' || typeof call.responseFormat !== 'object') return;
  for (const fault of checkValue(call.responseFormat.schema, output, path).faults)
    faults.add(fault.path, fault.message);
}

function checkPrompt(
  { name, call, dependsOn }: TaskSpec,
  prompt: string,
  isWritten: boolean,
  add: (field: string, message: string) => void,
  faults: Faults,
): void {
  const item = itemOf(name);
  const asked = call.kind === 'map' || call.kind === 'reduce' ? call.task.call : call;
  if (asked.kind !== 'model') return add('prompt', `is of a task of kind ${call.kind}, which has none`);
  // Of a task of the document the whole document is checked.
  if (isWritten) return;
  if (item !== undefined)
    return add('prompt', `is of one item: all items have the prompt of ${JSON.stringify(item.map)}, edit that one`);
  const path = ['edits', name, 'prompt'];
  try {
    checkReads(readsOf(prompt), { tasks: new Set(dependsOn), self: name, input: undefined }, path, faults);
  } catch (thrown) {
    if (!(thrown instanceof FermataError)) throw thrown;
    faults.add(formatPath(path), thrown.message);
  }
}

/** What the document says about its new prompts. */
async function promptFaults(
  prompts: Readonly<Record<string, string>>,
  written: ReadonlyMap<number, string>,
  { withPrompts }: EditedTasks,
): Promise<readonly Fault[]> {
  try {
    await withPrompts(prompts);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof FermataError) || thrown.faults === undefined) throw thrown;
    return thrown.faults.map(({ path, message }) => {
      const [, position, field] = /^tasks\[(\d+)\]\.(?:task\.)*(prompt.*)$/u.exec(path) ?? [];
      const name = position === undefined ? undefined : written.get(Number(position));
      return name === undefined || field === undefined
        ? { path, message }
        : { path: `${formatPath(['edits', name])}.${field}`, message };
    });
  }
}
