// A metadata log that Apache Kafka began is continued: what only Kafka's quorum writes is passed
// over, and what it relied on and we do not serve is switched off.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import { encodeStruct } from '../../protocol/index.ts';
import { LogResources } from '../../storage/index.ts';
import { LocalStore } from '../engines/local/local-store.ts';
import { openLocalMetadata } from '../open-local-metadata.ts';
import type { Metadata } from '../open-metadata.ts';
import { encodeRecord, type MetadataRecord, structOfRecord } from '../records/index.ts';

const clusterId = 'clusterAAAAAAAAAAAAAAA';
const topicId = 'topicAAAAAAAAAAAAAAAAA';

function feature(name: string, featureLevel: number): MetadataRecord {
  return { type: 'FeatureLevelRecord', name, featureLevel };
}

function broker(brokerId: number, fenced: boolean): MetadataRecord {
  const endPoints = [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }];
  const incarnationId = `${String(brokerId).padStart(21, 'B')}A`;
  const fields = { brokerId, incarnationId, brokerEpoch: brokerId, endPoints, features: [] };
  return { type: 'RegisterBrokerRecord', ...fields, rack: null, fenced, logDirs: [] };
}

function partition(partitionId: number, replicas: number[]): MetadataRecord {
  const none = { removingReplicas: [], addingReplicas: [] };
  const state = { leader: replicas[0] as number, leaderEpoch: 4, partitionEpoch: 9 };
  const directories = replicas.map(() => ZERO_UUID);
  const where = { topicId, partitionId, replicas, isr: replicas, directories };
  return { type: 'PartitionRecord', ...where, ...none, ...state };
}

/** A log with these batches of records, as a process that died left it. */
async function leave(io: Io, ...batches: (MetadataRecord | Buffer)[][]): Promise<void> {
  const store = await LocalStore.open(io, {
    directory: '/data',
    clusterId,
    resources: new LogResources(io),
  });
  const { epoch } = await store.elect({ nodeId: 1, onLost: () => {} }).term;
  for (const records of batches) {
    const bytes = records.map((each) => (Buffer.isBuffer(each) ? each : encodeRecord(each)));
    await store.append(bytes, {
      expectedEnd: store.endOffset,
      controllerEpoch: epoch,
    });
  }
  await store.close();
}

function open(io: Io): Promise<Metadata> {
  const config = new BrokerConfig();
  return openLocalMetadata(io, { directory: '/data', clusterId, nodeId: 1, config });
}

function register(metadata: Metadata) {
  return metadata.controller.registerBroker({
    brokerId: 1,
    clusterId,
    incarnationId: ''.padStart(21, 'C').concat('A'),
    listeners: [],
    fenced: false,
    wasCleanShutdown: true,
  });
}

test('features that are not served are switched off, those of the records stay', () =>
  simulate(async (io) => {
    const share = [feature('share.version', 1), feature('group.version', 1)];
    await leave(io, [feature('metadata.version', 30), ...share]);
    const metadata = await open(io);
    const { features } = metadata.image();
    assert.deepEqual([...features].sort(), [
      ['group.version', 1],
      ['metadata.version', 30],
    ]);
    await metadata.close();
  }));

test('a log of a release that is not known is refused, and left as it is', () =>
  simulate(async (io) => {
    await leave(io, [feature('metadata.version', 99)]);
    await assert.rejects(open(io), /of metadata.version 99; up to 33 are known/);
  }));

test('partitions without ISR are led by who was an eligible leader when it registers', () =>
  simulate(async (io) => {
    const topic: MetadataRecord = { type: 'TopicRecord', name: 't', topicId };
    const struct = structOfRecord('PartitionChangeRecord');
    const change = { topicId, partitionId: 0, isr: [], leader: -1 };
    const eligible = { eligibleLeaderReplicas: [1], lastKnownElr: [1] };
    // Version 2 of the record has the eligible leaders; ours writes version 1.
    const head = Buffer.from([1, 5, 2]);
    const stop = Buffer.concat([head, encodeStruct(struct, 2, { ...change, ...eligible })]);
    await leave(io, [broker(1, true), topic, partition(0, [1]), stop]);
    const metadata = await open(io);
    await register(metadata);
    const { leader, isr } = metadata.image().partition('t', 0) ?? {};
    assert.deepEqual({ leader, isr }, { leader: 1, isr: [1] });
    await metadata.close();
  }));

test('brokers of the log that do not live are fenced, and others lead in their place', () =>
  simulate(async (io) => {
    const topic: MetadataRecord = { type: 'TopicRecord', name: 't', topicId };
    const brokers = [broker(1, false), broker(2, false), broker(3, false)];
    await leave(io, [...brokers, topic, partition(0, [2, 3, 1]), partition(1, [3, 2])]);
    const metadata = await open(io);
    await register(metadata);
    const image = metadata.image();
    const fenced = [...image.brokers.values()].filter((each) => each.fenced).map(({ id }) => id);
    assert.deepEqual(fenced.sort(), [2, 3]);
    const states = image.topic('t')?.partitions.map(({ leader, isr }) => ({ leader, isr }));
    // Partition 1 has no replica here: its last member keeps it, leaderless.
    assert.equal(states?.[0]?.leader, 1);
    assert.deepEqual(states?.[0]?.isr, [1]);
    assert.equal(states?.[1]?.leader, -1);
    await metadata.close();
  }));

test('a transaction of the log counts when it ended, and never when it did not', () =>
  simulate(async (io) => {
    const begin: MetadataRecord = { type: 'BeginTransactionRecord', name: 'a decision' };
    const named = (name: string, id: string): MetadataRecord => {
      return { type: 'TopicRecord', name, topicId: id.padEnd(22, 'A') };
    };
    await leave(
      io,
      [begin, named('ended', 'x')],
      [{ type: 'EndTransactionRecord' }, begin, named('aborted', 'y')],
      [{ type: 'AbortTransactionRecord', reason: null }, begin],
      [named('open', 'z')],
    );
    for (let life = 0; life < 2; life++) {
      const metadata = await open(io);
      assert.deepEqual([...metadata.image().topicsByName.keys()], ['ended']);
      if (life === 0) await metadata.controller.createTopics({ topics: [] });
      await metadata.close();
    }
  }));
