// Addresses that a broker announces to a cluster: which of them could lead nobody to it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BrokerRegistration, MetadataImage } from '../metadata/index.ts';
import { assertAddresses } from './member-addresses.ts';

const endpoint = (host: string, port = 9092) => {
  return { name: 'PLAINTEXT', host, port, securityProtocol: 0 };
};

function imageWith(host: string, fenced = false): MetadataImage {
  const broker: BrokerRegistration = {
    ...{ id: 2, epoch: 1, incarnationId: 'b', features: new Map(), rack: null, logDirs: [] },
    ...{ fenced, inControlledShutdown: false, listeners: [endpoint(host)] },
  };
  const empty = MetadataImage.empty('cluster');
  return new MetadataImage({ ...empty, brokers: empty.brokers.set(2, broker) });
}

function refusal(host: string, image: MetadataImage, ...storeHosts: string[]): string {
  try {
    assertAddresses([endpoint(host)], { nodeId: 1, image, storeHosts });
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
}

test('an address of no machine is refused', () => {
  const image = MetadataImage.empty('cluster');
  for (const host of ['0.0.0.0', '::', '']) {
    assert.match(refusal(host, image), /leads nobody to this broker: .* advertised\.listeners$/);
  }
  assert.equal(refusal('a', image), 'none');
});

test('an address that another living broker has announced is refused', () => {
  assert.match(refusal('b', imageWith('b')), /broker 2, which is alive, has announced b:9092/);
  assert.equal(refusal('b', imageWith('b', true)), 'none');
  assert.equal(refusal('c', imageWith('b')), 'none');
});

test('an address of this machine only is refused where others are on other machines', () => {
  const alone = MetadataImage.empty('cluster');
  assert.match(refusal('localhost', alone, '10.0.0.1'), /the store is at 10\.0\.0\.1/);
  assert.equal(refusal('localhost', alone, '127.0.0.1'), 'none');
  assert.match(refusal('127.0.0.1', imageWith('b')), /broker 2 is at b/);
  assert.equal(refusal('127.0.0.1', imageWith('localhost')), 'none');
});
