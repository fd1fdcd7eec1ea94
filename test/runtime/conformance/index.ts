/** All named scenarios, by subject. */
import { actionScenarios } from './actions.ts';
import { actorScenarios } from './actors.ts';
import { afterScenarios } from './after.ts';
import { alwaysScenarios } from './always.ts';
import { assignScenarios } from './assign.ts';
import { birthScenarios } from './birth.ts';
import { cancelScenarios } from './cancel.ts';
import { emitScenarios } from './emit.ts';
import { errorScenarios } from './errors.ts';
import { finalScenarios } from './final.ts';
import { guardScenarios } from './guards.ts';
import { historyScenarios } from './history.ts';
import { idScenarios } from './ids.ts';
import { invokeScenarios } from './invoke.ts';
import { messageScenarios } from './messages.ts';
import { nestingScenarios } from './nesting.ts';
import { orderScenarios } from './order.ts';
import { parallelScenarios } from './parallel.ts';
import { rehydrationScenarios } from './rehydration.ts';
import type { Scenario } from './scenario.ts';
import { spawnScenarios } from './spawn.ts';
import { stateScenarios } from './states.ts';
import { timeScenarios } from './time.ts';

/** Subject → its scenarios. */
export const subjects: Readonly<Record<string, readonly Scenario[]>> = {
  states: stateScenarios,
  nesting: nestingScenarios,
  history: historyScenarios,
  parallel: parallelScenarios,
  always: alwaysScenarios,
  guards: guardScenarios,
  actions: actionScenarios,
  assign: assignScenarios,
  final: finalScenarios,
  birth: birthScenarios,
  emit: emitScenarios,
  ids: idScenarios,
  invoke: invokeScenarios,
  spawn: spawnScenarios,
  actors: actorScenarios,
  messages: messageScenarios,
  order: orderScenarios,
  errors: errorScenarios,
  after: afterScenarios,
  cancel: cancelScenarios,
  time: timeScenarios,
  rehydration: rehydrationScenarios,
};
