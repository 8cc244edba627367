// Our decisions, asked the steps of a sequence, in the words of KafkaController.java.

import { type Uuid, uuidFromBytes } from '../../../src/base/uuid.ts';
import { alterPartition } from '../../../src/metadata/controller/alter-partition.ts';
import { AlterConfigOp, type ItemResult } from '../../../src/metadata/controller/api.ts';
import {
  fenceBroker,
  registerBroker,
  unregisterBroker,
} from '../../../src/metadata/controller/brokers.ts';
import { incrementalAlterConfigs } from '../../../src/metadata/controller/configs.ts';
import { assignReplicasToDirs } from '../../../src/metadata/controller/directories.ts';
import { brokerHeartbeat } from '../../../src/metadata/controller/heartbeats.ts';
import {
  electLeaders,
  electUncleanLeaders,
  rebalanceLeaders,
} from '../../../src/metadata/controller/leaders.ts';
import { createPartitions } from '../../../src/metadata/controller/partitions.ts';
import { alterReassignments } from '../../../src/metadata/controller/reassignments.ts';
import { DirectoryId } from '../../../src/metadata/controller/registered-broker.ts';
import { createTopics, deleteTopics } from '../../../src/metadata/controller/topics.ts';
import { type PartitionImage, ResourceType } from '../../../src/metadata/image.ts';
import { errorName, KafkaError } from '../../../src/protocol/index.ts';
import {
  errorNameOf,
  TEST_CLUSTER_ID,
  TestController,
} from '../../doubles/metadata/controllers.ts';

type Words = readonly string[];

export class OwnController {
  readonly #controller: TestController;
  /** Broker epochs by id, the newest last. */
  readonly #epochs = new Map<number, number[]>();

  constructor(isElrEnabled: boolean) {
    this.#controller = new TestController({ isElrEnabled });
  }

  play(line: string): string {
    return `${this.#answer(line.split(' '))} | ${this.#state()}`;
  }

  #answer(words: Words): string {
    try {
      return this.#ask(words);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return error.errorName;
    }
  }

  #ask(words: Words): string {
    const [kind, first = ''] = words;
    const controller = this.#controller;
    switch (kind) {
      case 'register':
        return this.#register(words);
      case 'fence':
        controller.decide((m) => fenceBroker(m, Number(first)));
        return 'NONE';
      case 'heartbeat':
        return this.#heartbeat(words);
      case 'unregister':
        controller.decide((m) => unregisterBroker(m, Number(first)));
        return 'NONE';
      case 'alter':
        return this.#alter(words);
      case 'elect':
        return this.#elect(words);
      case 'reassign':
        return this.#reassign(words);
      case 'directory':
        return this.#directory(words);
      case 'balance':
        while (controller.decide((m) => rebalanceLeaders(m)));
        return 'NONE';
      case 'config':
        return this.#config(words);
      default:
        return this.#topics(words);
    }
  }

  #epoch(brokerId: number, which: string | undefined): number {
    const all = this.#epochs.get(brokerId) ?? [];
    return which === 'none' ? -1 : (all.at(which === 'old' ? -2 : -1) ?? -1);
  }

  #register([, id, incarnation, previous, directories]: Words): string {
    const brokerId = Number(id);
    const request = {
      ...{ brokerId, clusterId: TEST_CLUSTER_ID, listeners: [] },
      incarnationId: numberedUuid(2000, Number(incarnation)),
      previousBrokerEpoch: this.#epoch(brokerId, previous),
      logDirs: directoriesOf(directories),
    };
    const { brokerEpoch } = this.#controller.decide((m) =>
      registerBroker(m, request, { incarnationId: null }),
    );
    const epochs = this.#epochs.get(brokerId) ?? [];
    this.#epochs.set(brokerId, [...epochs, brokerEpoch]);
    return 'NONE';
  }

  #heartbeat([, id, epoch, offset, wants = '', offline]: Words): string {
    const brokerId = Number(id);
    const { machine } = this.#controller;
    const answer = this.#controller.decide((m) =>
      brokerHeartbeat(m, {
        brokerId,
        brokerEpoch: this.#epoch(brokerId, epoch),
        currentMetadataOffset: offset === 'all' ? machine.endOffset - 1 : -1,
        wantFence: wants.includes('f'),
        wantShutDown: wants.includes('s'),
        offlineLogDirs: directoriesOf(offline),
      }),
    );
    const { isCaughtUp, isFenced, shouldShutDown } = answer;
    return `caughtUp ${isCaughtUp} fenced ${isFenced} shutDown ${shouldShutDown}`;
  }

  #topics([kind, name = '', second = '', ...rest]: Words): string {
    const controller = this.#controller;
    if (kind === 'delete') {
      const [deleted] = controller.decide((m) => deleteTopics(m, { topics: [{ name }] }));
      const error = nameOf(deleted);
      // Kafka looks the name up before the controller is asked.
      return error === 'UNKNOWN_TOPIC_OR_PARTITION' ? 'UNKNOWN_TOPIC_ID' : error;
    }
    if (kind === 'add') {
      const assignments = assignmentsOf(rest[0] ?? '');
      const topics = [{ name, count: Number(second), assignments }];
      return nameOf(controller.decide((m) => createPartitions(m, { topics }))[0]);
    }
    const assignments = assignmentsOf(second).map((brokerIds, partitionIndex) => {
      return { partitionIndex, brokerIds };
    });
    const configs = rest.map((pair) => {
      const [key = '', value = ''] = pair.split('=');
      return { name: key, value };
    });
    const topics = [{ name, assignments, configs }];
    return nameOf(controller.decide((m) => createTopics(m, { topics }))[0]);
  }

  #topicId(name: string): Uuid {
    return this.#controller.image.topic(name)?.id ?? numberedUuid(9, 9);
  }

  #alter([, topic = '', index, by, members = '', leader, partition, recovery]: Words): string {
    const partitionIndex = Number(index);
    const now = this.#controller.image.partition(topic, partitionIndex);
    const brokerId = by === 'leader' ? (now?.leader ?? 1) : Number(by);
    const alteration = {
      topicId: this.#topicId(topic),
      partitionIndex,
      leaderEpoch: (now?.leaderEpoch ?? 0) + Number(leader),
      partitionEpoch: (now?.partitionEpoch ?? 0) + Number(partition),
      leaderRecoveryState: Number(recovery) as 0 | 1,
      newIsr: members.split(',').map((member) => {
        const [id, which] = member.split(':');
        return { brokerId: Number(id), brokerEpoch: this.#epoch(Number(id), which) };
      }),
    };
    const brokerEpoch = this.#epoch(brokerId, 'now');
    const request = { brokerId, brokerEpoch, partitions: [alteration] };
    const [result] = this.#controller.decide((m) => alterPartition(m, request));
    const made = result?.partition ?? null;
    if (made === null) return nameOf(result);
    return (
      `NONE leader ${made.leader} epoch ${made.leaderEpoch} isr [${made.isr.join(', ')}] ` +
      `partitionEpoch ${made.partitionEpoch} recovery ${made.leaderRecoveryState}`
    );
  }

  #elect([, type, topic = '', index]: Words): string {
    const partitions = topic === 'all' ? null : [{ topic, partition: Number(index) }];
    const request = { type: type as 'preferred' | 'unclean', partitions };
    return this.#controller
      .decide((m) => electLeaders(m, request))
      .map((result) => `${result.topic}-${result.partition} ${nameOf(result)}`)
      .sort()
      .join(', ');
  }

  #reassign([, topic = '', index, target = '', factor]: Words): string {
    const replicas = target === 'cancel' ? null : numbersOf(target);
    const request = {
      partitions: [{ topic, partition: Number(index), replicas }],
      allowReplicationFactorChange: factor === 'any',
    };
    return nameOf(this.#controller.decide((m) => alterReassignments(m, request))[0]);
  }

  #directory([, id, epoch, topic = '', index, directory = '']: Words): string {
    const brokerId = Number(id);
    const topicId = this.#topicId(topic);
    const at = { topicId, partitionIndex: Number(index) };
    const replicas = [{ ...at, directoryId: directoryId(directory) }];
    const request = { brokerId, brokerEpoch: this.#epoch(brokerId, epoch), replicas };
    return nameOf(this.#controller.decide((m) => assignReplicasToDirs(m, request))[0]);
  }

  #config([, name = '', key = '', value = '']: Words): string {
    const resource =
      name === '*' ? { type: ResourceType.BROKER, name: '' } : { type: ResourceType.TOPIC, name };
    const op = value === '-' ? AlterConfigOp.DELETE : AlterConfigOp.SET;
    const resources = [{ ...resource, ops: [{ name: key, value, op }] }];
    const controller = this.#controller;
    const [result] = controller.decide((m) => incrementalAlterConfigs(m, { resources }));
    const isThere = errorNameOf(result) !== 'UNKNOWN_TOPIC_OR_PARTITION';
    if (key.startsWith('unclean') && isThere) controller.decide((m) => electUncleanLeaders(m));
    return nameOf(result);
  }

  #state(): string {
    const { image } = this.#controller;
    const brokers = [...image.brokers.values()].sort((a, b) => a.id - b.id);
    const parts = brokers.map(({ id, fenced, inControlledShutdown, logDirs }) => {
      const state = `${fenced ? ' fenced' : ''}${inControlledShutdown ? ' stopping' : ''}`;
      return `b${id}${state} ${logDirs.map(directoryName).sort().join(',')}`;
    });
    const topics = [...image.topics()].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name, partitions } of topics) {
      for (const [index, each] of partitions.entries()) parts.push(shown(`${name}-${index}`, each));
    }
    return parts.join('; ');
  }
}

function shown(name: string, partition: PartitionImage): string {
  const { replicas, isr, eligibleLeaderReplicas: elr, lastKnownElr, directories } = partition;
  const { addingReplicas, removingReplicas } = partition;
  return (
    `${name} replicas ${replicas} isr ${isr} elr ${sorted(elr)} last ${lastKnownElr} ` +
    `adding ${sorted(addingReplicas)} removing ${sorted(removingReplicas)} ` +
    `leader ${partition.leader} epoch ${partition.leaderEpoch} ` +
    `partitionEpoch ${partition.partitionEpoch} recovery ${partition.leaderRecoveryState} ` +
    `dirs ${directories.map(directoryName)}`
  );
}

const sorted = (ids: readonly number[]): number[] => [...ids].sort((a, b) => a - b);

function nameOf(result: ItemResult | undefined): string {
  return errorNameOf(result) ?? errorName(0);
}

function numbersOf(word: string): number[] {
  return word.split(',').map(Number);
}

function assignmentsOf(word: string): number[][] {
  return word.split('/').map(numbersOf);
}

function numberedUuid(high: number, low: number): Uuid {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64BE(BigInt(high), 0);
  bytes.writeBigInt64BE(BigInt(low), 8);
  return uuidFromBytes(bytes, 0);
}

function directoriesOf(word = '-'): Uuid[] {
  return word === '-' ? [] : word.split(',').map(directoryId);
}

function directoryId(name: string): Uuid {
  return name === 'lost' ? DirectoryId.LOST : numberedUuid(1000, Number(name));
}

function directoryName(id: Uuid): string {
  for (const [name, reserved] of Object.entries(DirectoryId)) {
    if (id === reserved) return name.toLowerCase();
  }
  return String(Buffer.from(id, 'base64url').readBigInt64BE(8));
}
