/** `fermata estimate FILE`: a later version brings it. */
import { FermataError } from '../../errors.ts';
import type { AddCommand } from '../command-line.ts';

export const addEstimate: AddCommand = (program) => {
  program
    .command('estimate')
    .summary('what a run would cost (not supported yet)')
    .argument('<file>', 'the document')
    .action(() => {
      throw new FermataError(
        'notSupported',
        'fermata estimate is not supported yet: a later version brings it. "fermata validate FILE" checks a document, "fermata graph FILE" draws it.',
      );
    });
};
