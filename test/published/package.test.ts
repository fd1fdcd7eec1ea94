/** The published package, packed and unpacked as a user would have it, in a project that knows nothing of the clone. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const project = mkdtempSync(join(tmpdir(), 'fermata-user-'));
const installed = join(project, 'node_modules/fermata');
const command = join(project, 'node_modules/.bin/fermata');
let files: readonly string[];
let manifest: Record<string, Record<string, string> | undefined>;

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** In the user's project, without what this process was told about the clone. */
function run(program: string, args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: project,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], TMPDIR: project, FERMATA_DEMO_PACE: '0', npm_config_update_notifier: 'false' },
  });
  return { status, stdout, stderr };
}

function succeed(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = run(program, args);
  expect({ program, args, status, output: status === 0 ? '' : stdout + stderr }).toMatchObject({ status: 0 });
  return stdout;
}

const write = (name: string, text: string): void => writeFileSync(join(project, name), text);

function link(name: string): void {
  const path = join(project, 'node_modules', name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', name), path);
}

/** The dependencies, and theirs: what lies inside of another package comes along with it. */
function whatNpmInstalls(): string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { dev?: true; optional?: true; devOptional?: true; peer?: true }>>;
  };
  return Object.entries(lock.packages).flatMap(([path, { dev, optional, devOptional, peer }]) =>
    (dev ?? optional ?? devOptional ?? peer ?? false)
      ? []
      : (/^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1] ?? []),
  );
}

beforeAll(() => {
  const staged = join(project, 'staged');
  succeed(process.execPath, [join(ROOT, 'bin/package.js'), staged]);
  const [packed] = JSON.parse(succeed('npm', ['pack', staged, '--json'])) as { readonly filename: string }[];
  rmSync(staged, { recursive: true });
  mkdirSync(installed, { recursive: true });
  succeed('tar', ['-xzf', packed?.filename ?? '', '-C', installed, '--strip-components=1']);
  files = readdirSync(installed, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
  manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as typeof manifest;
  // What npm would install, and of the rest only what the tests below say that they add.
  for (const name of [...whatNpmInstalls(), '@copilotkit/aimock']) link(name);
  mkdirSync(dirname(command));
  symlinkSync(join(installed, manifest['bin']?.['fermata'] ?? ''), command);
  write('package.json', '{ "type": "module" }');
}, 120_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the tarball', () => {
  it('holds JavaScript, declarations and what they read, pages and examples, but no sources and no tests', () => {
    expect(files.filter((file) => /(?<!\.d)\.ts$/.test(file) && !file.startsWith('examples/'))).toEqual([]);
    const kinds = new Set(files.map((file) => (file.endsWith('.d.ts') ? '.d.ts' : extname(file) || basename(file))));
    const expected = ['.css', '.d.ts', '.js', '.json', '.md', '.sql', '.ts', '.txt', '.yaml', 'LICENSE', 'NOTICE'];
    expect([...kinds].toSorted()).toEqual(expected.toSorted());
    expect(files.filter((file) => /(^|\/)(test|bench(?!\/RESULTS\.md$)|node_modules)\/|\.test\./.test(file))).toEqual(
      [],
    );
  });

  it('holds all that the sources read at run time', () => {
    const read = ['src', 'machines', 'actors', 'inspector'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true, encoding: 'utf8' })
        .filter((entry) => entry.isFile() && !/\.tsx?$/.test(entry.name))
        .map((entry) => `dist${join(entry.parentPath, entry.name).slice(ROOT.length)}`),
    );
    expect(read).not.toEqual([]);
    expect(files).toEqual(expect.arrayContaining(read));
  });

  it('holds what its pages link to', () => {
    const links = files
      .filter((file) => file.endsWith('.md'))
      .flatMap((page) => relativeLinks(join(installed, page)).map((link) => ({ page, link })));
    expect(links.length).toBeGreaterThan(100);
    expect(links.filter(({ page, link }) => !leadsSomewhere(join(installed, dirname(page)), link))).toEqual([]);
    // None was given up.
    expect(relativeLinks(join(installed, 'README.md'))).toEqual(relativeLinks(join(ROOT, 'README.md')));
  });

  it('names no path of the machine that made it', () => {
    const naming = files.filter((file) => {
      const text = readFileSync(join(installed, file), 'utf8');
      return text.includes(ROOT) || text.includes(project);
    });
    expect(naming).toEqual([]);
  });

  it('brings no Node along, and nothing else that only a clone needs', () => {
    const ofAClone = ['private', 'scripts', 'devDependencies', 'optionalDependencies', 'devEngines'];
    expect(Object.keys(manifest).filter((field) => ofAClone.includes(field))).toEqual([]);
    expect(JSON.stringify(manifest)).not.toContain('"node-');
  });

  it('imports only files that it holds and packages that it depends on', () => {
    const packages = [manifest['dependencies'], manifest['peerDependencies']].flatMap((listed) =>
      Object.keys(listed ?? {}),
    );
    const known = new Set([...packages, ...builtinModules, 'fermata']);
    const missing = files.filter(isCode).flatMap((file) =>
      specifiers(file)
        .filter((from) => (from.startsWith('.') ? !holds(file, from) : !known.has(packageOf(from))))
        .map((from) => `${file}: ${from}`),
    );
    expect(missing).toEqual([]);
    expect(specifiers('dist/src/index.js')).toContain('./runtime/runtime.js');
    expect(specifiers('dist/src/index.d.ts')).toContain('./runtime/runtime.ts');
  });
});

function relativeLinks(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)].map(([, link = '']) => link);
}

/** To a file, and where the link names a heading, to one with that. */
function leadsSomewhere(from: string, link: string): boolean {
  const [target = '', heading] = link.split('#');
  const file = join(from, target);
  if (!existsSync(file)) return false;
  if (heading === undefined || target === '') return true;
  const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return headings.includes(heading);
}

const isCode = (file: string): boolean => /\.(js|d\.ts)$/.test(file) && !file.includes('/swagger/');

function specifiers(file: string): string[] {
  const text = readFileSync(join(installed, file), 'utf8');
  return [...text.matchAll(/^(?:import|export|\}) ?(?:[^'"]*from )?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm)]
    .map(([, stated, called]) => stated ?? called ?? '')
    .filter((from) => from !== '');
}

/** In a declaration `./a.ts` stands for `./a.d.ts`: tsc leaves it as it is written. */
function holds(file: string, from: string): boolean {
  const target = join(installed, dirname(file), from);
  return existsSync(file.endsWith('.d.ts') ? target.replace(/\.[jt]s$/, '.d.ts') : target);
}

function packageOf(from: string): string {
  return from.replace(/^node:/, '').match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? from;
}

describe('in a project of JavaScript', () => {
  it('a machine goes on in another process', () => {
    write(
      'order.js',
      `import { createRuntime, sqliteStore } from 'fermata';
      import { setup } from 'xstate';
      const order = setup({}).createMachine({
        initial: 'waiting',
        states: { waiting: { on: { paid: 'done' } }, done: { type: 'final' } },
        output: 'parcel 42',
      });
      const runtime = await createRuntime({ store: sqliteStore('orders.db'), machines: { 'order@1': order } });
      const [runId = (await runtime.start('order')).runId] = process.argv.slice(2);
      if (process.argv.length > 2) await runtime.send(runId, { type: 'paid' });
      const { status, output } = await runtime.waitFor(runId, ({ status }) => status !== 'running' && status !== 'pending');
      console.log(JSON.stringify({ runId, status, output }));
      await runtime.close();`,
    );
    const { runId, ...before } = JSON.parse(succeed(process.execPath, ['order.js'])) as Record<string, string>;
    expect(before['status']).toBe('waiting');
    const after: unknown = JSON.parse(succeed(process.execPath, ['order.js', runId ?? '']));
    expect(after).toEqual({ runId, status: 'completed', output: 'parcel 42' });
  });

  it('the client is a door of its own', () => {
    write(
      'client.js',
      `import { createClient } from 'fermata/client';
      const answer = { items: [], nextCursor: null };
      const client = createClient({ baseUrl: 'http://127.0.0.1:1', fetch: async () => Response.json(answer) });
      console.log(JSON.stringify(await client.runs()));`,
    );
    expect(JSON.parse(succeed(process.execPath, ['client.js']))).toEqual({ items: [], nextCursor: null });
  });

  it('a simulated world is a door of its own', () => {
    write(
      'world.js',
      `import { simulate } from 'fermata/testing';
      const world = await simulate({ workflows: [{ name: 'one', tasks: [{ name: 'a', prompt: 'Say a' }] }], answers: () => 'a' });
      const { status, output } = await world.run(await world.start('one'));
      console.log(JSON.stringify({ status, output }));`,
    );
    expect(JSON.parse(succeed(process.execPath, ['world.js']))).toEqual({ status: 'completed', output: 'a' });
  });

  it('what is not a door is closed', () => {
    write('inside.js', `await import('fermata/dist/src/compose.js');`);
    expect(run(process.execPath, ['inside.js']).stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

describe('the command line', () => {
  it('says the version of the package', () => {
    expect(succeed(command, ['--version']).trim()).toBe(manifest['version']);
  });

  it('validates a document', () => {
    write('good.yaml', `name: good\ntasks:\n  - { name: a, prompt: 'Say hello' }\n`);
    write('bad.yaml', `name: bad\ntasks:\n  - { name: a, promt: 'Say hello' }\n`);
    succeed(command, ['validate', 'good.yaml']);
    const { status, stderr } = run(command, ['validate', 'bad.yaml']);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('did you mean') as unknown });
  });

  it('runs its own example offline: server, database, scripted models', () => {
    expect(succeed(command, ['demo'])).toContain('[scripted]');
  });
});

describe('in a project of TypeScript', () => {
  // A declaration that is lost becomes `any`, with which every @ts-expect-error below would be an error.
  const code = `import { createRuntime, defineConfig, sqliteStore, workflow, type CodeFunction, type RunView } from 'fermata';
    import { createClient } from 'fermata/client';
    import { simulate } from 'fermata/testing';
    import { setup } from 'xstate';

    const machine = setup({}).createMachine({});
    const runtime = await createRuntime({ store: sqliteStore('orders.db'), machines: { 'order@1': machine } });
    const { runId } = await runtime.start('order');
    export const view: RunView = await runtime.waitFor(runId);
    export const double: CodeFunction = ({ n }) => Number(n) * 2;
    export default defineConfig({ functions: { double } });
    export const research = workflow('research').task('plan', { prompt: 'Plan' }).build();
    export const started: string = (await createClient({ baseUrl: '' }).execute('id', { input: {} })).runId;

    export const world = await simulate({ functions: { double }, faults: { crashes: 0.1 } });
    await world.advance('30 days');

    // @ts-expect-error there is no such fault
    await simulate({ faults: { floods: true } });
    // @ts-expect-error a run's id is a string
    const number: number = runId;
    // @ts-expect-error there is no such call
    runtime.nothing();
    // @ts-expect-error a task has no such field
    workflow('research').task('plan', { promt: 'Plan' });
    // @ts-expect-error what the API answers is typed
    const answered: number = started;
    console.log(number, answered);`;

  it.each([
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])('its types are found with moduleResolution $moduleResolution', (how) => {
    // Whoever checks declarations of libraries, and has no types of Node, gets along: nothing but ours is installed.
    const compilerOptions = {
      ...how,
      target: 'es2024',
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      types: [],
      // As installed: in the clone there are types that a user has not.
      preserveSymlinks: true,
    };
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['user.ts'] }));
    write('user.ts', code);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const read = succeed(process.execPath, [tsc, '--project', '.', '--listFiles']);
    expect(read).toContain('node_modules/fermata/dist/src/index.d.ts');
    // What is known to one file each, and what is not installed.
    expect(read).not.toMatch(/node_modules\/(drizzle-orm|better-sqlite3|pino|openai|@types)\//);
  });
});
