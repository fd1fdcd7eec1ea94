/** Some of many paths: `npm test` takes every step that there is once, and `npm run walks` every path. */

interface Path<State> {
  /** The steps and the end, with arrows in between. */
  readonly title: string;
  readonly begin: State;
  readonly steps: readonly { readonly leadsTo: State }[];
}

/**
 * Those of `paths` that together take every step which any of them takes; a step is what happens, the state in which it
 * does, and the one it leads to. The longest first, so that they are few. `inShort` tells states apart.
 */
export function covering<State, Found extends Path<State>>(
  paths: readonly Found[],
  inShort: (state: State) => string,
): readonly Found[] {
  const taken = new Set<string>();
  return paths
    .toSorted((a, b) => b.steps.length - a.steps.length)
    .filter(({ title, begin, steps }) => {
      const happenings = title.split(' → ');
      const own = steps.map(({ leadsTo }, at) =>
        [inShort(steps[at - 1]?.leadsTo ?? begin), happenings[at], inShort(leadsTo)].join(' → '),
      );
      const isNew = own.length === 0 || own.some((step) => !taken.has(step));
      for (const step of own) taken.add(step);
      return isNew;
    });
}
