/** The graph of a document as the API shows it. */
import { z } from '@hono/zod-openapi';
import { wordsOf } from '../document/condition.ts';
import type { Definition, TaskSpec } from '../document/definition.ts';
import type { Graph } from '../document/graph.ts';
import { KINDS } from '../document/kinds/index.ts';
import { wordsOfReference } from '../document/kinds/subworkflow.ts';

export const graphSchema = z
  .object({
    name: z.string(),
    version: z.int(),
    nodes: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(KINDS),
        description: z.string().nullable(),
        stage: z.int(),
        requiresApproval: z.boolean(),
        when: z.string().nullable().describe('Its condition'),
        asks: z.string().nullable().describe('Of a condition: what decides'),
        items: z
          .string()
          .nullable()
          .describe('Of a map: the list; of a reduction in a tree: the task whose list it is'),
        each: z.enum(KINDS).nullable().describe('Of a map: the kind of what is done with each item'),
        runs: z.string().nullable().describe('Of a sub-workflow: the workflow, NAME or NAME@VERSION'),
        arity: z.int().nullable().describe('Of a reduction in a tree: outputs that one call sees'),
        goal: z.string().nullable().describe('Of work in rounds: what it is for'),
        depth: z.int().nullable().describe('Of work in rounds: how many at most'),
        adds: z.string().nullable().describe('Where its added tasks come from: fromOutput, or a function'),
      }),
    ),
    edges: z.array(
      z.object({
        from: z.string(),
        to: z.string(),
        kind: z.enum(['needs', 'after']).describe('needs: its success; after: any end of it'),
        branches: z.array(z.string()).optional().describe('It is chosen by these branches: then, else, cases.NAME'),
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
      when: task.when === undefined ? null : wordsOf(task.when),
      ...shapeOf(task.call),
      adds: task.onComplete?.addTasks ?? null,
    })),
    edges: tasks.flatMap((task) => [
      ...task.dependsOn.map((from) => ({ from, to: task.name, kind: 'needs' as const, ...branchesOf(task, from) })),
      ...task.after.map((from) => ({ from, to: task.name, kind: 'after' as const })),
    ]),
    stages,
  };
}

type Node = z.infer<typeof graphSchema>['nodes'][number];

/** What is to be said of a task by its kind. */
type OfKind = 'asks' | 'items' | 'each' | 'runs' | 'arity' | 'goal' | 'depth';
function shapeOf(call: TaskSpec['call']): Pick<Node, OfKind> {
  const nothing = { asks: null, items: null, each: null, runs: null, arity: null, goal: null, depth: null };
  switch (call.kind) {
    case 'condition':
      return { ...nothing, asks: 'if' in call.decides ? wordsOf(call.decides.if) : call.decides.switch };
    case 'map':
      return { ...nothing, items: call.items, each: call.task.call.kind };
    case 'subworkflow':
      return { ...nothing, runs: wordsOfReference(call.workflow) };
    case 'reduce':
      return { ...nothing, items: call.over, arity: call.arity };
    case 'planExecuteReflect':
      return { ...nothing, goal: call.goal, depth: call.depth };
    default:
      return nothing;
  }
}

/** The branches by which a condition chooses a task; nothing where it is no such condition. */
function branchesOf({ gates }: TaskSpec, from: string): { branches?: string[] } {
  const gate = gates.find(({ by }) => by === from);
  return gate === undefined ? {} : { branches: [...gate.branches] };
}
