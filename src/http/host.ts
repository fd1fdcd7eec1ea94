/**
 * Who may call a server that has no authentication: programs of this machine, and pages that this server served.
 *
 * A page of any web site can make a browser call 127.0.0.1: under a name of its own that it points there (DNS
 * rebinding, seen in `Host`), or blindly, across origins (seen in `Origin`). Both are refused.
 */
import type { MiddlewareHandler } from 'hono';
import { FermataError } from '../errors.ts';
import type { HttpEnvironment } from './router.ts';

/** Names under which a loopback server is called. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** True for an address that only this machine reaches. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || address === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(address);
}

/** Refuses calls under other names than `hosts` (any port), and writing calls from pages of other origins. */
export function allowHosts(hosts: readonly string[]): MiddlewareHandler<HttpEnvironment> {
  const allowed = new Set(hosts);
  return async (c, next) => {
    const host = c.req.header('host') ?? new URL(c.req.url).host;
    const origin = c.req.header('origin');
    if (!allowed.has(nameOf(`http://${host}`))) {
      throw new FermataError(
        'forbidden',
        `This server is called as ${hosts.join(', ')}, not as ${JSON.stringify(host)}. Where a proxy of yours is in front of it, let that send "Host: ${hosts[0]}".`,
      );
    }
    if (origin !== undefined && c.req.method !== 'GET' && c.req.method !== 'HEAD' && !allowed.has(nameOf(origin))) {
      throw new FermataError(
        'forbidden',
        `Pages of ${JSON.stringify(origin)} may not change anything here. Call from a program, or from a page of this server.`,
      );
    }
    await next();
  };
}

function nameOf(url: string): string {
  return URL.parse(url)?.hostname ?? '';
}
