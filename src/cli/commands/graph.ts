/** `fermata graph FILE`: the tasks of a document as a Mermaid flowchart. */
import { jsonOption, type AddCommand } from '../command-line.ts';
import { withThrowaway } from '../connection.ts';
import { readDocumentFile, type DocumentFile } from '../document-file.ts';
import { mermaid } from '../mermaid.ts';

export const addGraph: AddCommand = (program, { shell, failWith }) => {
  program
    .command('graph')
    .summary('draw a workflow document (Mermaid)')
    .argument('<file>', 'the document')
    .addOption(jsonOption())
    .action(async (name: string, { json }: { readonly json: boolean }) => {
      let file: DocumentFile | undefined;
      try {
        const { text } = (file = await readDocumentFile(name, shell.directory));
        const graph = await withThrowaway(async (client) => client.graph((await client.createWorkflow(text)).id));
        shell.out(json ? JSON.stringify(graph) : mermaid(graph));
      } catch (thrown) {
        failWith(thrown, file);
      }
    });
};
