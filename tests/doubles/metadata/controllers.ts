// For tests of decisions: a machine whose decisions are replayed at once, as the runtime does, and
// which checks that they also survive being written and read back.

import { Prng } from '../../../src/base/prng.ts';
import { uuidFromBytes } from '../../../src/base/uuid.ts';
import { BrokerConfig } from '../../../src/config/index.ts';
import type { Decision } from '../../../src/machine/index.ts';
import type { ItemResult } from '../../../src/metadata/controller/api.ts';
import { registerBroker } from '../../../src/metadata/controller/brokers.ts';
import { type ConfigRules, configRules } from '../../../src/metadata/controller/config-rules.ts';
import { ControllerMachine } from '../../../src/metadata/controller/controller-machine.ts';
import { ELR_FEATURE } from '../../../src/metadata/controller/features.ts';
import { MetadataDelta } from '../../../src/metadata/delta.ts';
import { type ImageParts, MetadataImage } from '../../../src/metadata/image.ts';
import {
  decodeRecord,
  encodeRecord,
  type MetadataRecord,
} from '../../../src/metadata/records/index.ts';
import { type ErrorName, errorName } from '../../../src/protocol/index.ts';

export const TEST_CLUSTER_ID = 'testClusterIdAAAAAAAAA';

export interface TestControllerOptions {
  readonly seed?: number | string;
  readonly rules?: Partial<ConfigRules>;
  /** Whether who left a too small ISR may lead again (KIP-966), as in new clusters. */
  readonly isElrEnabled?: boolean;
}

export class TestController {
  readonly machine: ControllerMachine;
  /** Everything decided, as bytes. */
  readonly log: Buffer[] = [];
  readonly #random: Prng;

  constructor(options: TestControllerOptions = {}) {
    const random = new Prng(options.seed ?? 1);
    this.#random = random;
    const rules = { ...configRules(new BrokerConfig()), ...options.rules };
    this.machine = new ControllerMachine(MetadataImage.empty(TEST_CLUSTER_ID), { rules, random });
    if (options.isElrEnabled === false) return;
    const feature = { name: ELR_FEATURE, featureLevel: 1 };
    this.decide(() => ({
      records: [{ type: 'FeatureLevelRecord', ...feature }],
      response: null,
    }));
  }

  get image(): MetadataImage {
    return this.machine.image;
  }

  decide<T>(decide: (machine: ControllerMachine) => Decision<MetadataRecord, T>): T {
    const { records, response } = decide(this.machine);
    for (const record of records) {
      this.log.push(encodeRecord(record));
      this.machine.replay(record, this.machine.endOffset);
    }
    return response;
  }

  uuid(): string {
    return uuidFromBytes(this.#random.bytes(16), 0);
  }

  /** Registers brokers that serve at once; the epoch of each is returned. */
  addBroker(brokerId: number, rack: string | null = null, fenced = false): number {
    const request = {
      brokerId,
      clusterId: TEST_CLUSTER_ID,
      incarnationId: this.uuid(),
      listeners: [{ name: 'PLAINTEXT', host: `b${brokerId}`, port: 9092, securityProtocol: 0 }],
      rack,
      fenced,
    };
    return this.decide((machine) => registerBroker(machine, request, { incarnationId: null }))
      .brokerEpoch;
  }

  /** The image that a broker has after reading the log in batches of this size. */
  replayed(batchSize: number): MetadataImage {
    let image = MetadataImage.empty(TEST_CLUSTER_ID);
    for (let i = 0; i < this.log.length; i += batchSize) {
      const delta = new MetadataDelta(image);
      const batch = this.log.slice(i, i + batchSize);
      for (const bytes of batch) delta.replay(decodeRecord(bytes));
      image = delta.apply({ endOffset: i + batch.length, controllerEpoch: 1, controllerId: 1 });
    }
    return image;
  }
}

/** The name of an item's error; undefined when it succeeded. */
export function errorNameOf(result: ItemResult | undefined): ErrorName | undefined {
  const code = result?.error?.code;
  return code === undefined ? undefined : errorName(code);
}

/** An image as plain values, in an order that does not depend on its history. */
export function plain(image: MetadataImage): Record<string, unknown> {
  const sorted = (entries: Iterable<readonly [unknown, unknown]>): unknown[] =>
    [...entries].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  const parts: ImageParts = image;
  return {
    brokers: sorted(parts.brokers),
    topicsByName: sorted(parts.topicsByName),
    topicsById: sorted(parts.topicsById),
    partitionCount: parts.partitionCount,
    configs: sorted(parts.configs).map((entry) => {
      const [key, values] = entry as [string, ReadonlyMap<string, string>];
      return [key, sorted(values)];
    }),
    quotas: sorted(parts.quotas),
    features: sorted(parts.features),
    nextProducerId: parts.nextProducerId,
    scram: sorted(parts.scram),
    acls: sorted(parts.acls),
    tokens: sorted(parts.tokens),
  };
}
