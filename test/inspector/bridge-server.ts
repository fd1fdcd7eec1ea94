/** The bridge behind a real server on a free port, and the Stately package's own receiver as its client. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve, type WebSocketServerLike } from '@hono/node-server';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { statelyBridge, type StatelyBridge, type StatelyBridgeOptions } from '../../inspector/bridge.ts';

export const TOKEN = 'a-token-of-this-test';

/** A server of the running test. */
export interface BridgeServer {
  readonly bridge: StatelyBridge;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** The relay's address. */
  relay(run: string, token?: string): string;
  /** Collects what the relay sends until `enough` says so. */
  receive(
    run: string,
    enough: (messages: readonly StatelyInspectionEvent[]) => boolean,
  ): Promise<StatelyInspectionEvent[]>;
}

/** Serves a bridge until the running test ends. */
export async function serveBridge(options: Omit<StatelyBridgeOptions, 'token'>): Promise<BridgeServer> {
  const bridge = statelyBridge({ token: TOKEN, ...options });
  const websocket = { server: new WebSocketServer({ noServer: true, maxPayload: 1024 }) as WebSocketServerLike };
  const server = serve({ fetch: bridge.routes.fetch, port: 0, hostname: '127.0.0.1', websocket });
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(async () => {
    bridge.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const relay = (run: string, token = TOKEN): string => `ws://${host}/inspect/stately/ws?run=${run}&token=${token}`;
  return {
    bridge,
    origin: `http://${host}`,
    relay,
    receive: (run, enough) =>
      new Promise((resolve) => {
        const messages: StatelyInspectionEvent[] = [];
        createWebSocketReceiver({ server: relay(run) }).subscribe((message) => {
          messages.push(message);
          if (enough(messages)) resolve(messages);
        });
      }),
  };
}

/** The root's last message says that it has ended. */
export function rootEnded(messages: readonly StatelyInspectionEvent[]): boolean {
  const last = messages.at(-1);
  return last?.type === '@xstate.snapshot' && last.sessionId === last.rootId && last.snapshot.status !== 'active';
}

/** `type actor event` of each message, without the run's id. */
export function story(messages: readonly StatelyInspectionEvent[], run: string): string[] {
  return messages.map((message) => {
    const actor = message.sessionId.slice(run.length);
    if (message.type === '@xstate.actor') return `actor ${actor}`;
    if (message.type === '@xstate.event')
      return `event ${message.sourceId?.slice(run.length) ?? 'outside'} → ${actor} ${message.event.type}`;
    return `snapshot ${actor} ${JSON.stringify((message.snapshot as { value?: unknown }).value ?? message.snapshot.status)}`;
  });
}
