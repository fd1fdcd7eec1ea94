/** A machine's configuration without secrets: names of states and events are names, everything else is data. */
import type { Redact } from './redact.ts';

/**
 * The JSON text of a machine's configuration, redacted.
 *
 * A state may be called `password` and an event `token`: hiding those would break the chart. What stands under any
 * other key (`context`, `meta`, `params`, `input` …) is data, and loses its secrets by name and by value.
 */
export function definitionText(config: Readonly<Record<string, unknown>>, redact: Redact): string {
  return JSON.stringify(stateNode(config, redact));
}

function stateNode(config: unknown, redact: Redact): unknown {
  if (!isRecord(config)) return redact(config);
  return Object.fromEntries(
    Object.entries(config).map(([key, part]) => {
      if (key === 'states') return [key, named(part, (state) => stateNode(state, redact))];
      return [key, key === 'on' || key === 'after' ? named(part, redact) : data(key, part, redact)];
    }),
  );
}

/** Redacts what stands under names that the author chose. */
function named(parts: unknown, redact: Redact): unknown {
  return isRecord(parts)
    ? Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, redact(part)]))
    : redact(parts);
}

/** Redacts `part` together with the key it is kept under. */
function data(key: string, part: unknown, redact: Redact): unknown {
  return (redact({ [key]: part }) as Record<string, unknown>)[key];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
