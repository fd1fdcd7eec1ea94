/** Calls of models: how they ended and how long they took, from around each call; what they used and cost, from the ledger's rows. */
import type { EventLoop } from '../../clock.ts';
import { FermataError } from '../../errors.ts';
import type { AroundEffect } from '../../runtime/effect.ts';
import type { LedgerRow } from '../../store/ledger.ts';
import type { Instruments } from './instruments.ts';
import type { ModelNames, NamedModel } from './model-names.ts';

/** The effects that ask models, and what OpenTelemetry calls that. */
const OPERATIONS: ReadonlyMap<string, string> = new Map([
  ['modelCall', 'chat'],
  ['verify', 'chat'],
  ['compare', 'embeddings'],
]);

/** What is counted of models. */
export interface ModelMetrics {
  /** Stands around every call of an effect, and measures those of models. */
  readonly around: AroundEffect;
  /** Counts a request that was made. */
  count(row: LedgerRow): void;
}

/** Counts calls of models. */
export function modelMetrics(
  instruments: Instruments,
  { names, loop }: { readonly names: ModelNames; readonly loop: Pick<EventLoop, 'elapsed'> },
): ModelMetrics {
  const calls = instruments.counter('fermata_model_calls_total');
  const durations = instruments.histogram('fermata_model_call_duration_seconds');
  const tokens = instruments.counter('fermata_model_tokens_total');
  const costs = instruments.counter('fermata_model_cost_nanodollars_total');
  const unpriced = instruments.counter('fermata_model_requests_unpriced_total');

  const ended = (asked: NamedModel, operation: string, begun: number, outcome: string): void => {
    const labels = { ...names.of(asked, outcome === 'ok'), operation };
    calls.inc({ ...labels, outcome });
    durations.observe(labels, (loop.elapsed() - begun) / 1_000);
  };

  return {
    around({ src, input, run }) {
      const operation = OPERATIONS.get(src);
      if (operation === undefined) return run();
      const begun = loop.elapsed();
      const asked = input as NamedModel;
      const made = run();
      made.then(
        (output) => {
          const outcome = src === 'compare' ? embedded(output) : 'ok';
          if (outcome !== undefined) ended(asked, operation, begun, outcome);
        },
        (thrown: unknown) => ended(asked, operation, begun, thrown instanceof FermataError ? thrown.code : 'internal'),
      );
      return made;
    },

    count(row) {
      const labels = names.of(row, row.kind === 'settled');
      if (row.costNanos === null) unpriced.inc(labels);
      else costs.inc(labels, row.costNanos);
      for (const [kind, count] of kindsOf(row)) if (count > 0) tokens.inc({ ...labels, kind }, count);
    },
  };
}

/** How it was to make a vector; undefined where none had to be made. */
function embedded(output: unknown): 'ok' | 'failed' | undefined {
  const { billed = [], usage } = (output ?? {}) as { readonly billed?: readonly unknown[]; readonly usage?: unknown };
  if (billed.length === 0) return undefined;
  return usage === undefined ? 'failed' : 'ok';
}

/** Disjoint, as the bill has them: the ledger's counts hold each other. */
function kindsOf(row: LedgerRow): readonly (readonly [kind: string, count: number])[] {
  const { inputTokens, outputTokens } = row;
  const input = inputTokens ?? 0;
  const output = outputTokens ?? 0;
  const written = Math.min(input, row.cacheWriteTokens ?? 0);
  const cached = Math.min(input - written, row.cachedInputTokens ?? 0);
  const thought = Math.min(output, row.reasoningTokens ?? 0);
  return [
    ['input', input - written - cached],
    ['input_cached', cached],
    ['input_cache_write', written],
    ['output', output - thought],
    ['output_reasoning', thought],
  ];
}
