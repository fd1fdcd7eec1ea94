// Writes the folder that is published: package/, or the one that is named, which must not be there yet.
//
//   npm run package           checks the types, writes package/ and makes the tarball of it
//   npm publish ./package     after that
//
// Why a folder of its own: a clone runs its TypeScript without a build, and package.json's `exports` say so; but Node
// strips no types under node_modules, and npm can neither exchange `exports` when it packs nor leave out the pinned
// Node (190 MB for every user). A `prepack` that exchanges package.json would leave a clone broken wherever it is
// interrupted, and does not run at all where .npmrc ignores scripts. `private` keeps the clone itself from the registry.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Compiled into dist/, where they keep their places; what is not TypeScript goes along as it is. */
const SOURCES = ['src', 'machines', 'actors', 'inspector'];
/** Keep their places too. One of the examples is what `fermata demo` runs; the pages are what the README links to. */
const AS_THEY_ARE = [
  'bin/fermata.js',
  'bin/launcher.js',
  'bin/node-version.js',
  'bin/preflight.js',
  'bin/quick-start.js',
  'examples',
  'docs',
  'bench/RESULTS.md',
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'LICENSE',
];
/** Loaded on demand: who wants `--demo` installs it. */
const OPTIONAL_PEERS = ['@copilotkit/aimock'];
/** Fields of package.json; the optional dependencies are the pinned Node. */
const OF_A_CLONE = ['private', 'scripts', 'devDependencies', 'optionalDependencies', 'devEngines'];

const root = fileURLToPath(new URL('..', import.meta.url));
const named = process.argv[2];
const folder = resolve(named ?? join(root, 'package'));
// Nothing of an older build may be published with this one.
if (named === undefined) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);

compile();
for (const source of SOURCES)
  cpSync(join(root, source), join(folder, 'dist', source), {
    recursive: true,
    filter: (file) => !/\.tsx?$/.test(file),
  });
for (const file of AS_THEY_ARE)
  cpSync(join(root, file), join(folder, file), {
    recursive: true,
    // Beside the pages stands what draws some of them, and beside the examples what runs them all.
    filter: (path) => !/\.test\.ts$|\bdocs\b.*\.ts$/.test(relative(root, path)),
  });
for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
  if (file.endsWith('.md') && !file.startsWith('dist')) writeFileSync(join(folder, file), linked(file));
const manifest = published(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

function compile() {
  const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
  const { status } = spawnSync(
    process.execPath,
    [tsc, '--project', join(root, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')],
    { stdio: 'inherit' },
  );
  if (status !== 0) {
    console.error('Nothing is published: tsc cannot write JavaScript and declarations of the sources, see above.');
    process.exit(1);
  }
}

/**
 * A page whose links lead to what is in the package: to JavaScript where they led to sources. What only a clone has is
 * named, and not linked to.
 */
function linked(page) {
  const from = dirname(join(folder, page));
  return readFileSync(join(folder, page), 'utf8').replace(
    /\[([^\]]*)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)/g,
    (link, text, target, heading = '') => {
      if (existsSync(join(from, target))) return link;
      const compiled = join(folder, 'dist', relative(folder, join(from, target))).replace(/\.ts$/, '.js');
      return existsSync(compiled) ? `[${text}](${relative(from, compiled)}${heading})` : text;
    },
  );
}

/** The package.json of users: doors to JavaScript, and nothing that only a clone needs. */
function published(own) {
  const kept = Object.entries(own).filter(([field]) => !OF_A_CLONE.includes(field));
  return {
    ...Object.fromEntries(kept),
    exports: Object.fromEntries(Object.entries(own.exports).map(([door, targets]) => [door, toDist(targets)])),
    peerDependencies: Object.fromEntries(OPTIONAL_PEERS.map((name) => [name, `^${own.devDependencies[name]}`])),
    peerDependenciesMeta: Object.fromEntries(OPTIONAL_PEERS.map((name) => [name, { optional: true }])),
  };
}

/** `{ types: './src/a.ts', default: './src/a.ts' }` → `{ types: './dist/src/a.d.ts', default: './dist/src/a.js' }` */
function toDist(targets) {
  if (typeof targets === 'string') return targets;
  return Object.fromEntries(
    Object.entries(targets).map(([condition, file]) => [
      condition,
      file.replace(/^\.\/(.*)\.ts$/, condition === 'types' ? './dist/$1.d.ts' : './dist/$1.js'),
    ]),
  );
}
