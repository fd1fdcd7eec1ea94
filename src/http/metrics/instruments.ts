/** Makes the metrics of the table, in a registry of their own: two apps in one process count apart. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS, type LabelsOf, type NameOf } from './table.ts';

/** Makes each metric once, in one registry. */
export class Instruments {
  readonly #registry = new Registry();

  counter<Name extends NameOf<'counter'>>(name: Name): Counter<LabelsOf<Name>> {
    return new Counter(this.#configuration(name));
  }

  gauge<Name extends NameOf<'gauge'>>(name: Name): Gauge<LabelsOf<Name>> {
    return new Gauge(this.#configuration(name));
  }

  histogram<Name extends NameOf<'histogram'>>(name: Name): Histogram<LabelsOf<Name>> {
    return new Histogram({ ...this.#configuration(name), buckets: [...METRICS[name].buckets] });
  }

  /** All of them, in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** What they counted is gone. */
  clear(): void {
    this.#registry.clear();
  }

  #configuration<Name extends keyof typeof METRICS>(name: Name) {
    const { help, labels } = METRICS[name];
    return { name, help, labelNames: labels as readonly LabelsOf<Name>[], registers: [this.#registry] };
  }
}

/** Of the text: version 0.0.4 of the format, which everything reads that reads metrics. */
export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;
