/**
 * Statecharts of machines, drawn from the machines themselves (Mermaid), and what each state waits for.
 * `node docs/statecharts.ts` brings `docs/machines.md` up to date; a test says when that was forgotten.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { budgetMachine } from '../machines/budget.ts';
import { planExecuteReflectMachine } from '../machines/plan-execute-reflect.ts';
import { sharedBudgetMachine } from '../machines/shared-budget.ts';
import { sharedMachine } from '../machines/shared-space.ts';
import { taskMachine } from '../machines/task.ts';
import { workflowMachine } from '../machines/workflow.ts';

const PAGE = new URL('machines.md', import.meta.url);
/** Those of this house, by the names that the page has for them. */
export const MACHINES: Readonly<Record<string, AnyStateMachine>> = {
  workflow: workflowMachine,
  task: taskMachine,
  shared: sharedMachine,
  planExecuteReflect: planExecuteReflectMachine,
  budget: budgetMachine,
  sharedBudget: sharedBudgetMachine,
};

/**
 * A machine as a Mermaid state diagram. Mermaid draws no arrow between the insides of two states, so an arrow ends at the
 * state around its target and says where it goes on.
 *
 * @example
 * statechart(createMachine({ initial: 'on', states: { on: { on: { GO: 'off' } }, off: { type: 'final' } } }))
 * // 'stateDiagram-v2\n  [*] --> on\n  on --> off : GO\n  off --> [*]'
 */
export function statechart(machine: AnyStateMachine): string {
  return ['stateDiagram-v2', ...inside(machine.root, '  ')].join('\n');
}

/** The resting states of a machine: what each waits for, and what it takes there without leaving. */
export function waits(machine: AnyStateMachine): string {
  const rows = descendants(machine.root)
    .filter((node) => node.meta !== undefined)
    .map((node) => {
      const { waitsFor } = node.meta as { waitsFor: string };
      const stays = [node, ...ancestors(node)].flatMap(transitions).filter(({ target }) => target === undefined);
      const events = [...new Set(stays.map(({ eventType }) => eventType))].filter((type) => type !== '');
      return `| \`${node.path.join('.')}\` | ${waitsFor} | ${events.map((type) => `\`${type}\``).join(', ') || '–'} |`;
    });
  return ['| state | waits for | takes, and stays |', '|---|---|---|', ...rows].join('\n');
}

/** The page with its marked parts drawn anew: between `<!-- statechart task -->` and the next `<!-- end -->`. */
export function redrawn(page: string): string {
  const parts = { statechart: (machine: AnyStateMachine) => `\`\`\`mermaid\n${statechart(machine)}\n\`\`\``, waits };
  return page.replaceAll(
    /(<!-- (statechart|waits) (\w+) -->\n)[^]*?(<!-- end -->)/g,
    (whole: string, start: string, part: keyof typeof parts, name: string, end: string) => {
      const machine = MACHINES[name];
      return machine === undefined ? whole : `${start}${parts[part](machine)}\n${end}`;
    },
  );
}

function inside(parent: AnyStateNode, indent: string): string[] {
  const children = states(parent);
  const boxes = children
    .filter((node) => states(node).length > 0)
    .flatMap((node) => [`${indent}state ${nameOf(node)} {`, ...inside(node, `${indent}  `), `${indent}}`]);
  const named = children
    .filter((node) => nameOf(node) !== node.key)
    .map((node) => `state "${node.key}" as ${nameOf(node)}`);
  const first =
    parent.type === 'compound' ? (parent.initial.target ?? []).map((node) => `[*] --> ${nameOf(node)}`) : [];
  const last = children.filter(({ type }) => type === 'final').map((node) => `${nameOf(node)} --> [*]`);
  const arrows = descendants(rootOf(parent)).flatMap((node) =>
    transitions(node).flatMap((each) => arrow(each, parent)),
  );
  return [...boxes, ...[...named, ...first, ...new Set(arrows), ...last].map((line) => indent + line)];
}

/** The arrow of a transition, where `parent` is the innermost state around both of its ends. */
function arrow({ source, target = [], eventType, guard }: Transition, parent: AnyStateNode): string[] {
  return target.flatMap((end) => {
    const common = [source, ...ancestors(source)].find((node) => ancestors(end).includes(node));
    if (common !== parent) return [];
    // What stands at the outer state holds in each inner one that has not ended.
    const from = source === parent ? states(parent).filter(({ type }) => type !== 'final') : [within(parent, source)];
    const to = within(parent, end);
    const label = [
      eventType === '' ? 'always' : eventType,
      ...(guard === undefined ? [] : [`[${typeof guard === 'string' ? guard : 'guard'}]`]),
      ...(to === end ? [] : [`→ ${end.key}`]),
    ];
    return from.map((node) => `${nameOf(node)} --> ${nameOf(to)} : ${label.join(' ')}`);
  });
}

type Transition = ReturnType<typeof transitions>[number];

function transitions(node: AnyStateNode) {
  return [...node.transitions.values()].flat().concat(node.always ?? []);
}

function states(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states);
}

function descendants(node: AnyStateNode): AnyStateNode[] {
  return [node, ...states(node).flatMap(descendants)];
}

/** Innermost first. */
function ancestors({ parent }: AnyStateNode): AnyStateNode[] {
  return parent === undefined ? [] : [parent, ...ancestors(parent)];
}

function rootOf(node: AnyStateNode): AnyStateNode {
  return ancestors(node).at(-1) ?? node;
}

/** The child of `parent` that is, or holds, `node`. */
function within(parent: AnyStateNode, node: AnyStateNode): AnyStateNode {
  return [node, ...ancestors(node)].find((each) => each.parent === parent) ?? node;
}

/** Unique in its diagram, and without dots, which Mermaid takes for syntax: `retrying_queued` where two have one key. */
function nameOf(node: AnyStateNode): string {
  const namesakes = descendants(rootOf(node)).filter(({ key }) => key === node.key);
  return namesakes.length === 1 ? node.key : node.path.join('_');
}

if (import.meta.main) writeFileSync(PAGE, redrawn(readFileSync(PAGE, 'utf8')));
