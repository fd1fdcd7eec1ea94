/** `fermata validate FILE`: every fault of a document, each with its place; of one without, what can be said of it before it runs. */
import { analysisLines } from '../analysis.ts';
import { jsonOption, type AddCommand } from '../command-line.ts';
import { withThrowaway } from '../connection.ts';
import { faultLines, readDocumentFile, type DocumentFile } from '../document-file.ts';
import { printable } from '../text.ts';

export const addValidate: AddCommand = (program, { shell, failWith }) => {
  program
    .command('validate')
    .summary('check a workflow document')
    .description(
      'Checks a workflow document (YAML or JSON) and shows every fault at once, as FILE:LINE:COLUMN: PATH: …; of a valid one its stages, its longest chain, how much it can come to, and warnings',
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
        if (valid.runs !== undefined)
          shell.out(
            `It runs ${valid.runs.map((run) => JSON.stringify(printable(run))).join(', ')}: to be stored before it.`,
          );
        for (const line of analysisLines(valid.analysis)) shell.out(printable(line));
        const { warnings, unlistedWarnings } = valid.analysis;
        const shown = warnings.slice(0, MOST_WARNINGS);
        for (const line of warningLines(file, shown)) shell.err(shell.style('yellow', printable(`warning: ${line}`)));
        const more = warnings.length + unlistedWarnings - shown.length;
        if (more > 0) shell.err(shell.style('yellow', `warning: and ${more} more: see --json`));
      } catch (thrown) {
        failWith(thrown, file);
      }
    });
};

const MOST_WARNINGS = 20;
/** To find lines and columns the text is read once more, as YAML: of this many characters that takes a second. */
const LONGEST_LOCATED = 2_000_000;

function warningLines(file: DocumentFile, warnings: Parameters<typeof faultLines>[1]): string[] {
  if (warnings.length === 0 || file.text.length <= LONGEST_LOCATED) return faultLines(file, warnings);
  return warnings.map(({ path, message }) => `${file.name}: ${path}: ${message}`);
}
