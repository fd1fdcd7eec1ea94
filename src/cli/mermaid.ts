/** The graph of a workflow as a Mermaid flowchart. */
import { firstLine } from './text.ts';

/** What is drawn: tasks, and who waits for whom. */
export interface DrawnGraph {
  readonly nodes: readonly {
    readonly name: string;
    /** Of the task: `model`, `code`, `condition` … */
    readonly kind: string;
    readonly requiresApproval: boolean;
    /** Its condition. */
    readonly when?: string | null;
    /** Of a condition: what decides. */
    readonly asks?: string | null;
    /** Of a map: the list; of a reduction in a tree: the task whose list it is. */
    readonly items?: string | null;
    /** Of a reduction in a tree: outputs that one call sees. */
    readonly arity?: number | null;
    /** Of work in rounds: what it is for, and how many at most. */
    readonly goal?: string | null;
    readonly depth?: number | null;
    /** Of a sub-workflow: the workflow that it runs. */
    readonly runs?: string | null;
    /** Where its added tasks come from. */
    readonly adds?: string | null;
  }[];
  /** `needs`: its success; `after`: any end of it. */
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    readonly kind: 'needs' | 'after';
    /** Of a condition, in which the task is. */
    readonly branches?: readonly string[] | undefined;
  }[];
}

/**
 * A flowchart, top down. Rounded boxes are model calls, boxes with bars are code, diamonds are conditions, whose
 * arrows say the branch; slanted boxes go through a list, boxes that narrow make one of many, and boxes that widen work in
 * rounds; cylinders run another workflow; hexagons wait for an approval first; a dotted arrow merely comes later. Below a
 * name stands what decides about the task.
 *
 * @example
 * mermaid({ nodes: [{ name: 'plan', kind: 'model', requiresApproval: false }], edges: [] }) // 'flowchart TD\n  t0("plan")'
 */
export function mermaid({ nodes, edges }: DrawnGraph): string {
  const ids = new Map(nodes.map(({ name }, index) => [name, `t${index}`]));
  const boxes = nodes.map((node) => `  ${ids.get(node.name)}${box(node)}`);
  const arrows = edges.map(
    ({ from, to, kind, branches }) =>
      `  ${ids.get(from)} ${kind === 'needs' ? '-->' : '-.->'}${branches === undefined ? '' : `|"${escaped(branches.join(', '))}"|`} ${ids.get(to)}`,
  );
  return ['flowchart TD', ...boxes, ...arrows].join('\n');
}

/** Of kinds that are not a model call. */
const SHAPES: Readonly<Record<string, readonly [string, string]>> = {
  code: ['[[', ']]'],
  condition: ['{', '}'],
  map: ['[/', '/]'],
  reduce: ['[\\', '/]'],
  wait: ['([', '])'],
  planExecuteReflect: ['[/', '\\]'],
  subworkflow: ['[(', ')]'],
};

function box(node: DrawnGraph['nodes'][number]): string {
  const label = `"${[node.name, ...notesOf(node)].map(escaped).join('<br/>')}"`;
  if (node.requiresApproval) return `{{${label}}}`;
  const [opens, closes] = SHAPES[node.kind] ?? ['(', ')'];
  return `${opens}${label}${closes}`;
}

/** Characters of an expression: a drawing shows that there is one, the document says it in full. */
const LONGEST_NOTE = 60;

function notesOf({ when, asks, items, arity, runs, goal, depth, adds }: DrawnGraph['nodes'][number]): string[] {
  const notes = [
    ['when', when],
    ['asks', asks],
    [typeof arity !== 'number' ? 'for each of' : `${arity} at a time of`, items],
    [`at most ${depth} rounds for:`, goal],
    ['runs', runs],
    ['adds tasks:', adds],
  ] as const;
  return notes.flatMap(([word, text]) =>
    typeof text !== 'string' ? [] : [`${word} ${firstLine(text, LONGEST_NOTE)}`],
  );
}

/** Mermaid's own escapes: what it would read as a quote, a tag, an escape of its own or a line end. */
function escaped(label: string): string {
  return label
    .replaceAll('#', '#35;')
    .replaceAll('\\', '#92;')
    .replaceAll('&', '&amp;')
    .replaceAll('"', '#quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('`', '#96;');
}
