/** The graph of a document as the API shows it. */
import { z } from '@hono/zod-openapi';
import type { Definition } from '../document/definition.ts';
import type { Graph } from '../document/graph.ts';

export const graphSchema = z
  .object({
    name: z.string(),
    version: z.int(),
    nodes: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(['model', 'code', 'wait']),
        description: z.string().nullable(),
        stage: z.int(),
        requiresApproval: z.boolean(),
      }),
    ),
    edges: z.array(
      z.object({
        from: z.string(),
        to: z.string(),
        kind: z.enum(['needs', 'after']).describe('needs: its success; after: any end of it'),
      }),
    ),
    stages: z.array(z.array(z.string())).describe('Tasks of a stage need only what earlier stages give'),
  })
  .openapi('WorkflowGraph');

/** Nodes, edges and stages, each in the order of the document. */
export function graphView({ name, tasks }: Definition, version: number, graph: Graph): z.infer<typeof graphSchema> {
  const stages = graph.stages().map((stage) => stage.map((task) => task.name));
  const stageOf = new Map(stages.flatMap((stage, index) => stage.map((task): [string, number] => [task, index])));
  return {
    name,
    version,
    nodes: tasks.map((task) => ({
      name: task.name,
      kind: task.call.kind,
      description: task.description ?? null,
      stage: stageOf.get(task.name) ?? 0,
      requiresApproval: task.approval !== undefined,
    })),
    edges: tasks.flatMap((task) => [
      ...task.dependsOn.map((from) => ({ from, to: task.name, kind: 'needs' as const })),
      ...task.after.map((from) => ({ from, to: task.name, kind: 'after' as const })),
    ]),
    stages,
  };
}
