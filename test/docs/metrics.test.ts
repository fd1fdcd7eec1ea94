/** docs/operations.md lists every metric as it is, and wakes nobody by one that does not exist. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { METRICS } from '../../src/http/metrics/table.ts';

const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const section = /^## Metrics\n([^]*?)^## /m.exec(text)?.[1] ?? '';
const table: Readonly<Record<string, { readonly type: string; readonly labels: readonly string[] }>> = METRICS;

it('the table has the name, the type, the labels and the help of each', () => {
  const rows = [...section.matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \| (.*) \|$/gm)];
  const listed = rows.map(([, name, type, labels = '', help]) => ({
    name,
    type,
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
    help,
  }));
  expect(listed).toEqual(
    Object.entries(METRICS).map(([name, { type, labels, help }]) => ({ name, type, labels, help })),
  );
});

it('names, units and labels are as Prometheus would have them', () => {
  for (const [name, { type, labels }] of Object.entries(table)) {
    expect(name).toMatch(/^(fermata|process|nodejs)_[a-z_]+$/);
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    const unbounded = labels.filter((label) => /run|task|tag|tenant|prompt|workflow|path|url|id$/.test(label));
    expect([name, unbounded]).toEqual([name, []]);
  }
});

it('each alert asks for metrics that there are, by labels that they have', () => {
  const [scraping, alerts] = [...section.matchAll(/^```yaml\n([^]*?)^```/gm)].map(
    ([, yaml = '']) => parse(yaml) as object,
  );
  expect(scraping).toMatchObject({ scrape_configs: [{ job_name: 'fermata' }] });
  const { rules } = (alerts as { groups: [{ rules: readonly { alert: string; expr: string }[] }] }).groups[0];
  expect(rules.length).toBeGreaterThan(9);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, expr } of rules) {
    const asked = [...expr.matchAll(/\b((?:fermata|process|nodejs)_\w+)(?:\{(\w+)[=!~]+"([^"]*)"\})?/g)];
    if (!expr.startsWith('up{')) expect([alert, asked.length]).not.toEqual([alert, 0]);
    for (const [, name = '', label] of asked) {
      const known = table[name] ?? histogramOf(name);
      expect([alert, name, known !== undefined]).toEqual([alert, name, true]);
      if (label !== undefined && label !== 'job')
        expect([alert, known?.labels]).toEqual([alert, expect.arrayContaining([label])]);
    }
    for (const [, grouped = ''] of expr.matchAll(/\bby \(([^)]*)\)/g)) {
      const labels = new Set([
        'le',
        ...asked.flatMap(([, name = '']) => (table[name] ?? histogramOf(name))?.labels ?? []),
      ]);
      expect([alert, grouped.split(', ').filter((label) => !labels.has(label))]).toEqual([alert, []]);
    }
  }
});

function histogramOf(name: string) {
  const known = table[name.replace(/_(bucket|sum|count)$/, '')];
  return known?.type === 'histogram' ? known : undefined;
}
