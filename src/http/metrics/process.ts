/**
 * The process, in the names of prom-client's own default metrics. Those themselves are not used: they begin an observer of
 * garbage collections and a monitor of the event loop for each registry, and nothing ends either.
 */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Clock } from '../../clock.ts';
import type { Instruments } from './instruments.ts';

/** Reads them, whenever what is returned is called. */
export function processMetrics(
  instruments: Instruments,
  { clock, demo }: { readonly clock: Pick<Clock, 'now'>; readonly demo: boolean },
): () => void {
  const { version } = createRequire(import.meta.url)('fermata/package.json') as { readonly version: string };
  instruments.gauge('fermata_build_info').set({ version, node: process.versions.node, demo: String(demo) }, 1);
  instruments.gauge('process_start_time_seconds').set(clock.now() / 1_000 - process.uptime());
  const cpu = instruments.counter('process_cpu_seconds_total');
  const resident = instruments.gauge('process_resident_memory_bytes');
  const files = instruments.gauge('process_open_fds');
  const used = instruments.gauge('nodejs_heap_size_used_bytes');
  const total = instruments.gauge('nodejs_heap_size_total_bytes');
  const external = instruments.gauge('nodejs_external_memory_bytes');
  return () => {
    const { user, system } = process.cpuUsage();
    cpu.reset();
    cpu.inc((user + system) / 1_000_000);
    const memory = process.memoryUsage();
    resident.set(memory.rss);
    used.set(memory.heapUsed);
    total.set(memory.heapTotal);
    external.set(memory.external);
    const open = openFiles();
    if (open === undefined) files.remove();
    else files.set(open);
  };
}

function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
