// What brokers answer to reads that do not go to the leader, or name an epoch that is not now
// (KIP-392, KIP-320): questions put to three brokers in a rack each, and what Apache Kafka 4.3.1
// answered, as recorded in reads.txt by record-reads.ts.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Admin, Producer } from '../../../src/client/index.ts';
import { createNodeIo } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import {
  errorName,
  fetch,
  listOffsets,
  metadata,
  offsetForLeaderEpoch,
} from '../../../src/protocol/index.ts';
import { projectRoot } from '../../root.ts';
import type { TestCluster } from './test-cluster.ts';

/** Of the brokers; `broker.rack` is r1, r2, r3. */
export const readsConfig = {
  'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
  'replica.lag.time.max.ms': '30000',
};
export const rackOf = (id: number): Record<string, string> => ({ 'broker.rack': `r${id}` });

export const readsFile = join(projectRoot, 'tests/interop/clusters/reads.txt');

export function recordedReads(): string[] {
  return readFileSync(readsFile, 'utf8').trimEnd().split('\n');
}

const io = createNodeIo({ logLevel: 'off' });
const records = 5;
/** A broker that knows little of a new topic is asked again. */
const knownMsMax = 30_000;

interface Place {
  readonly offset?: number;
  /** Beside the one that is now. */
  readonly epoch?: number | null;
}

class Questions {
  readonly answers: string[] = [];
  readonly #connections: ReadonlyMap<number, ClientConnection>;
  readonly #topicIds: ReadonlyMap<string, string>;
  readonly #leaderEpoch: number;

  constructor(
    connections: ReadonlyMap<number, ClientConnection>,
    known: { topicIds: ReadonlyMap<string, string>; leaderEpoch: number },
  ) {
    this.#connections = connections;
    this.#topicIds = known.topicIds;
    this.#leaderEpoch = known.leaderEpoch;
  }

  #at(broker: number): ClientConnection {
    return this.#connections.get(broker) as ClientConnection;
  }

  #epoch({ epoch = null }: Place): number {
    return epoch === null ? -1 : this.#leaderEpoch + epoch;
  }

  async #fetch(broker: number, place: Place & { rack: string; topic: string; version: number }) {
    const { offset = 0, rack: rackId, topic, version } = place;
    const wanted = {
      ...{ partition: 0, fetchOffset: offset, partitionMaxBytes: 100_000 },
      currentLeaderEpoch: this.#epoch(place),
    };
    const topicId = this.#topicIds.get(topic) ?? '';
    const { responses } = await this.#at(broker).request(
      fetch,
      {
        ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, rackId },
        topics: [{ topic, topicId, partitions: [wanted] }],
      },
      { versionMax: version },
    );
    return responses[0]?.partitions[0];
  }

  /** Consumers: what they get, and to whom they are sent. */
  async fetch(
    broker: number,
    {
      rack = '',
      topic = 't',
      version = 18,
      ...place
    }: Place & {
      rack?: string;
      topic?: string;
      version?: number;
    } = {},
  ): Promise<void> {
    const found = await this.#fetch(broker, { ...place, rack, topic, version });
    const { offset = 0, epoch = null } = place;
    const asked = `fetch v${version} ${topic} at ${broker} rack=${rack} offset=${offset}`;
    const bytes = found?.records?.length ?? 0;
    this.answers.push(
      `${asked} epoch=${epoch ?? '-'}: ${errorName(found?.errorCode ?? -1)} ` +
        `to=${found?.preferredReadReplica} watermark=${found?.highWatermark} ` +
        `start=${found?.logStartOffset} records=${bytes > 0 ? 'yes' : 'no'}`,
    );
  }

  /** @param timestamp negative ones are places */
  async list(
    broker: number,
    timestamp: number,
    {
      replicaId = -1,
      topic = 't',
      version = 10,
      ...place
    }: Place & {
      replicaId?: number;
      topic?: string;
      version?: number;
    } = {},
  ): Promise<void> {
    const currentLeaderEpoch = this.#epoch(place);
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch, timestamp }];
    const { topics } = await this.#at(broker).request(
      listOffsets,
      { replicaId, isolationLevel: 0, topics: [{ name: topic, partitions }] },
      { versionMax: version },
    );
    const found = topics[0]?.partitions[0];
    this.answers.push(
      `list v${version} ${topic} at ${broker} as=${replicaId} ${timestamp} ` +
        `epoch=${place.epoch ?? '-'}: ${errorName(found?.errorCode ?? -1)} offset=${found?.offset}`,
    );
  }

  async endOfEpoch(broker: number, place: Place & { of: number; topic?: string }): Promise<void> {
    const { topic = 't', of } = place;
    const leaderEpoch = this.#leaderEpoch + of;
    const wanted = { partition: 0, currentLeaderEpoch: this.#epoch(place), leaderEpoch };
    const { topics } = await this.#at(broker).request(offsetForLeaderEpoch, {
      ...{ replicaId: -1, topics: [{ topic, partitions: [wanted] }] },
    });
    const found = topics[0]?.partitions[0];
    this.answers.push(
      `epoch ${topic} at ${broker} epoch=${place.epoch ?? '-'} of=${of}: ` +
        `${errorName(found?.errorCode ?? -1)} end=${found?.endOffset}`,
    );
  }

  /** Until the followers have heard of the watermark. */
  async untilAllKnow(): Promise<void> {
    for (const broker of [2, 3]) {
      for (let waitedMs = 0; ; waitedMs += 100) {
        const place = { offset: 0, rack: '', topic: 't', version: 18 };
        const found = await this.#fetch(broker, place);
        if (found?.highWatermark === records) break;
        if (waitedMs > knownMsMax) throw new Error(`broker ${broker} does not follow`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}

/** Topic `t` is led by broker 1 and followed by 2 and 3; of `u`, broker 3 has no replica. */
async function prepare(cluster: TestCluster): Promise<void> {
  const admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
  const topics = await admin.createTopics([
    { name: 't', assignments: [[1, 2, 3]] },
    { name: 'u', assignments: [[1, 2]] },
  ]);
  for (const { error } of topics) if (error !== null) throw error;
  await admin.close();
  const producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: -1 });
  for (let at = 0; at < records; at++) await producer.send({ topic: 't', value: `${at}` });
  await producer.close();
}

export async function askReads(cluster: TestCluster): Promise<string[]> {
  await prepare(cluster);
  const connections = new Map<number, ClientConnection>();
  for (const id of cluster.brokerIds) {
    const [host = '', port] = cluster.addressOf(id).split(':');
    const address = { host, port: Number(port), clientId: 'reads' };
    connections.set(id, await ClientConnection.connect(io, address));
  }
  try {
    const names = [{ name: 't' }, { name: 'u' }];
    const leader = connections.get(1) as ClientConnection;
    const { topics } = await leader.request(metadata, { topics: names });
    const topicIds = new Map(topics.map(({ name, topicId }) => [name ?? '', topicId]));
    const leaderEpoch = topics[0]?.partitions[0]?.leaderEpoch ?? -1;
    const ask = new Questions(connections, { topicIds, leaderEpoch });
    await ask.untilAllKnow();
    await askAll(ask);
    return ask.answers;
  } finally {
    for (const connection of connections.values()) connection.close();
  }
}

async function askAll(ask: Questions): Promise<void> {
  for (const rack of ['', 'r1', 'r2', 'r3', 'r9']) {
    for (const offset of [0, records, records + 1]) await ask.fetch(1, { rack, offset });
    await ask.fetch(2, { rack });
  }
  for (const offset of [records, records + 1]) await ask.fetch(2, { rack: 'r2', offset });
  for (const epoch of [-1, 0, 1]) {
    for (const broker of [1, 2]) await ask.fetch(broker, { rack: 'r2', epoch });
  }
  for (const version of [10, 11, 12, 13]) {
    await ask.fetch(1, { rack: 'r2', version });
    await ask.fetch(2, { rack: 'r2', version });
  }
  await ask.fetch(3, { topic: 'u', rack: 'r3' });
  await ask.fetch(1, { topic: 'u', rack: 'r3' });
  for (const timestamp of [-1, -2, -3, -4, 0]) {
    for (const broker of [1, 2]) await ask.list(broker, timestamp);
  }
  await ask.list(2, -1, { replicaId: -2 });
  await ask.list(2, -1, { replicaId: 3 });
  await ask.list(3, -1, { topic: 'u' });
  for (const epoch of [-1, 0, 1])
    for (const broker of [1, 2]) await ask.list(broker, -1, { epoch });
  await ask.list(2, -1, { version: 1 });
  for (const broker of [1, 2]) {
    for (const of of [0, 1]) await ask.endOfEpoch(broker, { of });
    for (const epoch of [-1, 0, 1]) await ask.endOfEpoch(broker, { of: 0, epoch });
  }
  await ask.endOfEpoch(3, { of: 0, topic: 'u' });
}
