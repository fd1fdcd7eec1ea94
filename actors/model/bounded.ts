import { FermataError } from '../../src/errors.ts';

/**
 * Bytes of one answer as it comes over the wire, where a token takes about 300: the longest answers of models are 40 MB of
 * it. What sends more, such as an address that is no model's, would fill the memory until the process dies; and begin
 * anew at the next start, for a call to another machine is blamed for no death.
 */
export const MOST_BYTES = 128 * 1024 * 1024;

/** `fetch`, whose answers break off after `most` bytes: reading on throws `invalidAnswer`. */
export function bounded(fetch: typeof globalThis.fetch, most = MOST_BYTES): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    // A status that no Response can be made with is no answer to be read.
    if (response.body === null || response.status > 599) return response;
    let bytes = 0;
    const count = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes <= most) return controller.enqueue(chunk);
        controller.error(
          new FermataError(
            'invalidAnswer',
            `the answer goes on after ${most} bytes. Check the base URL, or bound the answer by maxOutputTokens.`,
          ),
        );
      },
    });
    return new Response(response.body.pipeThrough(count), response);
  };
}
