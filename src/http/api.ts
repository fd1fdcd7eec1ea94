/** The types of the API, router by router: all that the client takes from the server, and only as types. */
import type { approvalRoutes } from './routes/approvals.ts';
import type { executionRoutes } from './routes/executions.ts';
import type { forkRoutes } from './routes/forks.ts';
import type { inspectingRoutes } from './routes/inspecting.ts';
import type { machineRoutes } from './routes/machines.ts';
import type { manyRunsRoutes } from './routes/many-runs.ts';
import type { planExecuteRoutes } from './routes/plan-execute.ts';
import type { runRoutes } from './routes/runs.ts';
import type { sharedValueRoutes } from './routes/shared-values.ts';
import type { steeringRoutes } from './routes/steering.ts';
import type { taskRoutes } from './routes/tasks.ts';
import type { workflowRoutes } from './routes/workflows.ts';

export type WorkflowApi = ReturnType<typeof workflowRoutes>;
export type ExecutionApi = ReturnType<typeof executionRoutes>;
export type PlanExecuteApi = ReturnType<typeof planExecuteRoutes>;
export type ForkApi = ReturnType<typeof forkRoutes>;
export type ManyRunsApi = ReturnType<typeof manyRunsRoutes>;
export type RunApi = ReturnType<typeof runRoutes>;
export type SharedValueApi = ReturnType<typeof sharedValueRoutes>;
export type InspectingApi = ReturnType<typeof inspectingRoutes>;
export type SteeringApi = ReturnType<typeof steeringRoutes>;
export type TaskApi = ReturnType<typeof taskRoutes>;
export type MachineApi = ReturnType<typeof machineRoutes>;
export type ApprovalApi = ReturnType<typeof approvalRoutes>;
