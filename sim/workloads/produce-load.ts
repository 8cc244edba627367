// A producer that sends bursts of records to random partitions and writes in the ledger what it is
// told about each. How it is set up (acks, codec, batching, patience …) is drawn from the seed.

import type { Prng } from '../../src/base/prng.ts';
import { Producer, type ProducerOptions, type TopicPartition } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { type Ledger, recordOf, type SessionTraits } from '../checkers/index.ts';

export interface ProducerPlan {
  /** Of the session in the ledger; also the client id. */
  readonly name: string;
  readonly options: Omit<ProducerOptions, 'bootstrapServers'> & { readonly acks: -1 | 0 | 1 };
  readonly places: readonly TopicPartition[];
  readonly recordCount: number;
  readonly burstMax: number;
  readonly pauseMsMean: number;
  /** Other traits than the options have: for tests that plant a bug. */
  readonly traits?: Partial<SessionTraits>;
}

const codecs = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

export interface DrawOptions {
  readonly name: string;
  readonly places: readonly TopicPartition[];
  readonly recordCount: number;
  /** Every record is acknowledged sooner or later: no acks=0, nothing is given up. */
  readonly isPatient?: boolean;
}

export function drawProducer(prng: Prng, drawn: DrawOptions): ProducerPlan {
  const { isPatient = false, ...rest } = drawn;
  const acks = isPatient ? -1 : prng.pick([-1, -1, -1, 1, 0] as const);
  const maxInFlight = prng.pick([1, 2, 5]);
  const requestTimeoutMs = prng.pick([1_000, 5_000, 30_000]);
  const lingerMs = prng.pick([0, 5, 50]);
  // Some give up while the broker is down or its disk is slow.
  const isImpatient = !isPatient && prng.chance(0.2);
  return {
    ...rest,
    options: {
      acks,
      enableIdempotence: acks === -1 && (isPatient || prng.chance(0.8)),
      compressionType: prng.pick(codecs),
      batchSizeBytes: prng.pick([200, 2_000, 16_384]),
      lingerMs,
      maxInFlightRequestsPerConnection: maxInFlight,
      requestTimeoutMs,
      deliveryTimeoutMs: isImpatient ? lingerMs + requestTimeoutMs : 3_600_000,
      maxBlockMs: isImpatient ? 5_000 : 3_600_000,
      retryBackoffMs: prng.pick([20, 100]),
      metadataMaxAgeMs: prng.pick([500, 300_000]),
    },
    burstMax: prng.pick([1, 10, 40]),
    pauseMsMean: prng.pick([5, 50, 200]),
  };
}

/** Resolves when every record is settled and the producer is closed. */
export async function produceLoad(
  io: Io,
  plan: ProducerPlan,
  world: { readonly ledger: Ledger; readonly bootstrapServers: string; readonly prng: Prng },
): Promise<void> {
  const { ledger, bootstrapServers } = world;
  const { name, options, places, recordCount } = plan;
  const prng = world.prng.fork(name);
  const session = ledger.openSession(name, {
    acks: options.acks,
    isIdempotent: options.enableIdempotence === true,
    isSerial: options.maxInFlightRequestsPerConnection === 1,
    ...plan.traits,
  });
  const producer = new Producer({ ...options, bootstrapServers, clientId: name }, io);
  for (let sentCount = 0; sentCount < recordCount; ) {
    const burst = Math.min(1 + prng.int(plan.burstMax), recordCount - sentCount);
    for (let i = 0; i < burst; i++, sentCount++) {
      const record = session.next(prng.pick(places), io.clock.now());
      const { topic, partition, timestamp } = record;
      producer.write({ topic, partition, timestamp, ...recordOf(record) }, (error, metadata) =>
        session.settle(record, error, metadata?.offset ?? -1),
      );
    }
    await producer.drained();
    await io.clock.sleep(prng.float() * 2 * plan.pauseMsMean);
  }
  await producer.close();
}
