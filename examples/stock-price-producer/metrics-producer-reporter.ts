// Prints what the producer measures, under Java's names, every now and then.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from '../../src/client/index.ts';
import type { topics } from './stock-price.ts';

const shown = /^(record-send-total|records-per-request-avg|record-size-avg|request-latency-avg)$/;

export async function reportMetrics(
  producer: Producer<typeof topics>,
  everyMs: number,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    await sleep(everyMs, undefined, { signal: stopping }).catch(() => {});
    for (const { group, name, value, description } of producer.metrics()) {
      if (group !== 'producer-metrics' || !shown.test(name)) continue;
      console.log(`Metric ${group}, ${name}, ${value}, ${description}`);
    }
  }
}
