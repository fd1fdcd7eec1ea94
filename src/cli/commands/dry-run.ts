/** `fermata dry-run FILE`: a later version brings it. */
import { FermataError } from '../../errors.ts';
import type { AddCommand } from '../command-line.ts';

export const addDryRun: AddCommand = (program) => {
  program
    .command('dry-run')
    .summary('stages, durations and money of a run, without calling a model (not supported yet)')
    .argument('<file>', 'the document')
    .action(() => {
      throw new FermataError(
        'notSupported',
        'fermata dry-run is not supported yet: a later version brings it. "fermata validate FILE" checks a document, "fermata graph FILE" draws it.',
      );
    });
};
