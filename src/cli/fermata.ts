/** The command line: `bin/fermata.js` launches it. */
import { main } from './program.ts';
import { processShell } from './shell.ts';

process.exitCode = await main(process.argv.slice(2), processShell());
