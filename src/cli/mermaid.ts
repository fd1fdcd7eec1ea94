/** The graph of a workflow as a Mermaid flowchart. */

/** What is drawn: tasks, and who waits for whom. */
export interface DrawnGraph {
  readonly nodes: readonly {
    readonly name: string;
    /** Of the task: `model`, `code`, `condition` … */
    readonly kind: string;
    readonly requiresApproval: boolean;
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
 * arrows say the branch; hexagons wait for an approval first; a dotted arrow merely comes later.
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
};

function box({ name, kind, requiresApproval }: DrawnGraph['nodes'][number]): string {
  const label = `"${escaped(name)}"`;
  if (requiresApproval) return `{{${label}}}`;
  const [opens, closes] = SHAPES[kind] ?? ['(', ')'];
  return `${opens}${label}${closes}`;
}

/** Mermaid's own escapes: a label may hold any text but quotes and angle brackets. */
function escaped(label: string): string {
  return label
    .replaceAll('&', '&amp;')
    .replaceAll('"', '#quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('`', '#96;');
}
