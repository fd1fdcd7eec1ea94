/**
 * The Stately Inspector on durable runs: a page, and the relay it listens to.
 *
 * B1. Only this machine may look, and only with the token: who sees a run sees its prompts and results.
 * B2. A run is told from its journal, turn by turn, and then as it goes on. An ended run is told in the same way.
 * B3. Nothing leaves with a secret in it (`redact.ts`).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { upgradeWebSocket, type WebSocketLike } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { Hono, type Context, type Next } from 'hono';
import type { WSContext } from 'hono/ws';
import { FermataError, toErrorData } from '../src/errors.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import { InspectorMessages } from './messages.ts';
import { inspectorPage, runsPage } from './page.ts';
import { redactor, type Redact } from './redact.ts';
import { relatedRuns } from './related.ts';

/** What a bridge is made of. */
export interface StatelyBridgeOptions {
  readonly runtime: Pick<Runtime, 'read' | 'list' | 'turns'>;
  /** Whoever has it may look: random, at least 16 characters, new for each process. */
  readonly token: string;
  /** The inspector's user interface; default `https://stately.ai/inspect`. */
  readonly url?: string;
  /** Values that must never leave, wherever they stand: the provider's keys. */
  readonly secrets?: readonly (string | undefined)[];
}

/** A bridge, to be mounted by a server. */
export interface StatelyBridge {
  /** `GET /inspect/stately` (the page) and `/inspect/stately/ws` (the relay). */
  readonly routes: Hono;
  /** The link to one run or, without an id, to the list of runs. `origin` is the server's: `http://127.0.0.1:3000`. */
  link(origin: string, runId?: string): string;
  /** Ends all connections, so that the server can close. */
  close(): void;
}

const PAGE = '/inspect/stately';
const RELAY = '/inspect/stately/ws';
const LISTED_RUNS = 100;
/** Close codes of RFC 6455. */
const NORMAL = 1000;
const GOING_AWAY = 1001;
const FAILED = 1011;

/**
 * Makes a bridge. Throws `invalidConfig` where the token is too short or the URL none.
 *
 * @example
 * const bridge = statelyBridge({ runtime, token: randomBytes(32).toString('base64url') })
 * app.route('/', bridge.routes)
 * serve({ fetch: app.fetch, port, websocket: { server: new WebSocketServer({ noServer: true, maxPayload: 1024 }) as WebSocketServerLike } })
 * console.log(bridge.link(`http://127.0.0.1:${port}`))
 */
export function statelyBridge(options: StatelyBridgeOptions): StatelyBridge {
  const { runtime, token, url = 'https://stately.ai/inspect', secrets = [] } = options;
  if (token.length < 16)
    throw new FermataError(
      'invalidConfig',
      `The token of the Stately bridge has ${token.length} characters; expected at least 16 random ones.`,
    );
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new FermataError(
      'invalidConfig',
      `The address of the Stately Inspector is "${url}"; expected a URL such as https://stately.ai/inspect.`,
    );
  const inspector = new URL(url);
  const redact = redactor([...secrets, token]);
  const open = new Set<WSContext<WebSocketLike>>();
  const pathOf = (path: string, run?: string): string =>
    `${path}?${new URLSearchParams({ ...(run === undefined ? {} : { run }), token }).toString()}`;

  const routes = new Hono();
  routes.onError((thrown) => {
    const { code, message } = toErrorData(thrown);
    return new Response(`${code}: ${message}\n`, { status: thrown instanceof FermataError ? thrown.status : 500 });
  });
  routes.use(`${PAGE}/*`, onlyHere(token));

  routes.get(PAGE, async (c) => {
    const nonce = randomBytes(16).toString('base64');
    const runId = c.req.query('run');
    const run = runId === undefined ? undefined : await runtime.read(runId);
    const html =
      run === undefined
        ? runsPage(await listRuns(), nonce)
        : inspectorPage({
            runId: run.runId,
            related: await relatedRuns(runtime, run),
            pageOf: (id) => pathOf(PAGE, id),
            url: inspector,
            origin: new URL(c.req.url).origin,
            relay: pathOf(RELAY, run.runId),
            nonce,
          });
    return c.html(html, 200, {
      // The address of this page holds the token: it must reach neither a cache nor, as a referrer, the inspector's host.
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'Content-Security-Policy': `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; frame-src ${inspector.origin}; frame-ancestors 'none'; base-uri 'none'`,
    });
  });

  routes.get(
    RELAY,
    async (c, next) => {
      await runtime.read(runOf(c));
      await next();
      // Without a WebSocket server hono answers 500 and says nothing; the log would have no word of why.
      if (c.res.status === 500 && c.error === undefined)
        throw new FermataError(
          'internal',
          'The server that mounts the Stately bridge takes no WebSockets: give it a WebSocketServer, as the example of statelyBridge does.',
        );
    },
    upgradeWebSocket((c) => {
      const run = runOf(c);
      const closed = new AbortController();
      return {
        onOpen: (_event, socket) => {
          open.add(socket);
          void tell(socket, run, closed.signal);
        },
        onClose: (_event, socket) => {
          open.delete(socket);
          closed.abort();
        },
      };
    }),
  );

  async function tell(socket: WSContext<WebSocketLike>, run: string, signal: AbortSignal): Promise<void> {
    try {
      for await (const text of transcript(runtime, run, redact, signal)) await send(socket, text);
      socket.close(NORMAL, 'The run has ended.');
    } catch (thrown) {
      if (!signal.aborted) socket.close(FAILED, reasonText(toErrorData(thrown).code));
    }
  }

  async function listRuns() {
    const runs = await runtime.list({ limit: LISTED_RUNS });
    return runs.map(({ runId, workflow, machine, status, createdAt }) => ({
      runId,
      name: workflow?.name ?? machine,
      status,
      createdAt,
      href: pathOf(PAGE, runId),
    }));
  }

  return {
    routes,
    link: (origin, runId) => new URL(pathOf(PAGE, runId), origin).href,
    close() {
      for (const socket of open) socket.close(GOING_AWAY, 'The server is stopping.');
    },
  };
}

/** The messages of a run, as JSON: those of its journal, then as they come. Ends with the run. */
async function* transcript(
  runtime: Pick<Runtime, 'turns'>,
  run: string,
  redact: Redact,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  const messages = new InspectorMessages(run, redact);
  for await (const turn of runtime.turns(run, { signal }))
    for (const message of messages.of(turn)) yield JSON.stringify(message);
}

/** Resolves once the socket has taken the message, so that a slow reader holds the replay back instead of filling memory. */
function send(socket: WSContext<WebSocketLike>, text: string): Promise<void> {
  const raw = socket.raw as unknown as {
    send(data: string, options: object, taken: (error?: Error | null) => void): void;
  };
  return new Promise((resolve, reject) => raw.send(text, {}, (error) => (error ? reject(error) : resolve())));
}

/** Lets in who comes from this machine, under its own name, with the token, and from no other site's page. */
function onlyHere(token: string) {
  const expected = digest(token);
  return async (c: Context, next: Next): Promise<void> => {
    const { hostname, host } = new URL(c.req.url);
    const origin = c.req.header('origin');
    if (!isLoopback(getConnInfo(c).remote.address ?? '') || !isLoopback(hostname)) {
      throw new FermataError(
        'forbidden',
        'The Stately bridge answers on this machine only: open the link on the machine that serves it, or through an SSH tunnel.',
      );
    }
    if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) {
      throw new FermataError(
        'forbidden',
        `The Stately bridge answers its own page only; this request comes from "${origin}".`,
      );
    }
    if (!timingSafeEqual(digest(c.req.query('token') ?? ''), expected)) {
      throw new FermataError(
        'unauthorized',
        'The token is missing or wrong. Open the link that the server printed when it started.',
      );
    }
    await next();
  };
}

/** Equal lengths, so that comparing tells nothing of the token's own. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isLoopback(address: string): boolean {
  return /^(?:localhost|\[?::1\]?|(?:::ffff:)?127(?:\.\d{1,3}){3})$/i.test(address);
}

function runOf(c: Context): string {
  const run = c.req.query('run');
  if (run === undefined || run === '')
    throw new FermataError(
      'invalidRequest',
      'Expected ?run=RUNID, and there is none. Open the link that the server printed when it started.',
    );
  return run;
}

/** The reason of a close frame, which has room for 123 bytes. */
function reasonText(code: string): string {
  return `The run cannot be shown: ${code}.`.slice(0, 123);
}
