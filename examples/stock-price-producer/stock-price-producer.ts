// The StockPrice producer of the lab: a serializer, a partitioner and an interceptor of its own,
// several senders, a reporter of metrics, and a shutdown that loses nothing. Ends with SIGTERM or
// Ctrl-C. Run it with run.sh, or
//
//   node dist/examples/stock-price-producer/stock-price-producer.js HOST:PORT

import { Producer } from '../../src/client/index.ts';
import { reportMetrics } from './metrics-producer-reporter.ts';
import { topics } from './stock-price.ts';
import { StockPricePartitioner } from './stock-price-partitioner.ts';
import { StockProducerInterceptor } from './stock-producer-interceptor.ts';
import { type StockRange, sendPrices } from './stock-sender.ts';

const bootstrapServers = process.argv[2] ?? 'localhost:9092';
const interceptor = new StockProducerInterceptor();

const producer = new Producer({
  bootstrapServers,
  clientId: 'StockPriceKafkaProducer',
  topics,
  // Batching and compression: up to 64 KiB, or what comes within 200 ms.
  lingerMs: 200,
  batchSizeBytes: 64 * 1024,
  bufferMemoryBytes: 64 * 1024 * 1024,
  compressionType: 'snappy',
  // Retries, requests under way, timeouts.
  retries: 3,
  retryBackoffMs: 1_000,
  requestTimeoutMs: 15_000,
  maxInFlightRequestsPerConnection: 1,
  acks: 'all',
  partitioner: new StockPricePartitioner(['IBM', 'UBER']),
  interceptors: [interceptor],
});

const stocks: readonly StockRange[] = [
  { name: 'IBM', lowDollars: 100, highDollars: 150, delayMsMax: 4 },
  { name: 'SUN', lowDollars: 50, highDollars: 100, delayMsMax: 4 },
  { name: 'GOOG', lowDollars: 500, highDollars: 550, delayMsMax: 4 },
  { name: 'INEL', lowDollars: 100, highDollars: 150, delayMsMax: 4 },
  { name: 'UBER', lowDollars: 1_000, highDollars: 1_250, delayMsMax: 4 },
  { name: 'ABC', lowDollars: 3_000, highDollars: 3_500, delayMsMax: 4 },
];

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => stopping.abort());
}

const partitions = await producer.partitionsFor('stock-prices');
console.log(`sending to partitions ${partitions.join(', ')}`);
const reporter = reportMetrics(producer, 300, stopping.signal);
const counts = await Promise.all(
  stocks.map((range) => sendPrices(producer, range, stopping.signal)),
);

console.log('flushing and closing the producer');
await reporter;
await producer.flush();
await producer.close({ timeoutMs: 10_000 });
const { onAckCount, failureCount } = interceptor;
const sentCount = counts.reduce((sum, count) => sum + count, 0);
if (onAckCount !== sentCount) throw new Error(`${onAckCount} outcomes of ${sentCount} records`);
console.log(`sent ${sentCount} records, ${failureCount} failed`);
