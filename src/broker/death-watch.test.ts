// A broker that watches another one that dies, or does not: what counts as a proof, and what
// becomes of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, World } from '../../sim/index.ts';
import type { Connection, Io, Log } from '../io/index.ts';
import { type BrokerRegistration, type ImageListener, MetadataImage } from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { DeathWatch } from './death-watch.ts';

const ports = [9092, 9093];

/** Broker 2 serves on two listeners. */
function imageOf(controllerId: number, id = 2): MetadataImage {
  const broker: BrokerRegistration = {
    ...{ id, epoch: 7, incarnationId: 'b', features: new Map(), rack: null, logDirs: [] },
    ...{ fenced: false, inControlledShutdown: false },
    listeners: ports.map((port) => ({ name: `L${port}`, host: 'b', port, securityProtocol: 0 })),
  };
  const empty = MetadataImage.empty('cluster');
  return new MetadataImage({ ...empty, controllerId, brokers: empty.brokers.set(id, broker) });
}

class Scene {
  readonly world = new World();
  readonly fenced: string[] = [];
  readonly expelled: string[] = [];
  readonly lines: string[] = [];
  fails = false;
  /** To be called with another image. */
  onImage: ImageListener = () => {};
  broker = this.startBroker();

  startBroker(served: readonly number[] = ports): SimProcess {
    return this.world.startProcess('b', async (io) => {
      for (const port of served) await io.network.listen({ host: '0.0.0.0', port }, () => {});
    });
  }

  /** Broker 1 does. */
  watch(image = imageOf(1)): void {
    this.world.startProcess('a', async (own) => {
      const warn = (line: string): void => void this.lines.push(line);
      const log: Log = { debug() {}, info() {}, warn, error: warn, child: () => log };
      const io: Io = { ...own, log };
      await io.clock.sleep(100);
      new DeathWatch(io, {
        nodeId: 1,
        metadata: {
          subscribe: (listener) => {
            this.onImage = listener;
            listener(image, null as never);
            return { close: () => {} };
          },
          fenceDead: async (id, epoch) => {
            this.fenced.push(`${id} of ${epoch}`);
            if (this.fails) throw new KafkaError('NOT_CONTROLLER', 'the store is away');
          },
        },
        store: {
          expel: async ({ nodeId, incarnationId }) => {
            this.expelled.push(`${nodeId} as ${incarnationId}`);
          },
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
  assert.deepEqual(at.expelled, []);
});

test('that a broker is dead is said once, however long it cannot be fenced', async () => {
  const at = new Scene();
  at.watch();
  await at.pass(5000);
  at.fails = true;
  at.broker.kill();
  await at.pass(55_000);
  assert.ok(at.fenced.length > 10);
  assert.deepEqual(at.lines, [
    'broker 2 refuses connections on every listener: it is dead',
    'broker 2 could not be fenced',
    'broker 2 could not be fenced',
  ]);
});

test('a controller whose process is gone is expelled within half a second', async () => {
  const at = new Scene();
  at.watch(imageOf(2));
  await at.pass(5000);
  assert.deepEqual(at.expelled, []);
  at.broker.kill();
  await at.pass(500);
  assert.deepEqual([at.expelled, at.fenced], [['2 as b'], []]);
});

test('who does not control leaves the others alone that do not either, and itself', async () => {
  const at = new Scene();
  at.watch(imageOf(3));
  at.broker.kill();
  await at.pass(5000);
  at.onImage(imageOf(1, 1), null as never);
  await at.pass(5000);
  assert.deepEqual([at.expelled, at.fenced], [[], []]);
});

test('who is elected while it watches the dead controller fences it', async () => {
  const at = new Scene();
  at.watch(imageOf(2));
  await at.pass(1000);
  at.broker.kill();
  await at.pass(500);
  at.onImage(imageOf(1), null as never);
  await at.pass(1000);
  assert.deepEqual([at.expelled, at.fenced[0]], [['2 as b'], '2 of 7']);
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
