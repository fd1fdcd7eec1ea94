/** What `estimate` and `dry-run` have in common: a document, an input, and a Fermata that keeps nothing. */
import type { Command } from 'commander';
import type { FermataClient } from '../client/index.ts';
import { configOption, gather, jsonOption, type CommandSurroundings } from './command-line.ts';
import { withThrowaway } from './connection.ts';
import { readDocumentFile, type DocumentFile } from './document-file.ts';
import { readInput } from './input.ts';
import { addRunConfig, runConfigOf, type RunConfigOptions } from './run-config.ts';

interface Options extends RunConfigOptions {
  readonly input: readonly string[];
  readonly json: boolean;
  readonly config?: string;
}

/** What is asked of the document, and how it is shown. */
export interface Look<Answer> {
  ask(
    client: FermataClient,
    id: string,
    request: { readonly input: unknown } & ReturnType<typeof runConfigOf>,
  ): Promise<Answer>;
  show(answer: Answer): void;
}

/** Adds to a command its options and its action. */
export function looksAhead<Answer>(
  command: Command,
  { shell, failWith }: CommandSurroundings,
  { ask, show }: Look<Answer>,
): void {
  addRunConfig(command)
    .argument('<file>', 'the document')
    .option(
      '-i, --input <key=value>',
      'input, as its schema types it; key=@file reads a file (may be repeated)',
      gather,
      [],
    )
    .addOption(jsonOption())
    .addOption(configOption())
    .action(async (name: string, options: Options) => {
      let file: DocumentFile | undefined;
      try {
        const { text } = (file = await readDocumentFile(name, shell.directory));
        const answer = await withThrowaway(
          async (client) => {
            const { id, document } = await client.createWorkflow(text);
            const { input: schema } = document as { readonly input?: unknown };
            const values = await readInput(options.input, schema, shell.directory);
            return ask(client, id, { input: values, ...runConfigOf(options) });
          },
          { shell, options },
        );
        if (options.json) shell.out(JSON.stringify(answer));
        else show(answer);
      } catch (thrown) {
        failWith(thrown, file);
      }
    });
}
