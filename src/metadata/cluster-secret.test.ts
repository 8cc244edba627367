// The secret of a cluster: made once where it is needed, and named by no request.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { TEST_CLUSTER_ID } from '../../tests/doubles/metadata/controllers.ts';
import { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { clusterSecret } from './cluster-secret.ts';
import { openLocalMetadata } from './open-local-metadata.ts';
import type { Metadata } from './open-metadata.ts';

function open(io: Io, texts: Readonly<Record<string, string>>): Promise<Metadata> {
  const given = Object.entries(texts).map(([key, text]) => {
    return [key, { text, origin: 'file' as const }] as const;
  });
  const config = new BrokerConfig({ static: new Map(given) });
  return openLocalMetadata(io, {
    directory: '/data',
    clusterId: TEST_CLUSTER_ID,
    nodeId: 1,
    config,
  });
}

const scram = {
  listeners: 'SASL_PLAINTEXT://:9092',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
};

test('a cluster has one as soon as users of SCRAM are asked for, and keeps it', () =>
  simulate(async (io) => {
    const none = await open(io, { listeners: 'PLAINTEXT://:9092' });
    assert.equal(clusterSecret(none.image()), null);
    await none.close();
    const plain = await open(io, { ...scram, 'sasl.enabled.mechanisms': 'PLAIN' });
    assert.equal(clusterSecret(plain.image()), null);
    await plain.close();
    const first = await open(io, scram);
    const secret = clusterSecret(first.image());
    assert.equal(Buffer.from(secret ?? '', 'base64').length, 32);
    await first.close();
    const second = await open(io, scram);
    assert.equal(clusterSecret(second.image()), secret);
    await second.close();
  }));

test('no request reads or changes it', () =>
  simulate(async (io) => {
    const metadata = await open(io, scram);
    const secret = clusterSecret(metadata.image());
    const resource = { type: 0, name: 'partita' };
    const value = { name: 'cluster.secret', value: 'x' };
    const { controller } = metadata;
    const results = [
      ...(await controller.alterConfigs({ resources: [{ ...resource, configs: [value] }] })),
      ...(await controller.incrementalAlterConfigs({
        resources: [{ ...resource, ops: [{ ...value, op: 0 }] }],
      })),
    ];
    assert.deepEqual(
      results.map(({ error }) => error?.code),
      [42, 42],
    );
    assert.equal(clusterSecret(metadata.image()), secret);
    await metadata.close();
  }));
