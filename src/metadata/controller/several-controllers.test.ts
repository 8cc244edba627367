// Two nodes that stand for election at a store which loses messages and takes them for dead: what
// either of them answered holds, whoever is asked next.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { plain } from '../../../tests/doubles/metadata/controllers.ts';
import { type RemoteStore, StoreServer } from '../../../tests/doubles/metadata/remote-stores.ts';
import { Prng } from '../../base/prng.ts';
import { uuidFromBytes } from '../../base/uuid.ts';
import { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { ImageLoader } from '../image-loader.ts';
import { configRules } from './config-rules.ts';
import { MetadataController } from './metadata-controller.ts';

const steps = 120;

interface Node {
  readonly store: RemoteStore;
  readonly loader: ImageLoader;
  readonly controller: MetadataController;
}

async function startNode(io: Io, server: StoreServer, nodeId: number): Promise<Node> {
  const store = await server.connect();
  const loader = await ImageLoader.start(io, { store, bytesBetweenSnapshotsMax: 2000 });
  const rules = configRules(new BrokerConfig());
  const onBug = (error: Error): void => assert.fail(error);
  const make = () => new MetadataController(io, { nodeId, store, loader, rules, onBug });
  const node = { store, loader, controller: make() };
  // One whose start fails ends with its process, which is started again.
  const start = async (): Promise<void> => {
    await node.controller.start().catch(async (error: unknown) => {
      assert.ok(error instanceof KafkaError);
      await io.clock.sleep(100);
      node.controller = make();
      await start();
    });
  };
  // The second one waits for its turn.
  void start();
  await io.clock.sleep(100);
  return node;
}

class Story {
  readonly #io: Io;
  readonly #random: Prng;
  readonly #server: StoreServer;
  readonly #nodes: readonly Node[];
  /** Epochs by broker id, of registrations that were answered. */
  readonly #registered = new Map<number, number>();
  readonly #blocks: number[] = [];
  readonly #asked: Promise<void>[] = [];
  #brokerCount = 0;

  constructor(io: Io, random: Prng, server: StoreServer, nodes: readonly Node[]) {
    this.#io = io;
    this.#random = random;
    this.#server = server;
    this.#nodes = nodes;
  }

  async step(): Promise<void> {
    const random = this.#random;
    const node = this.#anyNode();
    const choice = random.float();
    if (choice < 0.25) this.#ask(this.#register(node));
    else if (choice < 0.45) for (const each of this.#nodes) this.#ask(this.#question(each));
    else if (choice < 0.55) this.#ask(this.#allocate(node));
    else if (choice < 0.8) await this.#io.clock.sleep(random.int(400));
    else if (choice < 0.86) {
      const request = random.pick([
        'append',
        'append',
        'confirm',
        'elect',
        'saveSnapshot',
      ] as const);
      const loss = random.pick(['request', 'answer', 'late'] as const);
      this.#server.lose(node.store, request, loss);
    } else if (choice < 0.88) this.#server.cut(node.store);
    else if (choice < 0.9) await this.#depose(node);
    else if (choice < 0.96) await this.#server.heal(node.store);
    else if (choice < 0.98) await this.#server.expire(1 + random.int(2));
    else await this.#server.deliverLate(node.store);
  }

  /** It is taken for dead, does not hear of it, and is asked what the other one has decided. */
  async #depose(node: Node): Promise<void> {
    const index = this.#nodes.indexOf(node);
    this.#server.cut(node.store);
    await this.#server.expire(1 + index);
    await this.#io.clock.sleep(500);
    await this.#register(this.#nodes[1 - index] as Node);
    await this.#question(node);
  }

  #anyNode(): Node {
    return this.#random.pick(this.#nodes as [Node, ...Node[]]);
  }

  #ask(asked: Promise<void>): void {
    this.#asked.push(asked);
    // Each is looked at in the end.
    asked.catch(() => {});
  }

  async #register({ controller, loader }: Node): Promise<void> {
    const brokerId = 1000 + this.#brokerCount++;
    const incarnationId = uuidFromBytes(this.#io.random.bytes(16), 0);
    const { clusterId } = loader.image;
    const request = { brokerId, clusterId, incarnationId, listeners: [] };
    const result = await controller.registerBroker(request).catch(unlessNotController);
    if (result !== null) this.#registered.set(brokerId, result.brokerEpoch);
  }

  /** Decided without records: a controller that was deposed might not know the broker. */
  async #question({ controller }: Node): Promise<void> {
    const known = [...this.#registered.keys()];
    if (known.length === 0) return;
    const brokerId = this.#random.chance(0.7) ? (known.at(-1) as number) : this.#random.pick(known);
    const request = { brokerId, brokerEpoch: -1 };
    try {
      await controller.allocateProducerIds(request);
      assert.fail('no broker has that epoch');
    } catch (error) {
      const { errorName } = error as KafkaError;
      assert.ok(['STALE_BROKER_EPOCH', 'NOT_CONTROLLER'].includes(errorName), `${error}`);
    }
  }

  async #allocate({ controller }: Node): Promise<void> {
    const [known] = this.#registered;
    if (known === undefined) return;
    const [brokerId, brokerEpoch] = known;
    const block = await controller
      .allocateProducerIds({ brokerId, brokerEpoch })
      .catch(unlessNotController);
    if (block !== null) this.#blocks.push(block.firstProducerId);
  }

  /** How many answers there were. */
  async end(): Promise<number> {
    const { store: first } = this.#nodes[0] as Node;
    for (const { store } of this.#nodes) {
      store.losses.clear();
      await this.#server.heal(store);
      await this.#server.deliverLate(store);
    }
    await this.#io.clock.sleep(120_000);
    await Promise.all(this.#asked);
    const active = this.#nodes.filter(({ controller }) => controller.isActive);
    assert.equal(active.length, 1, 'one of them is the controller');
    await this.#register(active[0] as Node);
    assert.ok(this.#registered.has(1000 + this.#brokerCount - 1), 'it decides');
    for (const { loader } of this.#nodes) {
      const { image } = loader;
      assert.equal(image.offset + 1, first.endOffset);
      for (const [id, epoch] of this.#registered) assert.equal(image.brokers.get(id)?.epoch, epoch);
    }
    const [one, other] = this.#nodes.map(({ loader }) => plain(loader.image));
    assert.deepEqual(one, other);
    assert.equal(new Set(this.#blocks).size, this.#blocks.length, 'no block is given twice');
    return this.#registered.size + this.#blocks.length;
  }
}

function unlessNotController(error: unknown): null {
  assert.equal((error as KafkaError).errorName, 'NOT_CONTROLLER');
  return null;
}

test('what a controller answered holds, whatever is lost and whoever comes next', async () => {
  let answers = 0;
  for (let seed = 0; seed < 25; seed++) {
    await simulate(
      async (io) => {
        const server = await StoreServer.open(io);
        const nodes = [await startNode(io, server, 1), await startNode(io, server, 2)];
        const story = new Story(io, new Prng(`controllers/${seed}`), server, nodes);
        for (let step = 0; step < steps; step++) await story.step();
        answers += await story.end();
        for (const { controller } of nodes) await controller.close();
      },
      { seed },
    ).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
  }
  assert.ok(answers > 200, `${answers} answers`);
});
