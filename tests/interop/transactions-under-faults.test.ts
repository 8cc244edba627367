// Transactional writers and copiers (consume, transform, produce) of several clients on one
// broker, killed at random and so is the broker; then everybody is left in peace and everything is
// read: no transaction is lost, doubled, half visible or visible though aborted, and every copy is
// its input, once and in order. The copiers' input is what the writers committed.
//
//   TRANSACTIONS_SECONDS=120   how long they are haunted
//   TRANSACTIONS_SEED=…        what the nemesis does when; printed
//   INTEROP_PRODUCT=kafka      the same over Apache Kafka

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import type { ClientProgram } from './client-program.ts';
import { confluentClient, javaClients } from './client-programs.ts';
import { hasKafka, hasKcat, kafkaToolCommand } from './toolchain.ts';
import {
  readByKcat,
  type SteadyReader,
  steadyKcat,
  steadyOurs,
  steadyProgram,
} from './transactional/committed-readers.ts';
import { Nemesis } from './transactional/nemesis.ts';
import {
  startTransactionBroker,
  type TransactionBroker,
} from './transactional/transaction-broker.ts';
import {
  judgeCopy,
  judgeReader,
  judgeTransactions,
  type SeenRecord,
  type Transaction,
  TransactionLog,
} from './transactional/transaction-judge.ts';
import {
  type CopyingClient,
  franzCopier,
  javaTransactions,
  ourTransactions,
  pythonTransactions,
  type TransactionalClient,
} from './transactional/transactional-clients.ts';
import { Worker } from './transactional/worker.ts';

const seconds = Number(process.env.TRANSACTIONS_SECONDS ?? 120);
const seed = process.env.TRANSACTIONS_SEED ?? String(Date.now());
const topics = { ledger: 3, journal: 2 };
const input = 'ledger';
const clients = [...javaTransactions, pythonTransactions, ourTransactions];
const [newestJava] = javaTransactions as [TransactionalClient];
const settleMs = 90_000;

interface Copying {
  readonly client: CopyingClient | null;
  readonly worker: Worker;
  readonly output: string;
  /** Copies one partition only. */
  readonly partition?: number;
}

class Workload {
  readonly broker: TransactionBroker;
  readonly logs: { readonly worker: Worker; readonly log: TransactionLog }[] = [];
  readonly copiers: Copying[] = [];
  readonly readers: SteadyReader[] = [];
  readonly programs: ClientProgram[] = [];

  constructor(broker: TransactionBroker) {
    this.broker = broker;
  }

  get workers(): Worker[] {
    return [...this.logs, ...this.copiers].map(({ worker }) => worker);
  }

  get servers(): string {
    return this.broker.bootstrapServers;
  }

  addWriter(client: TransactionalClient): void {
    const transactionalId = `writer-${this.logs.length}`;
    const log = new TransactionLog(transactionalId);
    const worker = new Worker({
      name: `writer of ${client.name}`,
      command: (incarnation) =>
        client.writer({ servers: this.servers, transactionalId, incarnation, topics }),
      onLine: (incarnation, line) => log.on(incarnation, line),
    });
    this.logs.push({ worker, log });
  }

  /** Members of one group, which copy to one topic. */
  addCopier(client: CopyingClient, output: string, members = 1): void {
    for (let member = 0; member < members; member++) {
      const transactionalId = `${output}-${member}`;
      const at = { servers: this.servers, transactionalId, group: output, input, output };
      const name = `copier ${member} of ${client.name}`;
      const worker = new Worker({ name, command: () => client.copier(at) });
      this.copiers.push({ client, worker, output });
    }
  }

  /** Kafka's own; it ends when it has copied what was there when it began, and begins again. */
  addMessageCopier(output: string, partition?: number): void {
    const how = partition === undefined ? ['--group-mode', '--use-group-metadata'] : [];
    const command = kafkaToolCommand('transactional-message-copier', [
      ...['--broker-list', this.servers, '--transactional-id', output, '--consumer-group', output],
      ...['--input-topic', input, '--input-partition', String(partition ?? -1)],
      ...['--output-topic', output, '--transaction-size', '50', '--transaction-timeout', '10000'],
      ...['--enable-random-aborts', ...how],
    ]);
    const name = ['TransactionalMessageCopier', ...how].join(' ');
    const worker = new Worker({ name, command: async () => command });
    this.copiers.push({ client: null, worker, output, partition });
  }

  async start(): Promise<void> {
    const java = await (javaClients[0] as (typeof javaClients)[0]).start(this.servers);
    const python = await confluentClient.start(this.servers);
    this.programs.push(java, python);
    for (const [topic, partitions] of Object.entries(topics)) await java.create(topic, partitions);
    for (const output of new Set(this.copiers.map((copier) => copier.output))) {
      await java.create(output, topics[input]);
    }
    this.readers.push(steadyKcat(this.servers, Object.keys(topics)));
    this.readers.push(await steadyProgram('the Java client', java, topics));
    this.readers.push(await steadyOurs(this.servers, topics));
    await Promise.all(this.workers.map((worker) => worker.start()));
  }

  async dispose(): Promise<void> {
    for (const worker of this.workers) worker.dispose();
    for (const reader of this.readers) await reader.dispose();
    for (const program of this.programs) await program.kill();
    await this.broker.dispose();
  }

  transactions(): Map<string, Transaction> {
    return new Map(this.logs.flatMap(({ log }) => [...log.transactions]));
  }
}

async function eventually(what: () => string, isTrue: () => boolean | Promise<boolean>) {
  for (const startMs = performance.now(); !(await isTrue()); ) {
    if (performance.now() - startMs > settleMs) assert.fail(`not in ${settleMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Everybody gets on with their work again, then the writers stop and the copiers catch up. */
async function settle(workload: Workload): Promise<void> {
  const committed = workload.logs.map(({ log }) => log.count('committed'));
  await eventually(
    () => 'every writer commits again',
    () => workload.logs.every(({ log }, at) => log.count('committed') > (committed[at] as number)),
  );
  await Promise.all(workload.logs.map(({ worker }) => worker.finish(settleMs)));
  const all = await readByKcat(workload.servers, input);
  for (const copier of workload.copiers) {
    const expected = inputOf(all, copier.partition).length;
    const startMs = performance.now();
    let isDeaf = copier.client?.goesDeafWithItsBroker === true;
    await eventually(
      () => `${copier.worker} has caught up: ${copier.worker.tail}`,
      async () => {
        const copied = await readByKcat(workload.servers, copier.output);
        if (isDeaf && performance.now() - startMs > settleMs / 3) {
          isDeaf = false;
          copier.worker.kill();
        }
        return copied.length >= expected;
      },
    );
  }
}

function inputOf(all: readonly SeenRecord[], partition?: number): SeenRecord[] {
  return all.filter(
    (record) => partition === undefined || record.partition === `${input}-${partition}`,
  );
}

async function judge(t: TestContext, workload: Workload): Promise<void> {
  const { servers } = workload;
  const inTheEnd: Record<string, SeenRecord[]> = {};
  for (const topic of Object.keys(topics)) inTheEnd[topic] = await readByKcat(servers, topic);

  await t.test('no transaction is lost, doubled, half visible or visible though aborted', () => {
    const seen = Object.values(inTheEnd).flat();
    none(judgeTransactions(workload.transactions(), seen));
    const committed = workload.logs.map(({ log }) => log.count('committed'));
    const sum = committed.reduce((x, y) => x + y);
    assert.ok(sum > seconds / 2, `only ${committed} transactions: that proves little`);
  });
  for (const { worker, output, partition } of workload.copiers) {
    await t.test(`what ${worker.name} wrote is its input, once and in order`, async () => {
      none(
        judgeCopy(
          inputOf(inTheEnd[input] as SeenRecord[], partition),
          await readByKcat(servers, output),
        ),
      );
    });
  }
  const python = await steadyProgram(
    'confluent-kafka',
    workload.programs[1] as ClientProgram,
    topics,
  );
  for (const reader of [...workload.readers, { ...python, name: 'confluent-kafka' }]) {
    await t.test(`${reader.name} sees the same`, async () => {
      for (const [topic, records] of Object.entries(inTheEnd)) {
        await eventually(
          () => `${reader.name} has read ${topic}`,
          async () => {
            return (await reader.seen(topic)).length >= records.length;
          },
        );
        none(judgeReader(reader.name, await reader.seen(topic), records));
      }
    });
  }
}

function none(problems: string[]): void {
  const shown = problems.slice(0, 20).join('\n  ');
  assert.equal(problems.length, 0, `${problems.length} problems, seed ${seed}:\n  ${shown}`);
}

const name = `transactions hold under ${seconds} s of kills, seed ${seed}`;
test(name, { timeout: (seconds + 240) * 1_000 }, async (t) => {
  if (
    !hasKcat(t) ||
    !hasKafka(t) ||
    ![...clients, franzCopier].every((client) => client.isPresent(t))
  )
    return;
  const workload = new Workload(await startTransactionBroker());
  try {
    for (const client of clients) workload.addWriter(client);
    workload.addCopier(newestJava, 'copied-by-java', 2);
    workload.addCopier(pythonTransactions, 'copied-by-python');
    workload.addCopier(ourTransactions, 'copied-by-ours');
    workload.addCopier(franzCopier, 'copied-by-franz');
    workload.addMessageCopier('copied-by-kafka');
    workload.addMessageCopier('copied-by-kafka-assigned', 0);
    await workload.start();
    const nemesis = new Nemesis(new Prng(seed), workload);
    await nemesis.haunt(seconds * 1_000);
    t.diagnostic(JSON.stringify(nemesis.counts));
    await settle(workload);
    await judge(t, workload);
  } finally {
    for (const worker of workload.workers) t.diagnostic(String(worker));
    await workload.dispose();
  }
});
