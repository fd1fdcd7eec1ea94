/** `fermata graph FILE`: the tasks of a document as a Mermaid flowchart. */
import type { AddCommand } from '../command-line.ts';
import { withThrowaway } from '../connection.ts';
import { readDocumentFile, type DocumentFile } from '../document-file.ts';
import { reportFailure } from '../failure.ts';
import { mermaid } from '../mermaid.ts';

export const addGraph: AddCommand = (program, { shell, exitWith }) => {
  program
    .command('graph')
    .summary('draw a workflow document (Mermaid)')
    .argument('<file>', 'the document')
    .action(async (name: string) => {
      let file: DocumentFile | undefined;
      try {
        const { text } = (file = await readDocumentFile(name, shell.directory));
        const graph = await withThrowaway(async (client) => client.graph((await client.createWorkflow(text)).id));
        shell.out(mermaid(graph));
      } catch (thrown) {
        exitWith(reportFailure(shell, thrown, { file }));
      }
    });
};
