/** The text format of Prometheus, version 0.0.4, read as strictly as its description allows. */
import assert from 'node:assert/strict';

/** A metric of the text. */
export interface Family {
  readonly type: string;
  readonly help: string;
  /** By their name and labels, as they stand there. */
  readonly samples: ReadonlyMap<string, number>;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^]*\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;

/** Reads it; fails where a parser of Prometheus would, or would not say what was meant. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  let current = '';
  let help: string | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const described = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (described !== null) {
      const [, kind, name = '', rest = ''] = described;
      if (kind === 'HELP') {
        assert.ok(!families.has(name), `${name} is described once`);
        help = rest;
      } else {
        assert.ok(help !== undefined, `${name} has its HELP before its TYPE`);
        families.set(name, { type: rest, help, samples: new Map() });
        [current, help] = [name, undefined];
      }
      continue;
    }
    assert.match(line, SAMPLE);
    const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    const family = families.get(current);
    assert.ok(family !== undefined, `${name} comes after its TYPE`);
    const ending = family.type === 'histogram' ? '(_bucket|_sum|_count)' : '';
    assert.match(name, new RegExp(`^${current}${ending}$`), `${name} stands in its family`);
    const series = `${name}{${readLabels(labels)
      .map(([label, text]) => `${label}="${text}"`)
      .join(',')}}`;
    assert.ok(!family.samples.has(series), `${series} is there once`);
    family.samples.set(series, Number(value.replace('Inf', 'Infinity')));
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

/** In the order of their names. */
function readLabels(text: string): readonly (readonly [label: string, value: string])[] {
  const labels: (readonly [string, string])[] = [];
  for (let rest = text.slice(1, -1); rest !== '';) {
    const found = LABEL.exec(rest);
    assert.ok(found !== null, `labels can be read: ${text}`);
    const [whole, label = '', value = ''] = found;
    assert.ok(!labels.some(([known]) => known === label), `a label is there once: ${text}`);
    labels.push([label, value]);
    rest = rest.slice(whole.length);
  }
  return labels.toSorted(([one], [other]) => (one < other ? -1 : 1));
}

function checkFamily(name: string, { type, samples }: Family): void {
  assert.ok(['counter', 'gauge', 'histogram'].includes(type), `${name} is of a known type`);
  if (type === 'counter') assert.match(name, /_total$/);
  else assert.doesNotMatch(name, /_(total|count|sum|bucket)$/);
  for (const [series, value] of samples) {
    assert.ok(!Number.isNaN(value), `${series} is a number`);
    if (type !== 'gauge') assert.ok(value >= 0, `${series} is not below zero`);
  }
  if (type !== 'histogram') return;
  const histograms = Map.groupBy(samples, ([series]) =>
    series
      .replace(/^\w+/, '')
      .replace(/,?le="[^"]*"/, '')
      .replace('{,', '{'),
  );
  for (const [labels, parts] of histograms) {
    const buckets = parts.filter(([series]) => series.startsWith(`${name}_bucket`));
    const bounds = buckets.map(([series]) => Number(/le="([^"]*)"/.exec(series)?.[1]?.replace('+Inf', 'Infinity')));
    const counts = buckets.map(([, count]) => count);
    const count = parts.find(([series]) => series.startsWith(`${name}_count`))?.[1];
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      `${name}${labels}: bounds ascend`,
    );
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name}${labels}: buckets are cumulative`,
    );
    assert.deepEqual([bounds.at(-1), counts.at(-1)], [Infinity, count], `${name}${labels}: all are in the last one`);
    assert.ok(
      parts.some(([series]) => series.startsWith(`${name}_sum`)),
      `${name}${labels} has its sum`,
    );
  }
}
