/** `fermata validate FILE`: every fault of a document, each with its place. */
import { jsonOption, type AddCommand } from '../command-line.ts';
import { withThrowaway } from '../connection.ts';
import { readDocumentFile, type DocumentFile } from '../document-file.ts';

export const addValidate: AddCommand = (program, { shell, failWith }) => {
  program
    .command('validate')
    .summary('check a workflow document')
    .description(
      'Checks a workflow document (YAML or JSON) and shows every fault at once, as FILE:LINE:COLUMN: PATH: …',
    )
    .argument('<file>', 'the document')
    .addOption(jsonOption())
    .action(async (name: string, { json }: { readonly json: boolean }) => {
      let file: DocumentFile | undefined;
      try {
        const { text } = (file = await readDocumentFile(name, shell.directory));
        const valid = await withThrowaway((client) => client.validate(text));
        if (json) return shell.out(JSON.stringify(valid));
        shell.out(
          `${name} is valid: workflow ${JSON.stringify(valid.name)} with ${valid.tasks} task${valid.tasks === 1 ? '' : 's'}.`,
        );
      } catch (thrown) {
        failWith(thrown, file);
      }
    });
};
