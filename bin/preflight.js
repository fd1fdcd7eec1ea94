// Says in one sentence what to do where the pinned Node is not there: better-sqlite3 would crash without a word on an old one.
import { isNewEnough, OLDEST } from './node-version.js';

if (!isNewEnough()) {
  console.error(
    `Fermata needs Node ${OLDEST.join('.')} or newer, but this is ${process.versions.node}: run "npm install" again without --omit=optional (it brings the right Node along), or install Node 24.`,
  );
  process.exit(1);
}
