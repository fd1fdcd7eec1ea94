/** Broken connections, a thousand in four trials: of one run's stream and of the stream of all: no fact missing, none twice, in order. */
import { followThroughCuts } from '../http/cuts.ts';

const CUTS = 250;

/** A kind of trial, as `test/soak/trial.ts` has it. */
export const trial = {
  name: 'stream-cuts',
  missing: (): string | undefined => undefined,
  run: async (seed: number): Promise<Readonly<Record<string, number>>> => ({
    ...(await followThroughCuts(seed, CUTS)),
  }),
};
