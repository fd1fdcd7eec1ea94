/** Commands in this process, on a database in a folder of the test, with code tasks: no model is needed. */
import { describe, expect, it } from 'vitest';
import { composeServer } from '../../src/serve.ts';
import { testFolder, type TestFolder } from './test-shell.ts';

const CONFIG = `
export default {
  functions: {
    greet: ({ name }) => 'Hello ' + name,
    breakDown: () => { throw Object.assign(new Error('no'), { retryable: false }); },
    hang: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject)),
    report: (_, { progress }) => { progress(50, 'half'); return 'done'; },
    secondTime: (_, { attempt }) => { if (attempt === 1) throw new Error('not yet'); return 'now'; },
  },
};
`;

const GREET = `
name: greet
input: { type: object, properties: { name: { type: string }, times: { type: integer } }, required: [name] }
tasks:
  - { name: hello, kind: code, function: greet, input: { name: input.name } }
`;
const GATE = `
name: gate
tasks:
  - { name: "send it", kind: code, function: greet, input: { name: '"Ada"' }, requiresApproval: true, approvalPrompt: "Really?" }
`;

const ITEMS = Array.from({ length: 30 }, (_, at) => (at === 7 ? '1' : '{"name": "Ada"}')).join(', ');
const MANY = `
name: many
tasks:
  - name: each
    kind: map
    items: '[${ITEMS}]'
    onItemFailure: continue
    task: { kind: code, function: greet, input: { name: item.name }, maxRetries: 0 }
`;

function folderWith(files: Readonly<Record<string, string>>, environment = {}): TestFolder {
  const folder = testFolder(environment);
  folder.write('fermata.config.ts', CONFIG);
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return folder;
}

const runIdOf = (err: string): string => /Run (\S+)/.exec(err)?.[1] ?? '';

/** Runs the gate up to its question, and stops it there by Ctrl-C. */
async function waitingRun(folder: TestFolder): Promise<string> {
  const { status, err } = await folder.run(['run', 'gate.yaml'], (line) => {
    if (line.includes('The run waits here')) folder.signals.send('SIGINT');
  });
  expect(status).toBe(130);
  return runIdOf(err);
}

describe('run', () => {
  it('shows progress on standard error and the result on standard output', async () => {
    const { status, out, err } = await folderWith({ 'greet.yaml': GREET }).run([
      'run',
      'greet.yaml',
      '-i',
      'name=Ada',
      '-t',
      'x',
    ]);
    expect(err).toContain('[  0%] hello… ⏳\n[100%] ✓ hello: Hello Ada\n[100%] ✓ Complete\n1 of 1 tasks');
    expect({ status, out }).toEqual({ status: 0, out: 'Hello Ada' });
  });

  it('--json: one object and nothing else', async () => {
    const { status, out } = await folderWith({ 'greet.yaml': GREET }).run([
      'run',
      'greet.yaml',
      '-i',
      'name=Ada',
      '--json',
    ]);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      status: 'completed',
      output: 'Hello Ada',
      progress: 100,
      workflow: { name: 'greet', version: 1 },
      usage: { inputTokens: 0, outputTokens: 0, complete: true },
      tasks: [{ name: 'hello', status: 'completed' }],
    });
  });

  it('takes the stored workflow where the document is the same, else a new version', async () => {
    const folder = folderWith({ 'greet.yaml': GREET });
    const versionOf = async (): Promise<number> => {
      const { out } = await folder.run(['run', 'greet.yaml', '-i', 'name=Ada', '--json']);
      return (JSON.parse(out) as { workflow: { version: number } }).workflow.version;
    };
    expect(await versionOf()).toBe(1);
    expect(await versionOf()).toBe(1);
    folder.write(
      'greet.yaml',
      `${GREET}    description: Greeting\n`
        .replace('name: hello,', 'name: hello, description: Greeting,')
        .replace(/ {4}description: Greeting\n$/, ''),
    );
    expect(await versionOf()).toBe(2);
  });

  it('fails with 1, and says why', async () => {
    const folder = folderWith({ 'f.yaml': 'name: f\ntasks: [{ name: a, kind: code, function: breakDown }]' });
    const { status, out, err } = await folder.run(['run', 'f.yaml']);
    expect(status).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(/✗ a: .*threw Error: no/);
    const json = await folder.run(['run', 'f.yaml', '--json']);
    expect(JSON.parse(json.out)).toMatchObject({
      status: 'failed',
      reason: { message: expect.stringContaining('no') },
    });
  });

  it('shows retries, and lives through their pauses', async () => {
    const text = 'name: f\ntasks: [{ name: a, kind: code, function: secondTime, retry: { initialSeconds: 0.01 } }]';
    const { status, err } = await folderWith({ 'f.yaml': text }).run(['run', 'f.yaml']);
    expect(status).toBe(0);
    expect(err).toMatch(
      /\[ {2}0%\] ↻ a: again in 0(\.\d)? s after attempt 1: .*\n\[ {2}0%\] a \(attempt 2\)… ⏳\n\[100%\] ✓ a: now/,
    );
  });

  it('refuses input that breaks the schema, all of it at once', async () => {
    const { status, out, err } = await folderWith({ 'greet.yaml': GREET }).run([
      'run',
      'greet.yaml',
      '-i',
      'times=many',
    ]);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/2 faults:[^]*input\.name: [^]*input\.times: /);
  });

  it('without a key says what to set, before anything starts', async () => {
    const folder = folderWith({ 'm.yaml': 'name: m\ntasks: [{ name: a, prompt: Hi }]' });
    const { status, err, out } = await folder.run(['run', 'm.yaml', '--json']);
    expect(status).toBe(2);
    expect(err).toMatch(/OPENAI_API_KEY.*--demo/);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'providerMissing' } });
    expect((await folder.run(['runs'])).err).toBe('No runs.');
  });

  it('names a missing key and missing input together', async () => {
    const text = `name: m
input: { type: object, properties: { topic: { type: string }, depth: { default: 3 } }, required: [topic, depth] }
tasks: [{ name: a, prompt: Hi }]`;
    const folder = folderWith({ 'm.yaml': text });
    const { status, err } = await folder.run(['run', 'm.yaml']);
    expect(status).toBe(2);
    expect(err).toMatch(/OPENAI_API_KEY.*incomplete, too: add --input 'topic=…'\.$/);
    expect((await folder.run(['run', 'm.yaml', '-i', 'topic=tea'])).err).not.toContain('incomplete');
  });

  it('shows what a task reports by another sign than what is skipped', async () => {
    const { err } = await folderWith({
      'p.yaml': 'name: p\ntasks: [{ name: a, kind: code, function: report }]',
    }).run(['run', 'p.yaml']);
    expect(err).toContain('[  0%] · a: 50 % half');
  });

  it('runs at a server just as well', async () => {
    const folder = folderWith({ 'greet.yaml': GREET });
    const functions = { greet: ({ name }: Readonly<Record<string, unknown>>) => `Served ${String(name)}` };
    const server = await composeServer({
      database: `${folder.directory}/server.db`,
      config: { functions },
      environment: {},
      logLevel: 'silent',
      demo: false,
      host: '127.0.0.1',
      port: 0,
      insecure: false,
      stately: false,
    });
    try {
      const { status, out, err } = await folder.run(['run', 'greet.yaml', '-i', 'name=Ada', '--server', server.url]);
      expect({ status, out }).toEqual({ status: 0, out: 'Served Ada' });
      expect((await folder.run(['show', runIdOf(err), '--server', server.url])).out).toContain('completed, 100 %');
      // The same file through the back door: the server has it.
      const inUse = await folder.run(['runs', '--db', 'server.db']);
      expect(inUse.status).toBe(1);
      expect(inUse.err).toMatch(/in use[^]*add --server URL: the URL is in the line .* "Fermata listens on …"/);
      // A second server cannot talk to the first one.
      const second = await folder.run(['serve', '--db', 'server.db', '--port', '0']);
      expect(second.status).toBe(1);
      expect(second.err).toMatch(/in use[^]*"Fermata listens on …": use that one, or stop it/);
      expect(second.err).not.toContain('--server');
    } finally {
      await server.stop();
    }
    const gone = await folder.run(['runs', '--server', server.url]);
    expect(gone.status).toBe(1);
    expect(gone.err).toContain('fermata serve');
  });
});

describe('a run that waits for an event from outside', () => {
  const WAIT = 'name: bill\ntasks: [{ name: paid, kind: wait, event: { type: paid, filter: "event.amount > 10" } }]';

  it('says how to send it, stops at Ctrl-C, and goes on with send', async () => {
    const folder = folderWith({ 'wait.yaml': WAIT });
    const { status, err } = await folder.run(['run', 'wait.yaml'], (line) => {
      if (line.includes('The run waits here for that event')) folder.signals.send('SIGINT');
    });
    const runId = runIdOf(err);
    expect(status).toBe(130);
    expect(err).toContain(`⏸ paid: waits for the event "paid" → fermata send ${runId} paid --db ${folder.directory}`);
    const why = await folder.run(['why', runId]);
    expect(why.out).toContain(`moved by: "fermata send ${runId} paid --db ${folder.directory}`);

    const wrong = await folder.run(['send', runId, 'paid', '--data', '12']);
    expect([wrong.status, wrong.err]).toEqual([2, expect.stringContaining('--data expects a JSON object, came "12"')]);
    const small = await folder.run(['send', runId, 'paid', '--data', '{"amount": 5}']);
    expect([small.status, small.err]).toEqual([1, expect.stringContaining('no filter is true of this event')]);
    const sent = await folder.run(['send', runId, 'paid', '--data', '{"amount": 12}', '--id', 'm1']);
    expect({ status: sent.status, out: JSON.parse(sent.out) as unknown }).toEqual({
      status: 0,
      out: { type: 'paid', amount: 12 },
    });
  });
});

describe('a run that waits for a person', () => {
  it('says how to decide, stops at Ctrl-C, and goes on with approve', async () => {
    const folder = folderWith({ 'gate.yaml': GATE });
    const runId = await waitingRun(folder);
    const why = await folder.run(['why', runId]);
    expect(why.out).toContain(
      `asked: Really?\n  moved by: fermata approve ${runId} 'send it' --db ${folder.directory}`,
    );

    const approved = await folder.run(['approve', runId, 'send it', '--by', 'Ada']);
    expect(approved).toMatchObject({ status: 0, out: 'Hello Ada' });
    expect(approved.err).toContain('✓ send it: approved by Ada');
    expect(approved.err).not.toContain('The run waits here');

    const twice = await folder.run(['approve', runId, 'send it']);
    expect(twice.status).toBe(1);
    expect(twice.err).toContain('approved by Ada');
  });

  it('is watched at the next start', async () => {
    const folder = folderWith({ 'gate.yaml': GATE });
    const runId = await waitingRun(folder);
    const watched = await folder.run(['watch', runId], (line) => {
      if (line.includes('The run waits here')) folder.signals.send('SIGTERM');
    });
    expect(watched.status).toBe(143);
    expect(watched.err).toContain(`fermata watch ${runId}`);
  });

  it('is decided with --json: the result as one object', async () => {
    const folder = folderWith({ 'gate.yaml': GATE });
    const runId = await waitingRun(folder);
    const { status, out } = await folder.run(['approve', runId, 'send it', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ runId, status: 'completed', output: 'Hello Ada' });
  });

  it('is cancelled with --json, and told of its end with --json', async () => {
    const folder = folderWith({ 'gate.yaml': GATE });
    const runId = await waitingRun(folder);
    const cancelled = await folder.run(['cancel', runId, '--json']);
    expect(JSON.parse(cancelled.out)).toEqual({ runId, status: 'cancelled' });
    const twice = await folder.run(['cancel', runId, '--json']);
    expect(JSON.parse(twice.out)).toMatchObject({ error: { code: 'runEnded' } });
  });

  it('a graceful stop is no crash', async () => {
    const folder = folderWith({ 'h.yaml': 'name: h\ntasks: [{ name: a, kind: code, function: hang }]' });
    const stopAt = (text: string) => (line: string) => {
      if (line.includes(text)) folder.signals.send('SIGINT');
    };
    const { err } = await folder.run(['run', 'h.yaml'], stopAt('a… ⏳'));
    const again = await folder.run(['watch', runIdOf(err)], stopAt('↻'));
    expect(again.err).toContain('↻ a: the process was stopped; this call is made again, same key');
    expect(again.err).not.toContain('crash');
  });

  it('is refused with --reject: the run fails', async () => {
    const folder = folderWith({ 'gate.yaml': GATE });
    const rejected = await folder.run([
      'approve',
      await waitingRun(folder),
      'send it',
      '--reject',
      '--reason',
      'too dear',
    ]);
    expect(rejected.status).toBe(1);
    expect(rejected.err).toContain('refused: too dear');
  });

  it('is cancelled', async () => {
    const folder = folderWith({ 'gate.yaml': GATE });
    const runId = await waitingRun(folder);
    expect((await folder.run(['cancel', runId, '--reason', 'enough'])).out).toBe(`Run ${runId} is cancelled.`);
    const shown = await folder.run(['show', runId]);
    expect(shown.out).toMatch(/status +cancelled/);
    expect(shown.out).toMatch(/reason +enough/);
    expect((await folder.run(['cancel', runId])).status).toBe(1);
    expect((await folder.run(['runs', '--status', 'cancelled', '--json'])).out).toContain(runId);
  });
});

it('a run that takes several commits to cancel is cancelled when the command ends', async () => {
  const task = '{ kind: wait, event: { type: paid } }';
  const input = 'input: { type: object, properties: { list: { type: array } } }';
  const wait = `name: wait\n${input}\ntasks: [{ name: each, kind: map, items: input.list, concurrency: 1000, task: ${task} }]`;
  const folder = folderWith({ 'wait.yaml': wait });
  const { err } = await folder.run(['run', 'wait.yaml', '-i', `list=[${'0,'.repeat(519)}0]`], (line) => {
    if (line.includes('The run waits here')) folder.signals.send('SIGINT');
  });
  const cancelled = await folder.run(['cancel', runIdOf(err), '--json']);
  expect(JSON.parse(cancelled.out)).toEqual({ runId: runIdOf(err), status: 'cancelled' });
});

describe('looking at a database', () => {
  it('lists runs, newest first', async () => {
    const folder = folderWith({ 'greet.yaml': GREET });
    for (const name of ['Ada', 'Bob']) await folder.run(['run', 'greet.yaml', '-i', `name=${name}`]);
    const { out } = await folder.run(['runs']);
    expect(out.split('\n').map((line) => line.split(/ {2,}/).slice(1, 3))).toEqual([
      ['STATUS', 'DONE'],
      ['completed', '100 %'],
      ['completed', '100 %'],
    ]);
    const limited = await folder.run(['runs', '--limit', '1']);
    expect(limited.out.split('\n')).toHaveLength(2);
    expect(limited.err).toContain('There are more');
  });

  it('does not make one where there is none', async () => {
    const { status, err } = await testFolder().run(['runs']);
    expect(status).toBe(2);
    expect(err).toContain('There is no database');
  });

  it('of many items only those are shown that went wrong', async () => {
    const folder = folderWith({ 'many.yaml': MANY });
    const { err } = await folder.run(['run', 'many.yaml']);
    const { out } = await folder.run(['show', runIdOf(err)]);
    expect(out).toMatch(/^each +completed /m);
    expect(out).toMatch(/^each\[…\] +29 completed \(--json lists them\)$/m);
    expect(out).toMatch(/^each\[7\] +failed +\d +The expression/m);
    expect(out.match(/^each/gm)).toHaveLength(3);
  });

  it.each(['show', 'watch', 'why', 'cancel'])('%s of an unknown run is wrong use', async (command) => {
    const folder = folderWith({ 'greet.yaml': GREET });
    await folder.run(['run', 'greet.yaml', '-i', 'name=Ada']);
    const { status, err } = await folder.run([command, 'nobody']);
    expect(status).toBe(2);
    expect(err).toContain('"nobody"');
    // Commands, not routes; and one that finds the same database.
    if (command !== 'cancel') expect(err).toContain(`"fermata runs --db ${folder.directory}/fermata.db --config `);
    expect(err).not.toContain('/api/');
  });
});

describe('documents', () => {
  it('validate shows every fault with its place', async () => {
    const folder = folderWith({
      'bad.yaml': 'name: bad\nconfig: { bredth: 3 }\ntasks:\n  - { name: a, prompt: "{{ tasks.b.output }}" }\n',
    });
    const { status, out, err } = await folder.run(['validate', 'bad.yaml']);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(
      /^bad\.yaml:2:11: config\.bredth: .*breadth.*\nbad\.yaml:4:16: tasks\[0\]\.prompt: .*\nbad\.yaml has 2 faults\.$/,
    );
    expect((await folder.run(['run', 'bad.yaml'])).err).toBe(err);
  });

  it('a task that is not there: the command that lists them', async () => {
    const folder = folderWith({ 'gate.yaml': GATE });
    const runId = await waitingRun(folder);
    const { status, err } = await folder.run(['approve', runId, 'nope']);
    expect(status).toBe(2);
    expect(err).toContain(`"fermata show ${runId} --db `);
    expect(err).not.toContain('/api/');
  });

  it('validate and graph --json: one object', async () => {
    const folder = folderWith({ 'gate.yaml': GATE, 'bad.yaml': 'name: bad\ntasks: []' });
    expect(JSON.parse((await folder.run(['validate', 'gate.yaml', '--json'])).out)).toMatchObject({
      valid: true,
      name: 'gate',
      tasks: 1,
    });
    expect(JSON.parse((await folder.run(['graph', 'gate.yaml', '--json'])).out)).toMatchObject({
      name: 'gate',
      nodes: [{ name: 'send it', requiresApproval: true }],
      edges: [],
    });
    for (const command of ['validate', 'graph']) {
      const { status, out } = await folder.run([command, 'bad.yaml', '--json']);
      expect(status).toBe(2);
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'invalidDocument', errors: [{ path: 'tasks' }] } });
    }
  });

  it('run: a workflow that nobody knows is named with its place in the file', async () => {
    const text = 'name: above\ntasks:\n  - { name: below, kind: subworkflow, workflow: nobody }\n';
    const { err } = await folderWith({ 'above.yaml': text }).run(['run', 'above.yaml']);
    expect(err).toContain('above.yaml:3:39: tasks[0].workflow: no workflow "nobody" exists');
  });

  it('validate says what is fine', async () => {
    const { status, out } = await folderWith({ 'greet.yaml': GREET }).run(['validate', 'greet.yaml']);
    expect(status).toBe(0);
    expect(out.split('\n')[0]).toBe('greet.yaml is valid: workflow "greet" with 1 task.');
  });

  it('graph draws', async () => {
    const { out } = await folderWith({ 'gate.yaml': GATE }).run(['graph', 'gate.yaml']);
    expect(out).toBe('flowchart TD\n  t0{{"send it"}}');
  });

  it.each(['validate', 'graph', 'run', 'estimate', 'dry-run'])(
    '%s of a file that is not there is wrong use',
    async (command) => {
      const { status, err } = await testFolder().run([command, 'nowhere.yaml']);
      expect(status).toBe(2);
      expect(err).toContain('nowhere.yaml cannot be read (ENOENT)');
    },
  );
});

describe('wrong use', () => {
  it.each([
    [['rnu'], 'Did you mean run?'],
    [['run'], "missing required argument 'file'"],
    [['run', 'a', '--nope'], "unknown option '--nope'"],
    [['runs', '--server', 'nowhere'], '--server expects a URL'],
    [['runs', '--limit', '0'], 'expected a number from 1 to 1000'],
    [['runs', '--server', 'http://x', '--db', 'y'], 'cannot be used with'],
    [['serve', '--port', '99999'], 'expected a number from 0 to 65535'],
    [['serve', '--db', ':memory:'], 'a file'],
    [['serve', '--host', '0.0.0.0', '--port', '0'], '--insecure'],
  ])('%j', async (args, message) => {
    const { status, out, err } = await testFolder().run(args);
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(message);
  });

  it('names a wrong setting', async () => {
    const { status, err } = await testFolder({ PORT: 'x' }).run(['serve']);
    expect(status).toBe(2);
    expect(err).toContain('PORT');
  });
});

it('serve stops at the first signal', async () => {
  const folder = testFolder({ LOG_LEVEL: 'silent' });
  const { status, err } = await folder.run(['serve', '--port', '0'], (line) => {
    if (line.includes('listens on')) setImmediate(() => folder.signals.send('SIGTERM'));
  });
  expect(status).toBe(0);
  expect(err).toMatch(/listens on http:\/\/127\.0\.0\.1:\d+[^]*Stopping[^]*Unfinished runs go on/);
});
