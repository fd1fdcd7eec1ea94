/** The demo, and the commands that are printed: they do what they say, as they stand there. */
import { cpSync, existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { fermata, folder, OF_COPY, ROOT, shell, start, startFermata } from '../cli/entry.ts';

describe('the commands that are printed', () => {
  /** Two tasks of models, the second one after an approval. */
  const GATE = `name: gate
tasks:
  - { name: draft, prompt: Say hello }
  - { name: send, prompt: 'Send {{ tasks.draft.output }}', requiresApproval: true, approvalPrompt: 'Really?' }
`;

  /** Runs the gate with scripted models up to its question, and stops it there. */
  async function untilTheQuestion(line: string, directory: string): Promise<string> {
    writeFileSync(join(directory, 'gate.yaml'), GATE);
    const run = start('/bin/sh', ['-c', `exec ${line}`], { directory });
    const [, approve = ''] = await run.saw(/Really\? → (.*)\n[^]*waits here/);
    run.child.kill('SIGINT');
    const { err } = await run.ended;
    expect(err).toMatch(/Run \S+ is kept/);
    return approve;
  }

  it('go on in the same way, as they stand there, from any directory', async () => {
    const directory = folder();
    const elsewhere = { directory: folder() };
    const program = `${process.execPath} ${join(ROOT, 'bin/fermata.js')}`;
    const approve = await untilTheQuestion(`${program} run gate.yaml --demo --db my.db`, directory);
    expect(approve).toMatch(/ approve \S+ send --db \S+\/my\.db --demo$/);
    const [, runId = ''] = /approve (\S+)/.exec(approve) ?? [];

    // Who looks does not say --demo, and gets commands that do.
    const why = await fermata(['why', runId, '--db', join(directory, 'my.db')], elsewhere);
    expect(why.out).toContain(`moved by: ${approve} (or with --reject)`);
    const [, watch = ''] = /it goes on with: (.*)/.exec(why.out) ?? [];
    expect(watch).toMatch(/ watch \S+ --db \S+\/my\.db --demo$/);

    // A run that was asked for over HTTP is known as one of scripted models, too.
    const server = startFermata(['serve', '--port', '0', '--demo', '--db', join(folder(), 'served.db')]);
    const [, url = ''] = await server.saw(/listens on (\S+)/);
    const client = createClient({ baseUrl: url });
    const { id } = await client.createWorkflow({ name: 'asked', tasks: [{ name: 'ask', prompt: 'Hello' }] });
    const served = await client.execute(id, {});
    expect((await client.run(served.runId)).tags).toEqual(['scripted-models']);

    // A key is there: without --demo a real model would be asked.
    const environment = { OPENAI_API_KEY: 'sk-nobody', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' };
    const refused = await shell(approve.replace(' --demo', ''), { ...elsewhere, environment });
    expect(refused).toMatchObject({ status: 2, err: expect.stringContaining(`Type: ${approve}`) });

    const real = startFermata(['serve', '--port', '0', '--db', join(directory, 'my.db')], { environment });
    const [, scripted = ''] = await real.saw(/real ones are not asked for them\. With scripted ones: (.*)/);
    expect(scripted).toMatch(/ serve --demo --db \S+\/my\.db$/);
    expect(real.written.err).toContain(runId);
    real.child.kill('SIGTERM');
    expect((await real.ended).status).toBe(0);

    const { status, out, err } = await shell(approve, elsewhere);
    expect({ status, out }).toMatchObject({ status: 0, out: expect.stringContaining('[scripted]') });
    expect(err).toContain('✓ send: approved');
    const shown = await fermata(['show', runId, '--db', join(directory, 'my.db')], elsewhere);
    expect(shown.out).toMatch(/models +scripted/);
  });

  it('name npx where npx was called', async () => {
    const directory = folder();
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    for (const part of ['bin', 'src', 'machines', 'actors', 'inspector', 'package.json'])
      symlinkSync(join(ROOT, part), join(directory, part));
    writeFileSync(join(directory, 'good.yaml'), 'name: good\ntasks: [{ name: a, prompt: Hi }]');
    const ran = await shell('npx --no-install fermata run good.yaml --demo', { directory });
    expect(ran).toMatchObject({ status: 0 });
    const unknown = await shell('npx --no-install fermata show nobody', { directory });
    const [, runs = ''] = /"(npx fermata runs --db \S+)"/.exec(unknown.err) ?? [];
    expect((await shell(runs, { directory })).out).toMatch(/completed .*good@1/);
  });
});

describe('the demo', () => {
  it('runs twice at once, from any directory, and names the database it leaves', async () => {
    const directory = folder();
    const shown: string[] = [];
    for (const { status, out, err } of await Promise.all([
      fermata(['demo'], { directory }),
      fermata(['demo'], { directory }),
    ])) {
      expect(status).toBe(0);
      expect(out).toContain('[scripted] Roadmap:');
      expect(err).toContain('scripted; no provider is asked');
      expect(err).toMatch(/\[ 20%\] Researching market conditions… ⏳\n/);
      expect(err).toMatch(/\[ \d\d%\] ✓ Researching market conditions: \[scripted\] Market conditions: /);
      expect(err).toMatch(/5 of 5 tasks · \d+ tokens in, \d+ out · would cost \$0\.\d+ · [\d.]+ m?s/);
      const [, database = ''] = /The database is left in (\S+)/.exec(err) ?? [];
      expect(existsSync(database)).toBe(true);

      shown.push(err);
    }
    // The commands that one of them shows do what they say.
    const [err = ''] = shown;
    const [, show = ''] = /Look at the run again:\n +(.*)/.exec(err) ?? [];
    expect((await shell(show)).out).toContain('completed, 100 %');
    await startAgain(err);
  });

  it('works in a copy without .git', async () => {
    const copy = folder();
    for (const part of ['src', 'machines', 'actors', 'inspector', 'examples', 'bin', 'package.json']) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const options = { directory: copy, environment: OF_COPY };
    const { status, out } = await start(process.execPath, ['bin/fermata.js', 'demo'], options).ended;
    expect({ status, out }).toMatchObject({ status: 0, out: expect.stringContaining('[scripted] Roadmap:') });
  });
});

/** `serve` on the database of the demo, and its curl line as a request. */
async function startAgain(shown: string): Promise<void> {
  const [, serve = ''] = /Start the server .*\n +(.*)/.exec(shown) ?? [];
  const [, body = '', path = ''] = /-d '(\{.*?\})' http:\/\/127\.0\.0\.1:3000(\S+execute)/.exec(shown) ?? [];
  const server = start('/bin/sh', ['-c', `exec ${serve} --port 0`], { environment: { LOG_LEVEL: 'silent' } });
  const [, url = ''] = await server.saw(/listens on (\S+)/);
  const answered = await fetch(`${url}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  expect(answered.status).toBe(202);
  server.child.kill('SIGTERM');
  expect((await server.ended).status).toBe(0);
}
