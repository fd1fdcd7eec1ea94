/** The workflows of the benchmark: `code` tasks that do nothing, retry and timeout as they are by default. */

const step = { kind: 'code', function: 'nothing' } as const;

/** Each task needs the one before it. */
export function chain(length: number) {
  const tasks = Array.from({ length }, (_, i) => ({
    ...step,
    name: `t${i}`,
    ...(i === 0 ? {} : { dependsOn: [`t${i - 1}`] }),
  }));
  return { name: `chain of ${length}`, tasks };
}

/** Tasks that need nothing, `breadth` of them in flight at once. */
export function wide(total: number, breadth: number) {
  return {
    name: `${total} at breadth ${breadth}`,
    config: { breadth },
    tasks: Array.from({ length: total }, (_, i) => ({ ...step, name: `t${i}` })),
  };
}

/** Layers of `width` tasks, each of which needs three of the layer before. */
export function layered(layers: number, width: number, breadth: number) {
  const tasks = Array.from({ length: layers * width }, (_, i) => {
    const layer = Math.floor(i / width);
    const needs = [0, 1, 7].map((shift) => `t${(layer - 1) * width + ((i + shift) % width)}`);
    return { ...step, name: `t${i}`, ...(layer === 0 ? {} : { dependsOn: needs }) };
  });
  return { name: `${layers} layers of ${width}`, config: { breadth }, tasks };
}

/** The same for each item of a list, `breadth` of them at once. */
export function mapped(breadth: number) {
  const task = { name: 'each', kind: 'map', items: 'input.list', task: { ...step, input: { item: 'item' } } };
  return { name: `items at breadth ${breadth}`, config: { breadth }, tasks: [task] };
}

/** One task that a person must agree to. */
export function gated() {
  return { name: 'gated', tasks: [{ ...step, name: 'book', requiresApproval: true, approvalPrompt: 'Book it?' }] };
}

/** A task that a person must agree to within a month, beside one that is in the middle of its call. */
export function waitingAndCalling() {
  return {
    name: 'waiting and calling',
    tasks: [
      {
        ...step,
        name: 'book',
        requiresApproval: true,
        approvalPrompt: 'Book it?',
        approvalTimeoutSeconds: 30 * 86_400,
      },
      { ...step, name: 'call' },
    ],
  };
}

/** Functions that are all called at once. */
export function competing(count: number) {
  const tasks = Array.from({ length: count }, (_, i) => ({ ...step, name: `t${i}`, timeoutSeconds: 600 }));
  return { name: `${count} at once`, config: { breadth: count }, tasks };
}

/** Tasks that wait for an event which never comes, until a function says that it is enough. */
export function watching(count: number) {
  const waits = Array.from({ length: count }, (_, i) => ({
    name: `w${i}`,
    kind: 'wait',
    event: { type: 'never' },
    cancelWhen: 'shared.enough',
  }));
  return {
    name: `${count} watch`,
    config: { breadth: 100 },
    tasks: [{ ...step, name: 'says', timeoutSeconds: 600 }, ...waits],
  };
}
