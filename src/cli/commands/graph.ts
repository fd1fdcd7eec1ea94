/** `fermata graph FILE`, `fermata graph --run RUN`: the tasks of a document, or of what a run executes, as a Mermaid flowchart. */
import { FermataError } from '../../errors.ts';
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, withThrowaway, type ConnectionOptions } from '../connection.ts';
import { readDocumentFile, type DocumentFile } from '../document-file.ts';
import { mermaid, type DrawnGraph } from '../mermaid.ts';

interface GraphOptions extends ConnectionOptions {
  readonly json: boolean;
  readonly run?: string;
}

export const addGraph: AddCommand = (program, { shell, failWith }) => {
  program
    .command('graph')
    .summary('draw a workflow document (Mermaid)')
    .description('Draws a document; with --run what a run executes: of a fork, with its edits.')
    .argument('[file]', 'the document')
    .option('-r, --run <run>', 'id of a run, in place of a document')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (name: string | undefined, options: GraphOptions) => {
      const { json, run } = options;
      const show = (graph: DrawnGraph): void => shell.out(json ? JSON.stringify(graph) : mermaid(graph));
      if ((name === undefined) === (run === undefined))
        throw new FermataError('invalidRequest', 'Name the file of a document, or a run with --run; one of them.');
      if (run !== undefined)
        return withConnection(shell, options, 'looks', async ({ client }) => show(await client.runGraph(run)));
      assertNoConnection(options);
      let file: DocumentFile | undefined;
      try {
        const { text } = (file = await readDocumentFile(name ?? '', shell.directory));
        show(await withThrowaway(async (client) => client.graph((await client.createWorkflow(text)).id)));
      } catch (thrown) {
        failWith(thrown, file);
      }
    });
};

/** Ignored, they would let somebody believe that the drawing is of what is stored there. */
function assertNoConnection(options: ConnectionOptions): void {
  const [option] = (['server', 'db', 'config'] as const).filter((field) => options[field] !== undefined);
  if (option === undefined) return;
  throw new FermataError(
    'invalidRequest',
    `--${option} says where a run is, and a file is drawn as it is written: leave it out, or name a run with --run in place of the file.`,
  );
}
