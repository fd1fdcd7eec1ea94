/** One database file, one model, and the server processes that come and go on them; every kill is kept as evidence. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countKeys, expectSoundRecovery, readEvidence, type Evidence, type Kill } from './evidence.ts';
import { startModel, type Call, type Model, type ModelOptions } from './model.ts';
import type { Program } from './program.ts';
import { ServerProcess, type Launch } from './server-process.ts';
import type { ServerSettings } from './server.ts';
import { until } from './until.ts';

/** How a scene is set. */
export interface SceneOptions extends ModelOptions {
  /** Where the database is; default: a folder of its own, which goes with the scene. */
  readonly folder?: string;
}

/** The scene of a test. Leaving it ends all its servers. */
export class Scene implements AsyncDisposable {
  readonly model: Model;
  readonly file: string;
  /** Where each of its servers listens. */
  readonly url: string;
  readonly kills: Kill[] = [];
  readonly #program: Program;
  readonly #folder: string;
  readonly #servers: ServerProcess[] = [];

  private constructor(program: Program, model: Model, port: number, folder: string, file: string) {
    this.#program = program;
    this.model = model;
    this.url = `http://127.0.0.1:${port}`;
    this.#folder = folder;
    this.file = file;
  }

  /** Sets one up; nothing serves yet. */
  static async set(program: Program, { folder, ...model }: SceneOptions = {}): Promise<Scene> {
    const own = mkdtempSync(join(tmpdir(), 'fermata-crash-'));
    const file = join(folder ?? own, 'fermata.db');
    return new Scene(program, await startModel(model), await freePort(), own, file);
  }

  /** Starts a server on the file. */
  serve(settings: Pick<ServerSettings, 'crash' | 'clockFile' | 'budgets'> = {}, launch: Launch = {}): ServerProcess {
    const port = Number(new URL(this.url).port);
    const server = new ServerProcess(
      this.#program.path,
      { file: this.file, port, model: this.model.baseUrl, callLog: this.path('calls.jsonl'), ...settings },
      launch,
    );
    this.#servers.push(server);
    return server;
  }

  /** A path beside the scene's own files. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Waits until the server has died of SIGKILL (or as it is said), and keeps what it left. */
  async died(server: ServerProcess, how: string | number = 'SIGKILL'): Promise<Kill> {
    await until('the server to die', () => server.isDead);
    assert.equal(await server.ended, how, 'how the server ended');
    const kill = { ...(await readEvidence(this.file)), calls: countKeys(this.calls()) };
    this.kills.push(kill);
    return kill;
  }

  /** Every call of the model and of registered functions, as the other side saw it. */
  calls(): readonly Call[] {
    const log = this.path('calls.jsonl');
    const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
    return [...this.model.calls(), ...lines.map((line) => JSON.parse(line) as Call)];
  }

  /** Ends the last server, and expects that nothing was lost at any kill and nothing settled was repeated. */
  async close(server: ServerProcess): Promise<Evidence> {
    await server.kill();
    const end = await readEvidence(this.file);
    expectSoundRecovery(this.kills, end, countKeys(this.calls()));
    return end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
    await this.model.stop();
    rmSync(this.#folder, { recursive: true });
  }
}

/** A port that is free now, so that a client finds each server of a scene where the one before was. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
