/** Writes the table of `docs/errors.md` from the table of codes: `node docs/errors.ts`. */
import { writeFileSync } from 'node:fs';
import { ERROR_CODES } from '../src/errors.ts';

const rows = Object.entries(ERROR_CODES).map(
  ([code, { status, retry, title }]) => `| \`${code}\` | ${status} | ${retry} | ${title} |`,
);

writeFileSync(
  new URL('errors.md', import.meta.url),
  `# Errors

Every error has a stable \`code\`. Over HTTP it comes as \`application/problem+json\`: \`{type, title, status, detail, code, requestId, errors?}\`;
\`detail\` says what was expected, what came and what to do, \`errors\` lists every fault with its path. In results and facts it comes as
\`{code, message}\`.

\`retry\` says what a caller may do: \`never\` (the request, or the world, has to change first), \`backoff\` (try again later), \`after\` (try again
after \`Retry-After\`). A task's own retries follow the same column.

| code | status | retry | meaning |
|---|---|---|---|
${rows.join('\n')}
`,
);
