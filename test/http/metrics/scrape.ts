/** What a test asks of metrics, by the front door. */
import { onTestFinished } from 'vitest';
import { openMetrics, type Metrics, type MetricsOptions } from '../../../src/http/metrics/index.ts';
import { parseExposition, type Family } from './exposition.ts';

/** Metrics that end with the test. */
export function metricsOfTest(options: MetricsOptions = {}): Metrics {
  const metrics = openMetrics(options);
  onTestFinished(() => metrics.close());
  return metrics;
}

/** What is asked. */
export interface Scraped {
  readonly families: ReadonlyMap<string, Family>;
  /** The value of a series, by its name and what is written in the braces, with the labels in the order of their names; 0: there is none. */
  of(name: string, labels?: string): number;
  /** All series of a metric that are not zero, by what is written in their braces. */
  all(name: string): Readonly<Record<string, number>>;
}

/** Asks for all of them, and reads them strictly. */
export async function scrape(app: { request(path: string): Response | Promise<Response> }): Promise<Scraped> {
  const families = parseExposition(await (await app.request('/metrics')).text());
  const samples = new Map([...families.values()].flatMap((family) => [...family.samples]));
  return {
    families,
    of: (name, labels = '') => samples.get(`${name}{${labels}}`) ?? 0,
    all: (name) =>
      Object.fromEntries(
        [...samples].flatMap(([series, value]) =>
          series.startsWith(`${name}{`) && value !== 0 ? [[series.slice(name.length + 1, -1), value]] : [],
        ),
      ),
  };
}
