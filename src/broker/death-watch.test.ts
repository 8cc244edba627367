// A controller and a broker that dies, or does not: what counts as a proof.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, World } from '../../sim/index.ts';
import type { Connection, Io } from '../io/index.ts';
import { type BrokerRegistration, MetadataImage } from '../metadata/index.ts';
import { DeathWatch } from './death-watch.ts';

const ports = [9092, 9093];

/** Broker 1 controls; broker 2 serves on two listeners. */
function imageOf(epoch: number): MetadataImage {
  const broker: BrokerRegistration = {
    ...{ id: 2, epoch, incarnationId: 'b', features: new Map(), rack: null, logDirs: [] },
    ...{ fenced: false, inControlledShutdown: false },
    listeners: ports.map((port) => ({ name: `L${port}`, host: 'b', port, securityProtocol: 0 })),
  };
  const empty = MetadataImage.empty('cluster');
  return new MetadataImage({ ...empty, controllerId: 1, brokers: empty.brokers.set(2, broker) });
}

class Scene {
  readonly world = new World();
  readonly fenced: string[] = [];
  broker = this.startBroker();

  startBroker(served: readonly number[] = ports): SimProcess {
    return this.world.startProcess('b', async (io) => {
      for (const port of served) await io.network.listen({ host: '0.0.0.0', port }, () => {});
    });
  }

  watch(): void {
    this.world.startProcess('a', async (io) => {
      await io.clock.sleep(100);
      new DeathWatch(io, {
        nodeId: 1,
        metadata: {
          image: () => imageOf(7),
          subscribe: (listener) => {
            listener(imageOf(7), null as never);
            return { close: () => {} };
          },
          fenceDead: async (id, epoch) => void this.fenced.push(`${id} of ${epoch}`),
        },
        connect: () => connect(io),
        onBug: (error) => this.world.fail(error),
      });
    });
  }

  pass(ms: number): Promise<void> {
    return this.world.run(this.world.loop.timeMs + ms);
  }
}

async function connect(io: Io) {
  const raw: Connection = await io.network.connect({ host: 'b', port: 9092, timeoutMs: 5000 });
  const connection = {
    isClosed: false,
    onClose: (_: Error): void => {},
    close: () => raw.destroy(),
  };
  raw.onClose = (error) => {
    connection.isClosed = true;
    connection.onClose(error ?? new Error('closed'));
  };
  return connection;
}

test('a broker whose process is gone is fenced within a second', async () => {
  const at = new Scene();
  at.watch();
  await at.pass(5000);
  assert.deepEqual(at.fenced, []);
  at.broker.kill();
  await at.pass(1000);
  assert.equal(at.fenced[0], '2 of 7');
});

test('a broker that is back at once is not, and neither is one with a listener left', async () => {
  for (const left of [ports, [9093]]) {
    const at = new Scene();
    at.watch();
    await at.pass(1000);
    at.broker.kill();
    at.startBroker(left);
    await at.pass(20_000);
    assert.deepEqual(at.fenced, []);
  }
});

test('a cut proves nothing, though the connection is given up', async () => {
  const at = new Scene();
  at.watch();
  await at.pass(1000);
  at.world.network.partition(['a'], ['b']);
  at.world.network.resetConnections('a', 'b');
  await at.pass(60_000);
  assert.deepEqual(at.fenced, []);
});
