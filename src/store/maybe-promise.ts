/**
 * A value, or a promise of it: what a turn may need is asked for so. A store that can answer at once should, and the turn
 * need not wait.
 */
export type MaybePromise<T> = T | Promise<T>;
