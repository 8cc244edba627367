// For tests of what a cluster of three brokers decides: its controller and a topic `t` of one
// partition on all of them, led by 1.

import type { Uuid } from '../../../src/base/uuid.ts';
import type { BrokerHeartbeatResult } from '../../../src/metadata/controller/api.ts';
import { fenceBroker, registerBroker } from '../../../src/metadata/controller/brokers.ts';
import { brokerHeartbeat } from '../../../src/metadata/controller/heartbeats.ts';
import { createTopics } from '../../../src/metadata/controller/topics.ts';
import type { PartitionImage } from '../../../src/metadata/image.ts';
import { TEST_CLUSTER_ID, TestController, type TestControllerOptions } from './controllers.ts';

export interface ThreeBrokersOptions extends TestControllerOptions {
  /** Of `t`. Default: min.insync.replicas=2. */
  readonly configs?: readonly { readonly name: string; readonly value: string }[];
}

export class ThreeBrokers {
  readonly controller: TestController;
  readonly topicId: Uuid;

  constructor(options: ThreeBrokersOptions = {}) {
    const { configs = [{ name: 'min.insync.replicas', value: '2' }] } = options;
    this.controller = new TestController(options);
    for (const id of [1, 2, 3]) this.controller.addBroker(id);
    this.topicId = this.create('t', [[1, 2, 3]], configs);
  }

  /** @param replicas of each partition */
  create(
    name: string,
    replicas: readonly (readonly number[])[],
    configs: ThreeBrokersOptions['configs'] = [],
  ): Uuid {
    const assignments = replicas.map((brokerIds, partitionIndex) => ({
      partitionIndex,
      brokerIds,
    }));
    const [topic] = this.controller.decide((m) =>
      createTopics(m, { topics: [{ name, assignments, configs }] }),
    );
    return topic?.topicId as Uuid;
  }

  epochOf(brokerId: number): number {
    return this.controller.image.brokers.get(brokerId)?.epoch ?? -1;
  }

  partition(topic = 't', index = 0): PartitionImage {
    return this.controller.image.partition(topic, index) as PartitionImage;
  }

  /** Leader, ISR, eligible replicas and last known leader. */
  members(topic = 't', index = 0) {
    const { leader, isr, eligibleLeaderReplicas, lastKnownElr } = this.partition(topic, index);
    return [leader, isr, eligibleLeaderReplicas, lastKnownElr];
  }

  fence(...ids: number[]): void {
    for (const id of ids) this.controller.decide((m) => fenceBroker(m, id));
  }

  /** A new process under the id, fenced; it serves with its first heartbeat. */
  restart(brokerId: number, isClean: boolean): void {
    const previousBrokerEpoch = isClean ? this.epochOf(brokerId) : -1;
    const incarnationId = this.controller.uuid();
    const process = { brokerId, clusterId: TEST_CLUSTER_ID, incarnationId, listeners: [] };
    this.controller.decide((m) =>
      registerBroker(m, { ...process, previousBrokerEpoch }, { incarnationId: null }),
    );
  }

  heartbeat(brokerId: number, more: object = {}): BrokerHeartbeatResult {
    const brokerEpoch = this.epochOf(brokerId);
    const currentMetadataOffset = this.controller.machine.endOffset - 1;
    const request = { brokerId, brokerEpoch, currentMetadataOffset, ...more };
    return this.controller.decide((m) => brokerHeartbeat(m, request));
  }
}
