/** A process of its own that brings a file up to date, and ends itself before a statement: `node upgrade-child.ts FILE FOLDER STATEMENT`. */
import { connect } from '../../../src/store/sqlite/connection.ts';
import { upgrade } from '../../../src/store/sqlite/upgrade.ts';
import { beforeEachStatement } from './statements.ts';

const [file = '', folder = '', last = ''] = process.argv.slice(2);
const connection = connect(file);
beforeEachStatement(connection, (_, text) => {
  if (text.trimStart().startsWith(last)) process.kill(process.pid, 'SIGKILL');
});
upgrade(connection, file, { folder });
