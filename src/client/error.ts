/** What the client throws. */

/** An error that the server answered with, or that kept the client from reaching it (`code: 'unreachable'`). */
export class FermataClientError extends Error {
  override readonly name = 'FermataClientError';
  /** Stable; `docs/errors.md` lists them. */
  readonly code: string;
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  readonly requestId: string | undefined;
  /** Every fault, each with its path. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** The whole problem document: what is legal instead, what was decided, … */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(problem: Readonly<Record<string, unknown>>, status: number, cause?: unknown) {
    super(
      typeof problem['detail'] === 'string' ? problem['detail'] : `The server answered ${status}.`,
      cause === undefined ? undefined : { cause },
    );
    this.code = typeof problem['code'] === 'string' ? problem['code'] : 'unknown';
    this.status = status;
    this.requestId = typeof problem['requestId'] === 'string' ? problem['requestId'] : undefined;
    this.errors = Array.isArray(problem['errors']) ? (problem['errors'] as FermataClientError['errors']) : [];
    this.problem = problem;
  }
}

/** A response that is no error, or throws what it says. */
export async function succeeded(response: Response): Promise<Response> {
  if (response.ok) return response;
  const text = await wholeBody(response);
  let problem: unknown;
  try {
    problem = JSON.parse(text);
  } catch {
    // Not from Fermata: a proxy, or another server.
  }
  const isProblem = typeof problem === 'object' && problem !== null && !Array.isArray(problem);
  throw new FermataClientError(
    isProblem
      ? (problem as Record<string, unknown>)
      : { detail: `${response.url || 'The server'} answered ${response.status}: ${text.slice(0, 200)}` },
    response.status,
  );
}

/** The text of a body. Throws `unreachable` where the server was gone before all of it had come. */
export async function wholeBody(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw new FermataClientError(
      {
        code: 'unreachable',
        detail: `The answer of ${response.url} was cut off. What was asked for may have been done: ask again, with the same Idempotency-Key or event id.`,
      },
      0,
      cause,
    );
  }
}

/** What Node calls a connection that ended behind the request. */
const CUT_OFF: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** The error of a request that got no answer. */
export function unreachable(baseUrl: string, cause: unknown): FermataClientError {
  const { code } = ((cause as { readonly cause?: unknown } | undefined)?.cause ?? {}) as { readonly code?: unknown };
  return new FermataClientError(
    {
      code: 'unreachable',
      detail: CUT_OFF.has(code)
        ? `The connection to ${baseUrl} was cut off before an answer came: the server may have stopped ("fermata serve" starts it), and what was asked for may have been done. Ask again, with the same Idempotency-Key or event id.`
        : `No Fermata answers at ${baseUrl}. Start one with "fermata serve", or check the URL.`,
    },
    0,
    cause,
  );
}
