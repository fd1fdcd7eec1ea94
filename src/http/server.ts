/** The app on a socket: where it may listen, and how it stops. */
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type WebSocketServerLike } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { FermataError } from '../errors.ts';
import { createApp, type AppOptions } from './app.ts';
import { isLoopback, LOOPBACK_HOSTS } from './host.ts';
import type { HttpEnvironment } from './router.ts';

/** How long requests and answers under way may take when the server stops; whoever runs it gives it ten seconds. */
const DRAIN_MS = 8_000;

/** What a server is made of. */
export interface ServeOptions extends Omit<AppOptions, 'stopping'> {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0: any free one. Default 3000. */
  readonly port?: number;
  /** Listen on any address although there is no authentication. Default false. */
  readonly insecure?: boolean;
  /** Adds to the app before it listens, such as the inspector's routes. */
  extend?(app: OpenAPIHono<HttpEnvironment>): void;
  /** Takes the WebSockets of routes that `extend` adds; made with `noServer`. Default: there are none. */
  readonly webSockets?: WebSocketServerLike;
}

/** A server that listens. */
export interface Serving {
  /** `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly port: number;
  readonly app: OpenAPIHono<HttpEnvironment>;
  /** Refuses new requests (503), ends streams, lets requests under way finish, closes Fermata. Runs go on at the next start. */
  close(): Promise<void>;
}

/**
 * Listens.
 *
 * @throws FermataError `insecureAddress` for another address than loopback without `insecure`; `invalidConfig` where the
 * address is taken or not this machine's
 * @example
 * const server = await serve({ fermata, log, port: 0 })
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { fermata, log, host = '127.0.0.1', port = 3_000, insecure = false } = options;
  if (!insecure && !isLoopback(host)) {
    throw new FermataError(
      'insecureAddress',
      `Refused to listen on ${host}: this server has no authentication, so whoever reaches it may start runs at your cost. Listen on 127.0.0.1, or say --insecure if something in front of it authenticates.`,
    );
  }
  const stop = new AbortController();
  const hosts = options.hosts ?? (isLoopback(host) ? [...new Set([...LOOPBACK_HOSTS, host])] : 'any');
  const app = createApp({ ...options, hosts, stopping: stop.signal });
  options.extend?.(app);
  const active = new Set<Promise<unknown>>();
  const server = createAdaptorServer({
    fetch: (request, bindings) => {
      const answer = Promise.resolve(app.fetch(request, bindings));
      active.add(answer);
      void answer.finally(() => active.delete(answer));
      return answer;
    },
    ...(options.webSockets === undefined ? {} : { websocket: { server: options.webSockets } }),
  }) as Server;
  const answering = new Set<Promise<unknown>>();
  server.prependListener('request', (_request, response: ServerResponse) => {
    // A client that keeps its connection and asks again at once would hold up the stop until it is cut off.
    if (stop.signal.aborted) response.shouldKeepAlive = false;
    const answered = new Promise<void>((resolve) => response.once('close', resolve));
    answering.add(answered);
    void answered.then(() => answering.delete(answered));
  });
  const bound = await listen(server, host.replace(/^\[|\]$/g, ''), port);
  const url = `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
  log.info({ url, insecure: insecure || undefined }, 'listening');

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    log.info({}, 'stopping');
    stop.abort();
    const late = Promise.withResolvers<void>();
    const deadline = fermata.runtime.clock.setTimer(() => late.resolve(), DRAIN_MS);
    await Promise.race([Promise.allSettled(active), late.promise]);
    await fermata.close();
    // Before the sockets: to Node a connection is idle once its answer was made, however much of it is still to be sent.
    await Promise.race([Promise.allSettled(answering), late.promise]);
    const closed = once(server, 'close');
    server.close();
    void late.promise.then(() => server.closeAllConnections());
    await closed;
    deadline.clear();
    log.info({}, 'stopped');
  };
  return { url, port: bound.port, app, close: () => (closing ??= close()) };
}

async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    const why =
      code === 'EADDRINUSE'
        ? 'another process listens there. Stop it, or set PORT to a free one (0: any)'
        : code === 'EACCES'
          ? 'this user may not. Set PORT to 1024 or more'
          : `${String(thrown)}. Set HOST and PORT to an address of this machine`;
    throw new FermataError('invalidConfig', `Cannot listen on ${host}:${port}: ${why}.`, { cause: thrown });
  }
  return server.address() as AddressInfo;
}
