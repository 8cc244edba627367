// One row of one client, in a process of its own: `node client-process.js JSON`. Values are made
// before the clock starts; a consumer's clock starts with the first record and every byte is read.
// Prints one line of JSON: what it took, and a checksum of what was sent or read.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { crc32c } from '../../src/protocol/index.ts';
import { type MeasuredClient, quotesOf, type Target } from './measured-client.ts';

/** The others are not loaded: memory is that of one. */
const clients: Readonly<Record<string, () => Promise<new () => MeasuredClient>>> = {
  partita: async () => (await import('./partita.ts')).PartitaClient,
  kafkajs: async () => (await import('./kafkajs.ts')).KafkaJsClient,
  platformatic: async () => (await import('./platformatic.ts')).PlatformaticClient,
  confluent: async () => (await import('./confluent.ts')).ConfluentClient,
};

export interface Task {
  readonly client: string;
  readonly row: string;
  readonly target: Target;
  readonly count: number;
  readonly recordBytes: number;
}

export interface Outcome {
  /** Absent: the client does not offer this. */
  readonly figures?: Readonly<Record<string, number>>;
  readonly checksum?: number;
}

/** Sends that are under way at once, where a row sends batches. */
const batchesInFlight = 5;
const batchRecords = 100;

type Row = (client: MeasuredClient, task: Task) => Promise<Measured | null>;

interface Measured {
  readonly elapsedMs: number;
  readonly records: number;
  readonly latenciesMs?: number[];
  readonly checksum: number;
}

/** Sends run one after another in each of `lanes`; each of `sends` is one that is awaited. */
async function timed(lanes: number, sends: readonly (() => Promise<unknown>)[]) {
  const latenciesMs: number[] = [];
  const began = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let send = sends[next++]; send !== undefined; send = sends[next++]) {
      const at = performance.now();
      await send();
      latenciesMs.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { elapsedMs: performance.now() - began, latenciesMs };
}

function valuesOf({ count, recordBytes }: Task): Buffer[] {
  return Array.from({ length: count }, (_, at) =>
    Buffer.alloc(recordBytes, `record ${at} of many, `),
  );
}

function inBatches<T>(values: readonly T[]): (readonly T[])[] {
  const batches: (readonly T[])[] = [];
  for (let at = 0; at < values.length; at += batchRecords) {
    batches.push(values.slice(at, at + batchRecords));
  }
  return batches;
}

/** The order in which partitions are read does not matter. */
function sumOf(values: readonly Buffer[]): number {
  let sum = 0;
  for (const value of values) sum = (sum + crc32c(value)) | 0;
  return sum;
}

async function sending(
  { client, task, lanes }: { client: MeasuredClient; task: Task; lanes: number },
  sendsOf: (values: Buffer[]) => (() => Promise<unknown>)[],
): Promise<Measured> {
  const values = valuesOf(task);
  const sends = sendsOf(values);
  await client.send(values[0] as Buffer);
  const done = await timed(lanes, sends);
  return { ...done, records: task.count, checksum: sumOf(values) };
}

async function consuming(
  count: number,
  consume: (onRecords: (values: readonly Buffer[]) => boolean) => Promise<void>,
): Promise<Measured> {
  let [began, ended, records, checksum] = [0, 0, 0, 0];
  await consume((values) => {
    if (records === 0 && values.length > 0) began = performance.now();
    records += values.length;
    for (const value of values) checksum = (checksum + crc32c(value)) | 0;
    if (records < count) return false;
    ended = performance.now();
    return true;
  });
  return { elapsedMs: ended - began, records, checksum };
}

const rows: Readonly<Record<string, Row>> = {
  awaited: (client, task) =>
    sending({ client, task, lanes: 1 }, (values) =>
      values.map((value) => () => client.send(value)),
    ),
  'at-once': (client, task) =>
    sending({ client, task, lanes: 1 }, (values) =>
      inBatches(values).map((some) => () => Promise.all(some.map((one) => client.send(one)))),
    ),
  batches: (client, task) =>
    sending({ client, task, lanes: batchesInFlight }, (values) =>
      inBatches(values).map((some) => () => client.sendBatch(some)),
    ),
  transactions: async (client, task) => {
    const values = valuesOf(task);
    const sends = inBatches(values).map((some) => () => client.sendTransaction(some));
    await client.sendTransaction(values.slice(0, 1));
    return { ...(await timed(1, sends)), records: task.count, checksum: sumOf(values) };
  },
  'json-out': async (client, { count }) => {
    const quotes = quotesOf(count);
    const sends = inBatches(quotes).map((some) => () => client.sendQuotes(some));
    await client.sendQuotes(quotes.slice(0, 1));
    const checksum = sumOf(quotes.map((quote) => Buffer.from(JSON.stringify(quote))));
    return { ...(await timed(batchesInFlight, sends)), records: count, checksum };
  },
  consume: (client, { target, count }) =>
    consuming(count, (onRecords) => client.consume(target, (value) => onRecords([value]))),
  'consume-batches': async (client, { target, count }) =>
    client.consumeBatches === undefined
      ? null
      : consuming(
          count,
          (onRecords) => client.consumeBatches?.(target, onRecords) as Promise<void>,
        ),
  'json-in': async (client, { target, count }) => {
    let [began, ended, records, prices] = [0, 0, 0, 0];
    await client.consumeQuotes(target, ({ price, at }) => {
      if (records === 0) began = performance.now();
      prices = (prices + price * 8 + (at % 1000)) | 0;
      if (++records < count) return false;
      ended = performance.now();
      return true;
    });
    return { elapsedMs: ended - began, records, checksum: prices };
  },
};

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

async function run(task: Task): Promise<Outcome> {
  const load = clients[task.client];
  if (load === undefined) throw new Error(`clients are ${Object.keys(clients).join(', ')}`);
  const client = new (await load())();
  const isProducer = !/^consume|-in$/.test(task.row);
  const transactionalId = task.row === 'transactions' ? `bench-${task.target.topic}` : undefined;
  if (isProducer) await client.startProducer(task.target, transactionalId);
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const before = process.cpuUsage();
  const measured = await (rows[task.row] as Row)(client, task);
  const { user, system } = process.cpuUsage(before);
  delays.disable();
  await client.close();
  if (measured === null) return {};
  const { elapsedMs, records, latenciesMs, checksum } = measured;
  const latencies = latenciesMs && {
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  };
  return {
    figures: {
      'records/s': (records * 1000) / elapsedMs,
      ...latencies,
      'cpu-us/record': (user + system) / records,
      'highest-MiB': process.resourceUsage().maxRSS / 1024,
      'loop-p99-ms': delays.percentile(99) / 1e6,
    },
    checksum,
  };
}

const [, , task] = process.argv;
if (task?.startsWith('{')) {
  console.log(JSON.stringify(await run(JSON.parse(task) as Task)));
  process.exit();
}
