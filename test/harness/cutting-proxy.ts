/** A TCP proxy that breaks connections: after so many bytes of what the server says, at whatever byte that is. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy that listens. */
export interface CuttingProxy {
  /** `http://127.0.0.1:PORT`, in place of the server's. */
  readonly url: string;
  /** Connections that were cut. */
  readonly cuts: number;
  close(): Promise<void>;
}

/**
 * Starts a proxy in front of a server.
 *
 * @param after bytes from the server that the n-th connection (0 is the first) lets through before it breaks; undefined: all
 * @example
 * const proxy = await startCuttingProxy(server.port, (connection) => (connection < 100 ? 1 + connection * 7 : undefined))
 */
export async function startCuttingProxy(
  port: number,
  after: (connection: number) => number | undefined,
): Promise<CuttingProxy> {
  const open = new Set<Socket>();
  let connections = 0;
  let cuts = 0;
  const server = createServer((client) => {
    let left = after(connections++) ?? Infinity;
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
      // A connection that breaks is what this is for.
      socket.on('error', () => {});
    }
    client.pipe(upstream);
    upstream.on('data', (bytes: Buffer) => {
      if (left <= 0) return;
      const passed = bytes.subarray(0, left);
      left -= passed.length;
      if (left > 0) {
        client.write(passed);
        return;
      }
      cuts++;
      // What was let through arrives, and nothing after it.
      client.write(passed, () => client.destroy());
      upstream.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
