// What does compaction cost those who produce? Loads keyed updates over a number of keys with the
// cleaner at rest, then lets it run: how long it takes down to the last value of each key, how much
// memory the broker takes, and the latency of a producer at a steady rate before and during it.
// In the end the log is read whole, and must have the last value of every key.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '../src/base/prng.ts';
import { createNodeIo, type Io } from '../src/io/index.ts';
import { ClientConnection } from '../src/network/index.ts';
import {
  batchHeaders,
  decodeRecords,
  encodeBatch,
  errorName,
  incrementalAlterConfigs,
} from '../src/protocol/index.ts';
import { BrokerProcess } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { parseFlags } from './flags.ts';
import {
  createTopic,
  fetchedRecords,
  fetchFrame,
  producedOffset,
  produceFrame,
  type Target,
  WireClient,
} from './wire-client.ts';

const defaults = {
  mib: 1024,
  keys: 100_000,
  'record-bytes': 1024,
  'batch-records': 60,
  'segment-mib': 128,
  rate: 200,
  seconds: 10,
};

const cleaningMsMax = 600_000;

type CompactionFlags = typeof defaults;

interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const broker = await BrokerProcess.prepare(io, 'partita', {
    config: {
      'log.cleanup.policy': 'compact',
      'log.segment.bytes': String(flags['segment-mib'] * 1024 * 1024),
      'log.cleaner.min.cleanable.ratio': '0.1',
      'log.cleaner.backoff.ms': '100',
      'log.cleaner.threads': '0',
    },
  });
  const rounds = new Rounds();
  try {
    await broker.start();
    const target: Target = { host: broker.host, port: broker.port, topic: 'updates' };
    await createTopic(io, target);
    const updates = new Updates(flags);
    const loaded = await load(io, target, updates, flags);
    rounds.add('loaded', {
      MiB: sizeOf(broker) / 2 ** 20,
      seconds: loaded.seconds,
      'resident-MiB': broker.residentMib(),
    });
    const pace = new PacedProducer(io, target, updates, flags.rate);
    await pace.warmUp();
    rounds.add('produce before', { ...(await pace.during(io.clock.sleep(flags.seconds * 1000))) });
    const cleaning = watchCleaning(io, broker, loaded.endOffset);
    rounds.add('produce during', { ...(await pace.during(cleaning)) });
    const { seconds, residentMib } = await cleaning;
    rounds.add('cleaned', {
      seconds,
      'MiB/s': flags.mib / seconds,
      MiB: sizeOf(broker) / 2 ** 20,
      'resident-MiB-max': residentMib,
    });
    pace.close();
    const read = await verify(io, target, updates);
    rounds.add('live set', { keys: read.keys, records: read.records });
    rounds.print();
    printChecksum(loaded.checksum);
  } finally {
    await broker.dispose();
  }
}

/** Batches of updates of random keys; knows the last value of each. */
class Updates {
  /** By key, the number of its last update. */
  readonly latest: Int32Array;
  readonly batchRecords: number;
  readonly #random = new Prng(1);
  readonly #value: Buffer;
  #count = 0;

  constructor(flags: CompactionFlags) {
    this.latest = new Int32Array(flags.keys).fill(-1);
    this.batchRecords = flags['batch-records'];
    this.#value = this.#random.bytes(Math.max(4, flags['record-bytes']));
  }

  next(recordCount = this.batchRecords): Buffer {
    const records = Array.from({ length: recordCount }, () => {
      const key = this.#random.int(this.latest.length);
      this.latest[key] = this.#count;
      const value = Buffer.from(this.#value);
      value.writeInt32BE(this.#count++, 0);
      return { key: Buffer.from(`key-${key}`), value, timestamp: Date.UTC(2026, 0, 1) };
    });
    return encodeBatch({ records });
  }
}

async function load(
  io: Io,
  target: Target,
  updates: Updates,
  flags: CompactionFlags,
): Promise<{ endOffset: number; seconds: number; checksum: number }> {
  const client = await WireClient.connect(io, target);
  const beganMs = performance.now();
  const batchBytes = flags['batch-records'] * flags['record-bytes'];
  const count = Math.ceil((flags.mib * 2 ** 20) / batchBytes);
  const recordCount = updates.batchRecords;
  const last = await client.exchange(count, 4, () =>
    produceFrame(target, { bytes: updates.next(), recordCount }, 1),
  );
  client.close();
  const seconds = (performance.now() - beganMs) / 1000;
  let checksum = 0;
  for (const update of updates.latest) checksum = (Math.imul(checksum, 31) + update) >>> 0;
  return { endOffset: producedOffset(last) + recordCount, seconds, checksum };
}

/** One record a request, at a rate; latency counts from when a request was due. */
class PacedProducer {
  readonly #io: Io;
  readonly #target: Target;
  readonly #updates: Updates;
  readonly #intervalMs: number;
  #client: WireClient | null = null;

  constructor(io: Io, target: Target, updates: Updates, rate: number) {
    this.#io = io;
    this.#target = target;
    this.#updates = updates;
    this.#intervalMs = 1000 / rate;
  }

  async warmUp(): Promise<void> {
    this.#client = await WireClient.connect(this.#io, this.#target);
    await this.during(this.#io.clock.sleep(1000));
  }

  async during(work: Promise<unknown>): Promise<Latencies> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    const client = this.#client as WireClient;
    const latencies: number[] = [];
    for (let dueMs = performance.now(); !isOver; dueMs += this.#intervalMs) {
      const earlyMs = dueMs - performance.now();
      if (earlyMs > 1) await this.#io.clock.sleep(earlyMs);
      const batch = { bytes: this.#updates.next(1), recordCount: 1 };
      const frame = produceFrame(this.#target, batch, 1);
      producedOffset(await client.exchange(1, 1, () => frame));
      latencies.push(performance.now() - dueMs);
    }
    await over;
    latencies.sort((a, b) => a - b);
    const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] as number;
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  close(): void {
    this.#client?.close();
  }
}

/** Lets the cleaner run; resolves when what was loaded is clean, but for the last segment. */
async function watchCleaning(
  io: Io,
  broker: BrokerProcess,
  loadedEnd: number,
): Promise<{ seconds: number; residentMib: number }> {
  const data = join(broker.directory, 'data');
  const bases = readdirSync(join(data, 'updates-0')).filter((name) => name.endsWith('.log'));
  const active = Math.max(...bases.map((name) => Number.parseInt(name, 10)));
  const wanted = Math.min(active, loadedEnd);
  const checkpoint = join(data, 'cleaner-offset-checkpoint');
  const beganMs = performance.now();
  await alterConfig(io, broker, 'log.cleaner.threads', '1');
  let residentMib = 0;
  for (;;) {
    residentMib = Math.max(residentMib, broker.residentMib());
    const text = existsSync(checkpoint) ? readFileSync(checkpoint, 'utf8') : '';
    const cleaned = Number(/^updates 0 (\d+)$/m.exec(text)?.[1] ?? -1);
    if (cleaned >= wanted) break;
    const waitedMs = performance.now() - beganMs;
    if (waitedMs > cleaningMsMax) throw new Error(`cleaned up to ${cleaned} of ${wanted} so far`);
    await io.clock.sleep(50);
  }
  return { seconds: (performance.now() - beganMs) / 1000, residentMib };
}

async function alterConfig(
  io: Io,
  { host, port }: BrokerProcess,
  name: string,
  value: string,
): Promise<void> {
  const connection = await ClientConnection.connect(io, { host, port, clientId: 'bench' });
  const configs = [{ name, configOperation: 0, value }];
  const resources = [{ resourceType: 4, resourceName: '', configs }];
  const { responses } = await connection.request(incrementalAlterConfigs, {
    resources,
    validateOnly: false,
  });
  const errorCode = responses[0]?.errorCode ?? -1;
  if (errorCode !== 0) throw new Error(`alter ${name}: ${errorName(errorCode)}`);
  connection.close();
}

/** The log's segments, without those that wait for their removal. */
function sizeOf(broker: BrokerProcess): number {
  const folder = join(broker.directory, 'data', 'updates-0');
  const names = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

async function verify(
  io: Io,
  target: Target,
  updates: Updates,
): Promise<{ keys: number; records: number }> {
  const client = await WireClient.connect(io, target);
  const found = new Int32Array(updates.latest.length).fill(-1);
  let records = 0;
  for (let offset = 0, isOver = false; !isOver; ) {
    const frame = fetchFrame(target, offset, 8 * 2 ** 20);
    const bytes = fetchedRecords(await client.exchange(1, 1, () => frame));
    isOver = bytes.length === 0;
    for (const header of batchHeaders(bytes)) {
      for (const { key, value } of decodeRecords(bytes, header)) {
        found[Number(key?.toString('latin1', 4))] = value?.readInt32BE(0) ?? -1;
        records++;
      }
      offset = header.lastOffset + 1;
    }
  }
  client.close();
  for (const [key, update] of updates.latest.entries()) {
    if (found[key] !== update) throw new Error(`key-${key} has ${found[key]}, not ${update}`);
  }
  return { keys: found.filter((update) => update >= 0).length, records };
}
