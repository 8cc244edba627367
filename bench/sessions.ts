// What does an append cost for which a consumer waits, when the fetch session of that consumer has
// so many other partitions, in which nothing happens? Produces one batch after the other to one
// partition of a topic and fetches each in a session over all of its partitions; the figure is the
// processor time of the broker for a batch in and out.

import { createNodeIo, type Io } from '../src/io/index.ts';
import { ClientConnection } from '../src/network/index.ts';
import { errorName, fetch } from '../src/protocol/index.ts';
import { BrokerProcess } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { countsOf, parseFlags } from './flags.ts';
import {
  createTopic,
  fetchVersion,
  prepareBatch,
  producedOffset,
  produceFrame,
  WireClient,
} from './wire-client.ts';

const defaults = { rounds: 3, counts: '10,10000', requests: 5000, 'batch-bytes': 1024 };

const topic = 'followed';

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const rounds = new Rounds();
  let records = 0;
  for (const count of countsOf(flags)) {
    records += await measure(io, rounds, { ...flags, count });
  }
  rounds.print();
  printChecksum(records);
}

async function measure(
  io: Io,
  rounds: Rounds,
  load: { count: number; requests: number; 'batch-bytes': number },
): Promise<number> {
  const { count, requests } = load;
  const broker = await BrokerProcess.prepare(io, 'partita');
  try {
    await broker.start();
    const { host, port } = broker;
    await createTopic(io, { host, port, topic }, count);
    const batch = prepareBatch(load['batch-bytes'], 100);
    const frame = produceFrame({ host, port, topic }, batch, 1);
    const producer = await WireClient.connect(io, { host, port });
    const follower = await Follower.connect(io, { host, port, partitions: count });
    let bytes = 0;
    const inAndOut = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        const read = follower.next();
        const offset = producedOffset(await producer.exchange(1, 1, () => frame));
        bytes += await read;
        follower.moveTo(offset + batch.recordCount);
      }
    };
    await inAndOut(Math.ceil(requests / 10));
    const beganMs = performance.now();
    const beforeMs = broker.processorMs();
    await inAndOut(requests);
    rounds.add(`${count} partitions`, {
      'broker-cpu-us/batch': ((broker.processorMs() - beforeMs) * 1000) / requests,
      'batches/s': (requests * 1000) / (performance.now() - beganMs),
    });
    follower.close();
    producer.close();
    return bytes;
  } finally {
    await broker.dispose();
  }
}

/** A consumer of every partition of the topic, of which the first gets records. */
class Follower {
  readonly #connection: ClientConnection;
  #sessionId = 0;
  #sessionEpoch = 0;
  /** What the next request names: at first all, then what moved. */
  #topics: { topic: string; partitions: ReturnType<typeof wanted>[] }[];

  private constructor(connection: ClientConnection, partitions: number) {
    this.#connection = connection;
    const all = Array.from({ length: partitions }, (_, index) => wanted(index, 0));
    this.#topics = [{ topic, partitions: all }];
  }

  static async connect(
    io: Io,
    { partitions, ...address }: { host: string; port: number; partitions: number },
  ): Promise<Follower> {
    const connection = await ClientConnection.connect(io, { ...address, clientId: 'bench' });
    const follower = new Follower(connection, partitions);
    // Opens the session, and finds out that nothing is there yet.
    await follower.#fetch(0);
    await follower.#fetch(0);
    return follower;
  }

  /** Resolves with the bytes of the next records. */
  async next(): Promise<number> {
    for (;;) {
      const bytes = await this.#fetch(10_000);
      if (bytes > 0) return bytes;
    }
  }

  moveTo(offset: number): void {
    this.#topics = [{ topic, partitions: [wanted(0, offset)] }];
  }

  async #fetch(maxWaitMs: number): Promise<number> {
    const topics = this.#topics;
    this.#topics = [];
    const answer = await this.#connection.request(
      fetch,
      {
        maxWaitMs,
        minBytes: 1,
        sessionId: this.#sessionId,
        sessionEpoch: this.#sessionEpoch,
        topics,
        forgottenTopicsData: [],
      },
      { versionMax: fetchVersion },
    );
    if (answer.errorCode !== 0) throw new Error(`fetch: ${errorName(answer.errorCode)}`);
    this.#sessionId = answer.sessionId;
    this.#sessionEpoch++;
    const found = answer.responses.flatMap(({ partitions }) => partitions);
    return found.reduce((sum, { records }) => sum + (records?.length ?? 0), 0);
  }

  close(): void {
    this.#connection.close();
  }
}

function wanted(partition: number, fetchOffset: number) {
  return { partition, fetchOffset, partitionMaxBytes: 1024 * 1024 };
}
