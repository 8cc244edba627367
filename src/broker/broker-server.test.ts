// The server of a broker before there is a broker to serve.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { loadBrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import type { ServerConnection } from '../network/index.ts';
import { LogResources } from '../storage/index.ts';
import { BrokerServer } from './broker-server.ts';
import { DescriptorBudget } from './descriptor-budget.ts';
import { quotasOf } from './quotas/index.ts';

function open(io: Io, listeners: string): Promise<BrokerServer> {
  const { config } = loadBrokerConfig({ overrides: [['listeners', listeners]] });
  return BrokerServer.open(io, config, {
    descriptors: new DescriptorBudget(io.disk.descriptorsMax()),
    resources: new LogResources(io),
    quotas: quotasOf(io, config),
  });
}

const frame = Buffer.from([0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);

test('what comes before anybody serves waits, and is served first', () =>
  simulate(async (io) => {
    const server = await open(io, 'PLAINTEXT://0.0.0.0:9092');
    const early = await io.network.connect({ host: 'host', port: 9092 });
    early.write([frame]);
    await io.clock.sleep(1000);
    const served: string[] = [];
    server.serve((connection: ServerConnection) => {
      const name = `connection ${served.length}`;
      served.push(name);
      connection.onFrame = (bytes, exchange) => {
        served.push(`${name} asked ${bytes.length}`);
        exchange.skip();
      };
    });
    assert.deepEqual(served, ['connection 0', 'connection 0 asked 8']);
    const late = await io.network.connect({ host: 'host', port: 9092 });
    late.write([frame]);
    await io.clock.sleep(100);
    assert.deepEqual(served.slice(2), ['connection 2', 'connection 2 asked 8']);
    for (const each of [early, late]) each.destroy();
    await server.abandon();
  }));

test('when one listener cannot be bound the others are let go of', () =>
  simulate(async (io) => {
    const other = await open(io, 'PLAINTEXT://0.0.0.0:9093');
    const both = 'PLAINTEXT://0.0.0.0:9092,SECOND://0.0.0.0:9093';
    const { config } = loadBrokerConfig({
      overrides: [
        ['listeners', both],
        ['listener.security.protocol.map', 'PLAINTEXT:PLAINTEXT,SECOND:PLAINTEXT'],
      ],
    });
    const parts = {
      descriptors: new DescriptorBudget(io.disk.descriptorsMax()),
      resources: new LogResources(io),
      quotas: quotasOf(io, config),
    };
    await assert.rejects(BrokerServer.open(io, config, parts), /9093.*in use/);
    const free = await open(io, 'PLAINTEXT://0.0.0.0:9092');
    await Promise.all([free.abandon(), other.abandon()]);
  }));
