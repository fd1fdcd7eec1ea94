/** The command line: `bin/fermata.js` launches it. */
import { main } from './program.ts';
import { processShell } from './shell.ts';

const status = await main(process.argv.slice(2), processShell());
// A user's function that ignores its AbortSignal must not hold the process. What was written goes out first.
process.stdout.write('', () => process.exit(status));
