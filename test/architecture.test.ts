/** The table of design: which room may import from which. Type-only imports are free. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** room → what it may import: rooms (paths) and packages. The first room that matches a file counts. */
const TABLE: readonly (readonly [room: string, may: readonly string[]])[] = [
  ['machines/', ['xstate', 'zod', 'machines/', 'src/document/', 'src/cost/', 'src/errors.ts']],
  ['actors/model/client.ts', ['openai', 'actors/model/']],
  ['actors/model-call.ts', ['actors/model/', 'src/cost/', 'src/errors.ts', 'src/runtime/effect.ts']],
  ['actors/', ['xstate', 'zod', 'node:crypto', 'actors/', 'src/cost/', 'src/errors.ts', 'src/runtime/effect.ts']],
  [
    'src/document/',
    [
      'zod',
      'liquidjs',
      'yaml',
      '@marcbachmann/cel-js',
      'ajv',
      'ajv-formats',
      're2js',
      'canonicalize',
      'src/document/',
      'src/cost/',
      'src/errors.ts',
    ],
  ],
  ['src/cost/genai-prices.ts', ['@pydantic/genai-prices', 'src/cost/']],
  ['src/cost/tokens.ts', ['gpt-tokenizer']],
  ['src/cost/', ['zod', 'src/cost/', 'src/errors.ts']],
  [
    'src/runtime/',
    ['xstate', 'node:crypto', 'node:util', 'src/runtime/', 'src/clock.ts', 'src/errors.ts', 'src/store/store.ts'],
  ],
  ['src/store/sqlite/', ['drizzle-orm', 'better-sqlite3', 'node:', 'src/store/', 'src/errors.ts', 'src/clock.ts']],
  ['src/store/', []],
  [
    'src/testing/',
    [
      'node:crypto',
      'node:util',
      'src/testing/',
      'src/compose.ts',
      'src/http/',
      'src/runtime/',
      'src/document/',
      'src/cost/',
      'src/store/store.ts',
      'src/errors.ts',
      'actors/',
    ],
  ],
  ['src/http/metrics/', ['prom-client', 'node:', 'src/http/', 'src/document/', 'src/errors.ts', 'src/clock.ts']],
  [
    'src/http/',
    [
      'hono',
      '@hono/zod-openapi',
      '@hono/node-server',
      'zod',
      'pino',
      'canonicalize',
      'node:',
      'src/http/',
      'src/runtime/',
      'src/document/',
      'src/cost/',
      'src/errors.ts',
      'src/clock.ts',
    ],
  ],
  ['src/client/', ['hono/client', 'eventsource-parser', 'src/client/']],
  ['src/cli/demo/', ['@copilotkit/aimock', 'node:', 'src/cli/', 'src/client/', 'src/compose.ts', 'src/errors.ts']],
  [
    'src/cli/',
    [
      'commander',
      'listr2',
      'yaml',
      'node:',
      'src/cli/',
      'src/client/',
      'src/compose.ts',
      'src/config.ts',
      'src/errors.ts',
      'src/serve.ts',
    ],
  ],
  [
    'inspector/',
    [
      'hono',
      '@hono/node-server',
      '@statelyai/inspect',
      'node:',
      'inspector/',
      'src/client/',
      'src/runtime/',
      'src/errors.ts',
    ],
  ],
  ['src/clock.ts', []],
  ['src/errors.ts', []],
  ['src/config.ts', ['zod', 'node:', 'src/errors.ts', 'src/check-config.ts']],
];

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('node_modules'))
    .map((file) => join(folder, file));
}

/** What a file imports at run time: files as paths from the root, packages as they are written. */
function imports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found: string[] = [];
  for (const [, clause, from] of text.matchAll(/^(?:import|export)\s+(?:([^'";=()]*?)\s*from\s+)?'([^']+)';/gm)) {
    const names =
      clause
        ?.replace(/[{}]/g, '')
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean) ?? [];
    if (clause?.startsWith('type ') || (clause?.startsWith('{') && names.every((name) => name.startsWith('type '))))
      continue;
    if (from !== undefined) found.push(from);
  }
  for (const [, from] of text.matchAll(/\bimport\('([^']+)'\)/g))
    if (from !== undefined && !/\btypeof import\(/.test(text)) found.push(from);
  return found.map((from) => (from.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), from)) : from));
}

function withoutComments(text: string): string {
  return text.replace(/^ *(\*|\/\*\*|\/\/).*$/gm, '');
}

function allows(may: readonly string[], imported: string): boolean {
  const name = builtinModules.includes(imported) ? `node:${imported}` : imported;
  return may.some(
    (allowed) =>
      name === allowed ||
      (allowed.endsWith('/') || allowed.endsWith(':') ? name.startsWith(allowed) : name.startsWith(`${allowed}/`)),
  );
}

describe('imports point one way', () => {
  const files = ['machines', 'actors', 'src', 'inspector'].flatMap(sources);

  it('finds the sources', () => {
    expect(files.length).toBeGreaterThan(50);
  });

  for (const file of files) {
    const rule = TABLE.find(([room]) => file.startsWith(room));
    if (rule === undefined) continue;
    it(`${file} imports only what ${rule[0]} may`, () => {
      expect(imports(file).filter((imported) => !allows(rule[1], imported))).toEqual([]);
    });
  }

  it('R12: XState’s internals are touched in one file', () => {
    const touching = files.filter(
      (file) => file.startsWith('src/runtime/') && file !== 'src/runtime/xstate.ts' && imports(file).includes('xstate'),
    );
    expect(touching).toEqual([]);
  });

  it('R2: only the clock reads the time or sets a timer', () => {
    const reading = files.filter(
      (file) =>
        /(src\/(runtime|document)|machines|actors)\//.test(file) &&
        /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bsetInterval\(/.test(
          withoutComments(readFileSync(join(ROOT, file), 'utf8')),
        ),
    );
    expect(reading).toEqual([]);
  });

  it('the runtime takes its turns from the loop it is given', () => {
    const taking = files.filter(
      (file) =>
        file.startsWith('src/runtime/') &&
        /\bperformance\.now\(|\bset(Immediate|Timeout)\([^)]|\bnextTick\(/.test(
          withoutComments(readFileSync(join(ROOT, file), 'utf8')),
        ),
    );
    expect(taking).toEqual([]);
  });

  it('the reference model knows nothing of how the runtime decides', () => {
    const model = files.filter((file) => /^src\/testing\/(reference-.+|choices)\.ts$/.test(file));
    expect(model).toContain('src/testing/reference-model.ts');
    const known = new Set(['node:util', 'src/errors.ts', ...model]);
    expect(model.flatMap(imports).filter((module) => !known.has(module))).toEqual([]);
  });

  it('metrics look and listen: nobody knows of them but who opens a server, and that one not before', () => {
    const others = files.filter((file) => !file.startsWith('src/http/metrics/'));
    const knowing = others.filter((file) =>
      imports(file).some((from) => from === 'prom-client' || from.startsWith('src/http/metrics/')),
    );
    expect(knowing).toEqual(['src/serve.ts']);
    expect(readFileSync(join(ROOT, 'src/serve.ts'), 'utf8')).toContain("await import('./http/metrics/index.ts')");
  });

  it('no room is a drawer', () => {
    expect(
      files.filter((file) =>
        /(^|\/)(utils?|helpers?|common|misc|lib|shared|managers?|services?)(\/|\.tsx?$)/.test(file),
      ),
    ).toEqual([]);
  });
});

describe('the public door', () => {
  it('has one screen of named exports', () => {
    const text = readFileSync(join(ROOT, 'src/index.ts'), 'utf8');
    expect(text.split('\n').length).toBeLessThan(60);
    expect(text).not.toMatch(/export \*|export default/);
  });

  it('errors are listed in one table: nothing throws a plain Error', () => {
    const throwing = ['machines', 'actors', 'src']
      .flatMap(sources)
      .filter((file) => /throw new (Type|Range)?Error\(/.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(throwing).toEqual([]);
  });
});
