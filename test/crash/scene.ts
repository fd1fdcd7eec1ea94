/** One database file, one model, and the server processes that come and go on them; every kill is kept as evidence. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { countKeys, expectSoundRecovery, readEvidence, type Evidence, type Kill } from './evidence.ts';
import { startModel, type Call, type Model, type ModelOptions } from './model.ts';
import { buildServer, type Program } from './program.ts';
import { ServerProcess } from './server-process.ts';
import type { ServerSettings } from './server.ts';
import { until } from './until.ts';

/** The scene of a test. */
export class Scene {
  readonly model: Model;
  readonly file: string;
  readonly kills: Kill[] = [];
  readonly #program: Program;
  readonly #callLog: string;

  constructor(program: Program, model: Model, folder: string) {
    this.#program = program;
    this.model = model;
    this.file = join(folder, 'fermata.db');
    this.#callLog = join(folder, 'calls.jsonl');
  }

  /** Starts a server on the file, with a point at which it dies where one is given. */
  serve(crash?: ServerSettings['crash']): ServerProcess {
    return new ServerProcess(this.#program.path, {
      file: this.file,
      model: this.model.baseUrl,
      callLog: this.#callLog,
      crash,
    });
  }

  /** Waits until the server has died of SIGKILL, and keeps what it left. */
  async died(server: ServerProcess): Promise<Kill> {
    await until('the server to die', () => server.isDead);
    expect(await server.ended).toBe('SIGKILL');
    const kill = { ...(await readEvidence(this.file)), calls: countKeys(this.calls()) };
    this.kills.push(kill);
    return kill;
  }

  /** Every call of the model and of the function `count`, as the other side saw it. */
  calls(): readonly Call[] {
    const lines = existsSync(this.#callLog) ? readFileSync(this.#callLog, 'utf8').split('\n').filter(Boolean) : [];
    return [...this.model.calls(), ...lines.map((line) => JSON.parse(line) as Call)];
  }

  /** Ends the last server, and expects that nothing was lost at any kill and nothing settled was repeated. */
  async close(server: ServerProcess): Promise<Evidence> {
    await server.kill();
    const end = await readEvidence(this.file);
    expectSoundRecovery(this.kills, end, countKeys(this.calls()));
    return end;
  }
}

/** In a `describe`: builds the server once, and gives a function that sets the scene for the running test. */
export function sceneOfTest(): (options?: ModelOptions) => Promise<Scene> {
  let program: Program;
  beforeAll(async () => {
    program = await buildServer();
  });
  afterAll(() => program.remove());
  return async (options = {}) => {
    const folder = mkdtempSync(join(tmpdir(), 'fermata-crash-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return new Scene(program, await startModel(options), folder);
  };
}
