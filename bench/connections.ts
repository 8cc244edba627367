// How many connections, groups and partitions one broker serves at once, and what clients that
// never read cost it: idle and active connections, groups of one member (every other one of the
// consumer protocol), a steady load of small batches, heartbeats; then readers that ask and never
// read. Rates and latencies are those of this one client process, which shares the machine.

import { assert } from '../src/base/assert.ts';
import { createNodeIo, type Io } from '../src/io/index.ts';
import { ClientConnection } from '../src/network/index.ts';
import {
  encodeRequest,
  errorName,
  findCoordinator,
  metadata,
  produce,
} from '../src/protocol/index.ts';
import { BrokerProcess } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { parseFlags } from './flags.ts';
import { GroupMember } from './group-member.ts';
import {
  createTopic,
  fetchFrame,
  prepareBatch,
  produceFrame,
  produceVersion,
  type Target,
  WireClient,
} from './wire-client.ts';

const defaults = {
  idle: 5000,
  active: 200,
  groups: 1000,
  partitions: 10_000,
  'per-topic': 1000,
  seconds: 20,
  'batches-per-s': 5,
  'unread-mib': 128,
};

type Options = typeof defaults;

/** Connections that are opened at a time. */
const openingMax = 64;
const heartbeatMs = 1000;
/** What a broker of ours holds for one client: its largest fetch, and answers that wait. */
const boundMib = 55 + 4;

export async function run(args: readonly string[]): Promise<void> {
  const options = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'off' });
  const config = { 'group.initial.rebalance.delay.ms': '0', 'max.connections': '20000' };
  const broker = await BrokerProcess.prepare(io, 'partita', { config });
  const rounds = new Rounds();
  try {
    await broker.start();
    rounds.add('ready', { rssMib: broker.residentMib() });
    await createPartitions(io, broker, options);
    rounds.add(`${options.partitions} partitions`, { rssMib: broker.residentMib() });
    const idle = await openConnections(io, broker, options.idle, rounds);
    const active = await openConnections(io, broker, options.active, rounds);
    const members = await joinGroups(io, broker, active, options.groups);
    rounds.add(`${options.groups} groups`, { rssMib: broker.residentMib() });
    const load = new Load(io, { broker, active, members, options });
    await load.run('steady load', options.seconds, rounds);
    await neverRead(io, { broker, load, options, rounds });
    rounds.print();
    for (const connection of [...idle, ...active]) connection.close();
    printChecksum(options.idle + options.active + members.length);
  } finally {
    await broker.dispose();
  }
}

async function createPartitions(io: Io, broker: BrokerProcess, options: Options): Promise<void> {
  const topics = Math.ceil(options.partitions / options['per-topic']);
  for (let i = 0; i < topics; i++) {
    await createTopic(io, target(broker, `t${i}`), options['per-topic']);
  }
  await createTopic(io, target(broker, 'unread'));
}

function target({ host, port }: BrokerProcess, topic: string): Target {
  return { host, port, topic };
}

async function openConnections(
  io: Io,
  { host, port }: BrokerProcess,
  count: number,
  rounds: Rounds,
): Promise<ClientConnection[]> {
  const beganMs = performance.now();
  const connections: ClientConnection[] = [];
  while (connections.length < count) {
    const batch = Math.min(openingMax, count - connections.length);
    const opened = Array.from({ length: batch }, () =>
      ClientConnection.connect(io, { host, port, clientId: 'bench' }),
    );
    connections.push(...(await Promise.all(opened)));
  }
  const seconds = (performance.now() - beganMs) / 1000;
  rounds.add(`open ${count} connections`, { 'accepted/s': count / seconds });
  return connections;
}

async function joinGroups(
  io: Io,
  broker: BrokerProcess,
  active: readonly ClientConnection[],
  count: number,
): Promise<GroupMember[]> {
  const { host, port } = broker;
  const one = await ClientConnection.connect(io, { host, port, clientId: 'bench' });
  // The first question makes the topic of the groups.
  for (;;) {
    const body = { keyType: 0, coordinatorKeys: ['g0'] };
    const { coordinators } = await one.request(findCoordinator, body);
    if (coordinators[0]?.errorCode === 0) break;
    await io.clock.sleep(50);
  }
  one.close();
  const members: GroupMember[] = [];
  for (let from = 0; from < count; from += openingMax) {
    const ids = Array.from({ length: Math.min(openingMax, count - from) }, (_, i) => from + i);
    const joining = ids.map((id) =>
      GroupMember.join(
        active[id % active.length] as ClientConnection,
        `g${id}`,
        id % 2 === 0 ? null : 't0',
      ),
    );
    members.push(...(await Promise.all(joining)));
  }
  return members;
}

interface LoadParts {
  readonly broker: BrokerProcess;
  readonly active: readonly ClientConnection[];
  readonly members: readonly GroupMember[];
  readonly options: Options;
}

/** What goes on all the time: every active connection produces, every member beats. */
class Load {
  readonly #io: Io;
  readonly #parts: LoadParts;
  readonly #batch = prepareBatch(1024, 100).bytes;

  constructor(io: Io, parts: LoadParts) {
    this.#io = io;
    this.#parts = parts;
  }

  async run(name: string, seconds: number, rounds: Rounds): Promise<void> {
    const { broker, active, members, options } = this.#parts;
    const untilMs = performance.now() + seconds * 1000;
    const beats: number[] = [];
    const produces: number[] = [];
    const produceMs = 1000 / options['batches-per-s'];
    let rssMib = broker.residentMib();
    const watch = this.#repeat(untilMs, [0, 200], async () => {
      rssMib = Math.max(rssMib, broker.residentMib());
    });
    await Promise.all([
      watch,
      ...members.map((member, i) =>
        this.#repeat(untilMs, [i % heartbeatMs, heartbeatMs], async () => {
          await timed(beats, () => member.beat());
        }),
      ),
      ...active.map((connection, i) =>
        this.#repeat(untilMs, [i % produceMs, produceMs], async () => {
          await timed(produces, () => this.#produce(connection, i));
        }),
      ),
    ]);
    rounds.add(name, {
      rssMib,
      'heartbeats/s': beats.length / seconds,
      beatP50Ms: quantile(beats, 0.5),
      beatP99Ms: quantile(beats, 0.99),
      'produces/s': produces.length / seconds,
      produceP50Ms: quantile(produces, 0.5),
      produceP99Ms: quantile(produces, 0.99),
    });
  }

  async #produce(connection: ClientConnection, i: number): Promise<void> {
    const { options } = this.#parts;
    const topics = Math.ceil(options.partitions / options['per-topic']);
    const partitionData = [{ index: i % options['per-topic'], records: this.#batch }];
    const body = {
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: `t${i % topics}`, partitionData }],
    };
    const answer = await connection.request(produce, body, { versionMax: produceVersion });
    const errorCode = answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
    if (errorCode !== 0) throw new Error(`produce: ${errorName(errorCode)}`);
  }

  /** Once per interval, the first time after the delay; late ones are not made up for. */
  async #repeat(
    untilMs: number,
    [delayMs, intervalMs]: readonly [number, number],
    task: () => Promise<void>,
  ): Promise<void> {
    await this.#io.clock.sleep(delayMs);
    while (performance.now() < untilMs) {
      const beganMs = performance.now();
      await task();
      await this.#io.clock.sleep(Math.max(1, intervalMs - (performance.now() - beganMs)));
    }
  }
}

async function timed(into: number[], task: () => Promise<void>): Promise<void> {
  const beganMs = performance.now();
  await task();
  into.push(performance.now() - beganMs);
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

interface Unread {
  readonly broker: BrokerProcess;
  readonly load: Load;
  readonly options: Options;
  readonly rounds: Rounds;
}

/** Clients that ask for much and never read, while the load goes on. */
async function neverRead(io: Io, { broker, load, options, rounds }: Unread): Promise<void> {
  const unread = target(broker, 'unread');
  const batch = prepareBatch(1024 * 1024, 1024);
  const count = options['unread-mib'];
  const writer = await WireClient.connect(io, unread);
  await writer.exchange(count, 4, () => produceFrame(unread, batch, 1));
  writer.close();
  await io.clock.sleep(1000);
  const seconds = Math.max(1, options.seconds / 4);
  const all = { topics: null, allowAutoTopicCreation: false };
  const header = { correlationId: 1, clientId: 'bench' };
  const frames: readonly [string, number, Buffer][] = [
    ['one fetch of 100 MiB', 1, fetchFrame(unread, 0, 100 * 1024 * 1024)],
    ['100 fetches of 100 MiB', 100, fetchFrame(unread, 0, 100 * 1024 * 1024)],
    ['5000 requests for metadata', 5000, Buffer.concat(encodeRequest(metadata, 9, header, all))],
  ];
  for (const [name, times, frame] of frames) {
    const beforeMib = broker.residentMib();
    const connection = await io.network.connect(unread);
    connection.pause();
    connection.write(Array.from({ length: times }, () => frame));
    const measured = new Rounds();
    await load.run(name, seconds, measured);
    const figures = measured.medians(name);
    rounds.add(`${name}, never read`, {
      grownMib: (figures.rssMib as number) - beforeMib,
      ...figures,
    });
    connection.destroy();
    assert(
      (figures.rssMib as number) - beforeMib < 3 * boundMib,
      `${name} made the broker grow beyond its bound`,
    );
    await io.clock.sleep(500);
  }
}
