/** Which events from outside a run takes now, and why it does not take the others. */
import type { FilterFailure } from '../../machines/workflow/prepared.ts';
import { FermataError } from '../errors.ts';
import type { Arriving, EventAcceptance } from '../runtime/outside.ts';
import type { RunGraph } from './run-graph.ts';
import { eventTypeRow, eventTypesOf, MOST_KEPT } from './waits.ts';

/** Types that are told, of a document that has more. */
const MOST_TOLD = 100;
/** Tasks that are told by name. */
const MOST_NAMED = 10;

/** Every type that the run knows, those that it takes first. */
export function acceptanceOfAll(graph: RunGraph, snapshot: Arriving['snapshot']): readonly EventAcceptance[] {
  const over = snapshot.status !== 'active' ? ENDED : isEnding(snapshot) ? ENDING : undefined;
  const all = typesOf(graph).map((type) => acceptanceOf(type, graph, over));
  return [...all.filter(({ accepted }) => accepted), ...all.filter(({ accepted }) => !accepted)];
}

/** Throws where an event that no waiting task takes is not kept for one to come either. */
export function assertKept(type: string, failures: readonly FilterFailure[], graph: RunGraph): void {
  const { toCome, waiting, kept } = eventTypeRow(graph, type);
  if (toCome > 0) {
    if (kept < MOST_KEPT) return;
    throw new FermataError(
      'tooManyEvents',
      `Run ${graph.rows.key.run} keeps ${kept} events "${type}" for tasks that have not begun to wait for them, and no more are kept. Send it again when one of them was taken.`,
      { data: { type, kept, most: MOST_KEPT } },
    );
  }
  const [failure] = failures;
  if (failure !== undefined)
    throw new FermataError(
      'expressionFailed',
      `Task "${failure.task}" waits for "${type}", and its filter failed on this event: ${failure.error.message} Nobody took the event.`,
      { data: { ...failure.error.data, task: failure.task } },
    );
  const reason =
    waiting > 0
      ? `${named(openTasks(type, graph))} for it, and no filter is true of this event.`
      : acceptanceOf(type, graph).reason;
  throw refusal(type, reason, graph);
}

export function assertGoesOn({ snapshot, rows }: Omit<Arriving, 'event'>, type: string): void {
  if (!isEnding(snapshot)) return;
  throw new FermataError('eventNotAccepted', `Run ${rows.key.run} does not take "${type}": ${ENDING}`, {
    data: { accepts: [] },
  });
}

const ENDING = 'The run is ending; its tasks are being cancelled.';
const ENDED = 'The run has ended.';

export function isEnding(snapshot: Arriving['snapshot']): boolean {
  return ((snapshot.context as { readonly ending?: unknown }).ending ?? null) !== null;
}

/** @param over why the run takes no event at all any more */
function acceptanceOf(type: string, graph: RunGraph, over?: string): EventAcceptance {
  const { toCome, waiting, kept } = eventTypeRow(graph, type);
  const number = `${kept} ${kept === 1 ? 'is' : 'are'}`;
  const refused = (reason: string): EventAcceptance => {
    // Whoever sent it was told that it is kept.
    const lost = kept === 0 ? '' : ` ${number} kept that nobody took.`;
    return { type, accepted: false, reason: `${reason}${lost}` };
  };
  if (over !== undefined) return refused(over);
  if (waiting > 0) return { type, accepted: true, reason: `${named(openTasks(type, graph))} for it.` };
  if (toCome > 0) {
    const full = kept >= MOST_KEPT;
    const already = kept === 0 ? '' : ` ${number} kept already${full ? ', and no more are' : ''}.`;
    const tasks = toCome === 1 ? 'A task has' : `${toCome} tasks have`;
    return {
      type,
      accepted: !full,
      reason: `${tasks} still to begin to wait for it; until then it is kept.${already}`,
    };
  }
  const specs = eventTypesOf(graph.definition).get(type);
  if (specs === undefined)
    return refused(
      graph.rows.get('eventType', type) === undefined
        ? 'No task of the workflow waits for it.'
        : 'The tasks that waited for it have ended.',
    );
  const ends = specs.slice(0, MOST_NAMED).map(({ name }) => `"${name}" (${graph.row(name).status})`);
  const more = specs.length > MOST_NAMED ? ` and ${specs.length - MOST_NAMED} more` : '';
  return refused(`No task waits for it any more: ${ends.join(', ')}${more}.`);
}

function openTasks(type: string, { rows }: RunGraph): readonly string[] {
  return rows.openWaits(type).items.map(({ task }) => task);
}

/** `Task "paid" waits`. */
function named(tasks: readonly string[]): string {
  const shown = tasks.slice(0, MOST_NAMED).map((task) => `"${task}"`);
  const more = tasks.length > shown.length ? ' and others' : '';
  return `${tasks.length === 1 ? 'Task' : 'Tasks'} ${shown.join(', ')}${more} ${tasks.length === 1 ? 'waits' : 'wait'}`;
}

/** Types that are told: those that the document names first, then those of tasks that joined the run. */
function typesOf({ definition, rows }: RunGraph): readonly string[] {
  const written = [...eventTypesOf(definition).keys()].slice(0, MOST_TOLD);
  return [...new Set([...written, ...rows.eventTypes(MOST_TOLD)])].slice(0, MOST_TOLD);
}

function refusal(type: string, reason: string, graph: RunGraph): FermataError {
  const told = typesOf(graph);
  const accepts = told.filter((other) => acceptanceOf(other, graph).accepted);
  return new FermataError(
    'eventNotAccepted',
    `Run ${graph.rows.key.run} does not take "${type}" now: ${reason} It accepts: ${accepts.join(', ') || 'no event from outside'}.`,
    { data: { accepts, reason } },
  );
}
