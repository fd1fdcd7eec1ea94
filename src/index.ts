/** Fermata: durable XState machines and AI workflows. */
export {
  createRuntime,
  type Runtime,
  type RuntimeOptions,
  type RunView,
  type Started,
  type StartOptions,
} from './runtime/runtime.ts';
export {
  effect,
  type AroundEffect,
  type EffectCall,
  type EffectContext,
  type EffectDefinition,
  type InDoubtPolicy,
} from './runtime/effect.ts';
export type { MachineRegistration, Prepare } from './runtime/registration.ts';
export type { Migration, MigrateSnapshot } from './runtime/migration.ts';
export type { PendingTimer } from './runtime/migrated-timers.ts';
export type { MigrationChoice, MigrationOfRun, Migrations, UndoOfRun } from './runtime/migrations.ts';
export type { Break, BreakCode } from './runtime/migration-break.ts';
export type { Fact, Delta } from './runtime/facts.ts';
export type { Projection } from './runtime/projection.ts';
export { sqliteStore } from './store/sqlite/index.ts';
export type { Store } from './store/store.ts';
export { systemClock, systemLoop, type Clock, type EventLoop } from './clock.ts';
export { compose, taskMachine, workflowMachine, type Fermata, type FermataOptions } from './compose.ts';
export { defineConfig, type FermataConfig } from './config.ts';
export type { PriceBook } from './cost/price-book.ts';
export type { PriceOverrides } from './cost/price-overrides.ts';
export type { Costs, CostsQuery } from './document/costs.ts';
export { workflow } from './document/builder.ts';
export { cel, code, type Expression } from './document/code-task.ts';
export { parseDocument, parseText } from './document/parse.ts';
export { execute } from './document/execute.ts';
export { fork, type ForkRequest } from './document/fork/request.ts';
export type { Predicate, SharingPredicate } from './document/condition.ts';
export type { WorkflowDocument } from './document/schema.ts';
export { codeFunction, type CodeContext, type CodeFunction, type DeclaredFunction } from '../actors/code-function.ts';
export { ERROR_CODES, FermataError, type ErrorCode } from './errors.ts';
export { isFermataError } from './embedded-api.ts';
