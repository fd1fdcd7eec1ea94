/**
 * Which models have series of their own. Documents name models, and whoever may store documents could name a million: each
 * would be kept for as long as the process runs, here and in every Prometheus that reads it.
 */

/** A model, as a task names it. */
export interface NamedModel {
  readonly provider: string;
  readonly model: string;
}

/** Series of models that have answered: more than anybody uses. */
const MOST_ANSWERING = 100;
/** And of those that have not, so that one that fails from the start is seen: made-up names do not take the place of real ones. */
const MOST_SILENT = 20;
/** Characters of both names. */
const LONGEST = 150;

/** All that have no series of their own. */
export const OTHERS: NamedModel = { provider: 'other', model: 'other' };

/** Lets the first ones through. */
export class ModelNames {
  readonly #answering = new Set<string>();
  readonly #silent = new Set<string>();

  /** The labels of a model that was asked, and whether it has answered. */
  of({ provider, model }: NamedModel, hasAnswered: boolean): NamedModel {
    const name = `${provider} ${model}`;
    const itself = { provider, model };
    if (this.#answering.has(name)) return itself;
    if (name.length > LONGEST) return OTHERS;
    if (hasAnswered && this.#answering.size < MOST_ANSWERING) {
      this.#answering.add(name);
      this.#silent.delete(name);
      return itself;
    }
    if (this.#silent.has(name)) return itself;
    if (hasAnswered || this.#silent.size >= MOST_SILENT) return OTHERS;
    this.#silent.add(name);
    return itself;
  }
}
