/** Which tasks run only where another one does, as far as their conditions show it. */
import type { TaskSpec } from '../definition.ts';
import type { Tasks } from './tasks.ts';

/** Tasks that take others along where they are skipped; more of one task are not looked at. */
const MOST_NEEDED = 100;
/** Conditions in conditions that are looked through, and conditions that may choose one task. */
const DEEPEST = 4;
const MOST_GATES = 4;

type Chosen = ReadonlyMap<string, ReadonlySet<string>>;

/** Compares the conditions of tasks. What it does not find out it answers with no. */
export class Together {
  readonly #tasks: Tasks;
  readonly #chosen = new Map<TaskSpec, Chosen>();

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
  }

  /** Questions about one task. */
  of(reader: TaskSpec): { runsOnlyWith(name: string): boolean } {
    let carriers: readonly TaskSpec[] | undefined;
    const runsOnlyWith = (name: string): boolean => {
      const needed = this.#tasks.spec(name);
      if (needed === undefined) return false;
      if (this.#runsWith(reader, needed)) return true;
      carriers ??= this.#carriersOf(reader);
      return carriers.some((carrier) => carrier !== needed && this.#runsWith(carrier, needed));
    };
    return { runsOnlyWith };
  }

  /** Where one of these is skipped, so is the task. */
  #carriersOf({ dependsOn }: TaskSpec): readonly TaskSpec[] {
    return dependsOn
      .slice(0, MOST_NEEDED)
      .map((name) => this.#tasks.spec(name))
      .filter((spec) => spec !== undefined)
      .filter(({ skipPolicy }) => skipPolicy === 'cascade');
  }

  #runsWith(reader: TaskSpec, needed: TaskSpec, depth = DEEPEST): boolean {
    if (this.#isChosenWith(reader, needed)) return true;
    const { gates } = reader;
    if (depth === 0 || gates.length === 0 || gates.length > MOST_GATES) return false;
    // A condition that was skipped chooses nothing.
    return gates.every(({ by }) => {
      const condition = this.#tasks.spec(by);
      return condition === needed || (condition !== undefined && this.#runsWith(condition, needed, depth - 1));
    });
  }

  #isChosenWith(reader: TaskSpec, needed: TaskSpec): boolean {
    const sameWhen = needed.when === undefined || (typeof needed.when === 'string' && needed.when === reader.when);
    if (!sameWhen) return false;
    if (needed.gates.length === 0) return true;
    const chosen = this.#chosenBy(needed);
    return (
      reader.gates.length > 0 &&
      reader.gates.every(({ by, branches }) => branches.every((label) => chosen.get(by)?.has(label) === true))
    );
  }

  /** Made once: a task may be in very many branches, and be read by as many others. */
  #chosenBy(spec: TaskSpec): Chosen {
    const known = this.#chosen.get(spec);
    if (known !== undefined) return known;
    const made = new Map(spec.gates.map(({ by, branches }) => [by, new Set(branches)]));
    this.#chosen.set(spec, made);
    return made;
  }
}
