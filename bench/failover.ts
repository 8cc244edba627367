// How long is a producer held up when the leader of its partition is killed? A partition of three
// replicas, acks=all, so many records a second; kill -9 of the leader; the figures are the times to
// the first acknowledgement of a record that was sent afterwards, and until clients are told of
// another leader. Ours and Apache Kafka in turns.

import { Admin, Producer } from '../src/client/index.ts';
import type { TestCluster } from './clusters.ts';
import { awaitPartitions, createReplicated, productsOf, quiet, withCluster } from './clusters.ts';
import { printChecksum, Rounds } from './figures.ts';
import { parseFlags } from './flags.ts';

const defaults = { rounds: 10, products: 'partita,kafka', heap: '512m', rate: 500, seconds: 2 };

const topic = 'failover';
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const rounds = new Rounds();
  let acknowledged = 0;
  const blockRounds = Math.ceil(flags.rounds / 2);
  for (let done = 0; done < flags.rounds; done += blockRounds) {
    for (const product of productsOf(flags)) {
      await withCluster(product, flags, async (cluster, admin) => {
        await createReplicated(cluster, admin, topic);
        for (let round = done; round < Math.min(flags.rounds, done + blockRounds); round++) {
          acknowledged += await measure(cluster, { ...flags, admin, rounds });
        }
      });
    }
  }
  rounds.print();
  rounds.printRatios('partita', 'kafka');
  // How many it were is the machine's doing; that there were any is what two runs have in common.
  printChecksum(Math.min(1, acknowledged));
}

interface Failover {
  readonly admin: Admin;
  readonly rounds: Rounds;
  readonly rate: number;
  readonly seconds: number;
}

/** Sends at a steady rate, whatever is acknowledged. */
class SteadyLoad {
  /** Of the first record sent after the mark that was acknowledged; null: none was yet. */
  firstAfterMarkMs: number | null = null;
  acknowledged = 0;
  #markMs = Number.POSITIVE_INFINITY;
  readonly #producer: Producer;
  readonly #timer: NodeJS.Timeout;

  constructor(servers: string, rate: number) {
    const options = { bootstrapServers: servers, acks: 'all', deliveryTimeoutMs: 120_000 } as const;
    this.#producer = new Producer(options, quiet);
    let sent = 0;
    const beganMs = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - beganMs) * rate) / 1000;
      for (; sent < due; sent++) this.#send();
    }, 1);
  }

  #send(): void {
    const sentMs = performance.now();
    this.#producer.send({ topic, partition: 0, value: 'x'.repeat(100) }).then(
      () => {
        this.acknowledged++;
        if (sentMs > this.#markMs) this.firstAfterMarkMs ??= performance.now();
      },
      (error: Error) => console.log(`a record is lost: ${error.message}`),
    );
  }

  mark(): void {
    this.#markMs = performance.now();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#producer.close();
  }
}

async function measure(cluster: TestCluster, failover: Failover): Promise<number> {
  const { admin, rounds, rate, seconds } = failover;
  const load = new SteadyLoad(cluster.bootstrapServers, rate);
  await sleep(seconds * 1000);
  const leader = await leaderOf(admin);
  // One that a client asks who has never heard of the old leader's address.
  const others = cluster.brokerIds.filter((id) => id !== leader);
  const bootstrapServers = others.map((id) => cluster.addressOf(id)).join(',');
  const asking = new Admin({ bootstrapServers }, quiet);
  load.mark();
  const killedMs = performance.now();
  await cluster.end(leader, 'SIGKILL');
  while ([leader, -1].includes(await leaderOf(asking))) await sleep(5);
  const toldMs = performance.now() - killedMs;
  while (load.firstAfterMarkMs === null) await sleep(1);
  rounds.add(`${cluster.product} failover`, {
    ackMs: load.firstAfterMarkMs - killedMs,
    newLeaderMs: toldMs,
  });
  await asking.close();
  await cluster.startBroker(leader);
  await awaitPartitions(admin, ({ isr, replicas }) => isr === replicas, 1);
  await load.close();
  return load.acknowledged;
}

/** -1: nobody is known. */
async function leaderOf(admin: Admin): Promise<number> {
  const [described] = await admin.describeTopics([topic]).catch(() => []);
  return described?.partitions[0]?.leader ?? -1;
}
