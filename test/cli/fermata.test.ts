/** The entry as a real process: few tests, since each costs a start. What commands do is in `commands.test.ts`. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/fermata.js');

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

interface Options {
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with all that came on standard error so far. */
  readonly onProgress?: (err: string, kill: (signal: NodeJS.Signals) => void) => void;
}

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'fermata-entry-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function fermata(
  args: readonly string[],
  { directory = folder(), environment = {}, onProgress }: Options = {},
): Promise<Ended> {
  // No key, no proxy, no database of whoever runs the tests.
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: directory,
    env: { PATH: process.env['PATH'], TMPDIR: directory, ...environment },
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    onProgress?.(err, (signal) => void child.kill(signal));
  });
  return new Promise((ended) => child.on('close', (status) => ended({ status, out, err })));
}

it('lists its commands', async () => {
  const { status, out, err } = await fermata(['--help']);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  for (const command of [
    'demo',
    'serve',
    'run',
    'validate',
    'graph',
    'dry-run',
    'estimate',
    'runs',
    'show',
    'watch',
    'why',
    'approve',
    'cancel',
  ]) {
    expect(out).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  }
});

it('runs the research example with scripted models: --json is one object', async () => {
  const { status, out, err } = await fermata([
    'run',
    join(ROOT, 'examples/01-research.yaml'),
    '--input',
    'topic=tea',
    '--demo',
    '--json',
  ]);
  expect(status).toBe(0);
  const result = JSON.parse(out) as { output: string; usage: { outputTokens: number }; tasks: unknown[] };
  expect(result).toMatchObject({
    status: 'completed',
    progress: 100,
    output: expect.stringContaining('[scripted] Roadmap:'),
  });
  expect(result.usage.outputTokens).toBeGreaterThan(100);
  expect(result.tasks).toHaveLength(5);
  expect(err).toContain('scripted; no provider is asked');
  expect(err).toContain('[ 20%] Researching market conditions… ⏳');
});

it('refuses a wrong document with 2', async () => {
  const directory = folder();
  writeFileSync(join(directory, 'bad.yaml'), 'name: bad\ntasks: []\n');
  const { status, out, err } = await fermata(['validate', 'bad.yaml'], { directory });
  expect({ status, out }).toEqual({ status: 2, out: '' });
  expect(err).toContain('bad.yaml:2:1: tasks: ');
});

describe('Ctrl-C', () => {
  const wait = (): string => {
    const directory = folder();
    // It ignores its signal: the process must end all the same.
    writeFileSync(
      join(directory, 'fermata.config.ts'),
      'export default { functions: { hang: () => new Promise((resolve) => setTimeout(resolve, 600_000)) } };',
    );
    writeFileSync(join(directory, 'hang.yaml'), 'name: hang\ntasks: [{ name: a, kind: code, function: hang }]');
    return directory;
  };

  it('once: stops gracefully, and says how the run goes on', async () => {
    const directory = wait();
    let sent = false;
    const { status, err } = await fermata(['run', 'hang.yaml'], {
      directory,
      onProgress(text, kill) {
        if (sent || !text.includes('a… ⏳')) return;
        sent = true;
        kill('SIGINT');
      },
    });
    expect(status).toBe(130);
    expect(err).toMatch(/Stopping…[^]*fermata watch \S+\n/);
    const { out } = await fermata(['runs'], { directory });
    expect(out).toMatch(/ running /);
  });

  it('twice: at once', async () => {
    const { status } = await fermata(['run', 'hang.yaml'], {
      directory: wait(),
      onProgress(text, kill) {
        if (text.includes('a… ⏳')) for (const signal of ['SIGINT', 'SIGINT'] as const) kill(signal);
      },
    });
    expect(status).toBe(130);
  });
});

describe('the demo', () => {
  it('runs twice at once, from any directory, and names the database it leaves', async () => {
    const directory = folder();
    for (const { status, out, err } of await Promise.all([
      fermata(['demo'], { directory }),
      fermata(['demo'], { directory }),
    ])) {
      expect(status).toBe(0);
      expect(out).toContain('[scripted] Roadmap:');
      expect(err).toContain('scripted; no provider is asked');
      expect(err).toMatch(/\[ 20%\] Researching market conditions… ⏳\n/);
      expect(err).toMatch(/\[ \d\d%\] ✓ Researching market conditions: \[scripted\] Market conditions: /);
      expect(err).toMatch(/5 of 5 tasks · \d+ tokens in, \d+ out · [\d.]+ s/);
      const [, database = ''] = /The database is left in (\S+)/.exec(err) ?? [];
      expect(existsSync(database)).toBe(true);

      // The commands that it shows do what they say.
      const [, runId = ''] = /FERMATA_DB=\S+ npx fermata show (\S+)/.exec(err) ?? [];
      const shown = await fermata(['show', runId], { directory, environment: { FERMATA_DB: database } });
      expect(shown.out).toContain('completed, 100 %');
      await startAgain(err, database, directory);
    }
  });

  it('works in a copy without .git', async () => {
    const copy = folder();
    for (const part of ['src', 'machines', 'actors', 'inspector', 'examples', 'bin', 'package.json']) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    const { symlinkSync } = await import('node:fs');
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const { status, out } = await new Promise<Ended>((ended) => {
      const child = spawn(process.execPath, ['bin/fermata.js', 'demo'], {
        cwd: copy,
        env: { PATH: process.env['PATH'], TMPDIR: copy },
      });
      let written = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (written += text));
      child.on('close', (code) => ended({ status: code, out: written, err: '' }));
    });
    expect({ status, out }).toMatchObject({ status: 0, out: expect.stringContaining('[scripted] Roadmap:') });
  });
});

/** `serve --demo` on the database of the demo, and its curl line as a request. */
async function startAgain(shown: string, database: string, directory: string): Promise<void> {
  const [, body = '', path = ''] = /-d '(\{.*?\})' http:\/\/127\.0\.0\.1:3000(\S+execute)/.exec(shown) ?? [];
  let answered: Promise<Response> | undefined;
  const { status } = await fermata(['serve', '--demo', '--port', '0'], {
    directory,
    environment: { FERMATA_DB: database, LOG_LEVEL: 'silent' },
    onProgress(text, kill) {
      const [, url] = /listens on (\S+)/.exec(text) ?? [];
      if (url === undefined || answered !== undefined) return;
      answered = fetch(`${url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      void answered.finally(() => kill('SIGTERM'));
    },
  });
  expect(status).toBe(0);
  expect((await answered)?.status).toBe(202);
}
