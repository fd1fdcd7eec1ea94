/** What may go wrong in a simulated world, by name. */
import { FermataError } from '../errors.ts';

/** Probabilities from 0 to 1; `true` stands for a usual one. What is not named does not happen. */
export interface Faults {
  /** The process dies at a commit: just before it, or just after. */
  readonly crashes?: Fault;
  /** The process dies between two commits. */
  readonly kills?: Fault;
  /** A commit fails and has changed nothing: a full disk, a lock. */
  readonly failingCommits?: Fault;
  /** A commit fails and may have been kept or not; the process stops. */
  readonly doubtfulCommits?: Fault;
  /** A commit takes up to two seconds. */
  readonly slowCommits?: Fault;
  /** A read of a turn answers later instead of at once. */
  readonly slowReads?: Fault;
  /** A read fails. */
  readonly failingReads?: Fault;
  /** Deciding takes so long that a group of turns is cut. */
  readonly slowTurns?: Fault;
  /** The clock is set, up to an hour back or ahead. */
  readonly clockJumps?: Fault;
  /** A request is taken and its reply is lost: the caller asks again. */
  readonly lostReplies?: Fault;
  /** A request arrives twice at the same moment. */
  readonly doubledRequests?: Fault;
  /** A call does not reach the other side. */
  readonly failingCalls?: Fault;
  /** A call is answered and the answer is lost. */
  readonly lostAnswers?: Fault;
  /** A call takes minutes instead of milliseconds, and may outlive its attempt. */
  readonly slowCalls?: Fault;
  /** A call that was given up is answered all the same. */
  readonly lateAnswers?: Fault;
}
type Fault = boolean | number;

/** The usual probabilities. */
const USUAL: Readonly<Record<keyof Faults, number>> = {
  crashes: 0.05,
  kills: 0.02,
  failingCommits: 0.05,
  doubtfulCommits: 0.02,
  slowCommits: 0.2,
  slowReads: 0.3,
  failingReads: 0.01,
  slowTurns: 0.05,
  clockJumps: 0.05,
  lostReplies: 0.2,
  doubledRequests: 0.2,
  failingCalls: 0.1,
  lostAnswers: 0.1,
  slowCalls: 0.1,
  lateAnswers: 0.5,
};

/** A probability for every fault. */
export type Probabilities = Readonly<Record<keyof Faults, number>>;

/** Names of all faults. */
export const FAULTS = Object.keys(USUAL) as readonly (keyof Faults)[];

/** Every fault with its probability. */
export function probabilitiesOf(faults: Faults): Probabilities {
  const unknown = Object.keys(faults).find((name) => !FAULTS.some((fault) => fault === name));
  if (unknown !== undefined) {
    throw new FermataError(
      'invalidConfig',
      `There is no fault "${unknown}", so that nothing would go wrong by it; these are: ${FAULTS.join(', ')}.`,
    );
  }
  return Object.fromEntries(
    FAULTS.map((name) => {
      const given: unknown = faults[name] ?? false;
      if (typeof given === 'boolean') return [name, given ? USUAL[name] : 0];
      if (typeof given === 'number' && given >= 0 && given <= 1) return [name, given];
      throw new FermataError(
        'invalidConfig',
        `Expected the fault "${name}" to be true, false or a probability from 0 to 1, came ${String(given)}.`,
      );
    }),
  ) as Probabilities;
}

/** Nothing goes wrong. */
export const NO_FAULTS: Probabilities = probabilitiesOf({});
