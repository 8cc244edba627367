// Transactions of foreign clients, a situation each: what a commit, an abort, a time-out, a second
// producer of the same id and a member that is no longer in its group do, and what the readers of
// committed records see of it meanwhile.
//
// INTEROP_PRODUCT=kafka runs them over Apache Kafka.

import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { ClientProgram } from './client-program.ts';
import { type ClientKind, javaClients } from './client-programs.ts';
import { newTopic } from './running-clients.ts';
import { hasKcat, kcat } from './toolchain.ts';
import { readByKcat } from './transactional/committed-readers.ts';
import {
  startTransactionBroker,
  type TransactionBroker,
} from './transactional/transaction-broker.ts';
import {
  javaTransactions,
  ourTransactions,
  pythonTransactions,
  type TransactionalClient,
} from './transactional/transactional-clients.ts';

const newest = javaClients[0] as ClientKind;
const clients = [...javaTransactions, pythonTransactions, ourTransactions];

let broker: TransactionBroker;
let java: ClientProgram;
const transactors = new Map<TransactionalClient, Promise<ClientProgram>>();
let ids = 0;

/** A topic with two partitions. */
async function createTopic(name: string): Promise<string> {
  const topic = newTopic(name);
  await java.create(topic, 2);
  return topic;
}

async function committedValues(topic: string): Promise<string[]> {
  return (await readByKcat(broker.bootstrapServers, topic)).map(({ value }) => value).sort();
}

async function becomeCommitted(topic: string, ...values: string[]): Promise<void> {
  let seen: string[] = [];
  for (const startMs = performance.now(); performance.now() - startMs < 20_000; ) {
    seen = await committedValues(topic);
    if (seen.join() === values.join()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual(seen, values);
}

/** A transactional producer of a client; the names of its methods are those of its requests. */
class Transactional {
  readonly #program: ClientProgram;
  readonly #name = `p${++ids}`;

  private constructor(program: ClientProgram) {
    this.#program = program;
  }

  static async open(
    client: TransactionalClient,
    id: string,
    properties: Readonly<Record<string, string>> = {},
  ): Promise<Transactional> {
    const program = await transactorOf(client);
    const producer = new Transactional(program);
    const pairs = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
    await program.ask('open', producer.#name, id, pairs.join());
    return producer;
  }

  begin(): Promise<unknown> {
    return this.#program.ask('begin', this.#name);
  }

  async send(topic: string, partition: number, ...values: string[]): Promise<void> {
    await this.#program.ask('send', this.#name, topic, String(partition), ...values);
  }

  async sendOffsets(member: string, topic: string, offset: number): Promise<void> {
    await this.#program.ask('offsets', this.#name, member, topic, '0', String(offset));
  }

  async sendStaleOffsets(of: readonly string[], topic: string, offset: number): Promise<void> {
    await this.#program.ask('stale-offsets', this.#name, ...of, topic, '0', String(offset));
  }

  commit(): Promise<unknown> {
    return this.#program.ask('commit', this.#name);
  }

  abort(): Promise<unknown> {
    return this.#program.ask('abort', this.#name);
  }

  close(): Promise<unknown> {
    return this.#program.ask('close', this.#name);
  }

  /** One that is fenced may say so again. */
  async abandon(): Promise<void> {
    await this.close().catch(() => {});
  }
}

function transactorOf(client: TransactionalClient): Promise<ClientProgram> {
  const program = transactors.get(client) ?? client.transactor(broker.bootstrapServers);
  transactors.set(client, program);
  return program;
}

/** Some error, by the name that the client has for it. */
async function rejects(call: Promise<unknown>, names: RegExp): Promise<void> {
  await assert.rejects(call, (error: Error) => {
    assert.match(error.name, names, error.message);
    return true;
  });
}

async function joined(client: TransactionalClient, group: string, topic: string) {
  const member = `m${++ids}`;
  const lines = await (await transactorOf(client)).ask('joined', member, group, topic, '');
  const [, memberId = '', generation = ''] = lines[0] ?? [];
  return { member, memberId, generation };
}

/** 0 if nothing is committed. */
async function committedOffset(client: TransactionalClient, of: string): Promise<number> {
  const lines = await (await transactorOf(client)).ask('committed', of);
  return Number(lines[0]?.[1]);
}

function describeTransactions(client: TransactionalClient): void {
  const isPresent = (t: TestContext): boolean =>
    client.isPresent(t) && newest.isPresent(t) && hasKcat(t);
  const isJava = client !== pythonTransactions;

  describe(`transactions of ${client.name}`, () => {
    test('are seen whole once they are committed, and not before', async (t) => {
      if (!isPresent(t)) return;
      const topic = await createTopic('committed');
      const producer = await Transactional.open(client, topic);
      await producer.begin();
      await producer.send(topic, 0, 'a', 'b');
      await producer.send(topic, 1, 'c');
      assert.deepEqual(await committedValues(topic), []);
      await producer.commit();
      await becomeCommitted(topic, 'a', 'b', 'c');
      await producer.close();
    });

    test('are never seen if they are aborted', async (t) => {
      if (!isPresent(t)) return;
      const topic = await createTopic('aborted');
      const producer = await Transactional.open(client, topic);
      await producer.begin();
      await producer.send(topic, 0, 'a', 'b');
      await producer.abort();
      await producer.begin();
      await producer.send(topic, 0, 'c');
      await producer.commit();
      await becomeCommitted(topic, 'c');
      assert.equal((await java.read(topic, 'beginning', 3)).length, 3, 'uncommitted');
      await producer.close();
    });

    test('may be empty', async (t) => {
      if (!isPresent(t)) return;
      const topic = await createTopic('empty');
      const producer = await Transactional.open(client, topic);
      for (const end of ['commit', 'abort'] as const) {
        await producer.begin();
        await producer[end]();
      }
      await producer.begin();
      await producer.send(topic, 0, 'a');
      await producer.commit();
      await becomeCommitted(topic, 'a');
      await producer.close();
    });

    test('hold back what other producers send behind them', async (t) => {
      if (!isPresent(t)) return;
      const topic = await createTopic('stable');
      const producer = await Transactional.open(client, topic);
      await java.produce(topic, [{ key: null, value: 'before' }]);
      await producer.begin();
      await producer.send(topic, 0, 'within');
      await java.produce(topic, [{ key: null, value: 'behind' }]);
      const properties = { 'isolation.level': 'read_committed' };
      const member = await java.assign(topic, 'beginning', { properties });
      const seen = (await member.take(1)).map(({ value }) => value);
      assert.deepEqual(seen, ['before']);
      assert.deepEqual(await member.takeUpTo(1, 300), []);
      assert.deepEqual(await committedValues(topic), ['before']);
      assert.equal((await java.read(topic, 'beginning', 3)).length, 3, 'uncommitted');
      await producer.commit();
      const rest = (await member.take(2)).map(({ value }) => value);
      assert.deepEqual(rest, ['within', 'behind']);
      await member.leave();
      await producer.close();
    });

    test('of a zombie are fenced, and what it left open is aborted', async (t) => {
      if (!isPresent(t)) return;
      const topic = await createTopic('zombie');
      const zombie = await Transactional.open(client, topic);
      await zombie.begin();
      await zombie.send(topic, 0, 'zombie');
      const successor = await Transactional.open(client, topic);
      await successor.begin();
      await successor.send(topic, 0, 'successor');
      await rejects(zombie.commit(), fencedNames);
      await successor.commit();
      await becomeCommitted(topic, 'successor');
      await successor.close();
      await zombie.abandon();
    });

    test('of a zombie cannot send behind its successor', async (t) => {
      if (!isPresent(t)) return;
      const topic = await createTopic('behind');
      const zombie = await Transactional.open(client, topic);
      const successor = await Transactional.open(client, topic);
      await rejects(
        (async () => {
          await zombie.begin();
          await zombie.send(topic, 0, 'zombie');
          await zombie.commit();
        })(),
        fencedNames,
      );
      await successor.begin();
      await successor.send(topic, 0, 'successor');
      await successor.commit();
      await becomeCommitted(topic, 'successor');
      await successor.close();
      await zombie.abandon();
    });

    test('that time out are aborted, and cannot be committed', async (t) => {
      if (!isPresent(t)) return;
      const topic = await createTopic('late');
      const late = { 'transaction.timeout.ms': '1000', ...(isJava ? quickDelivery : {}) };
      const producer = await Transactional.open(client, topic, late);
      await producer.begin();
      await producer.send(topic, 0, 'late');
      await java.produce(topic, [{ key: null, value: 'behind' }]);
      // What is behind it shows when it has been aborted.
      await becomeCommitted(topic, 'behind');
      await rejects(producer.commit(), lateNames);
      await producer.abandon();
      const successor = await Transactional.open(client, topic);
      await successor.begin();
      await successor.send(topic, 0, 'successor');
      await successor.commit();
      await becomeCommitted(topic, 'behind', 'successor');
      await successor.close();
    });

    test('commit the offsets of a group with what they wrote, or neither', async (t) => {
      if (!isPresent(t)) return;
      const topic = await createTopic('offsets');
      const group = `${topic}-group`;
      const { member } = await joined(client, group, topic);
      const producer = await Transactional.open(client, topic);
      await producer.begin();
      await producer.send(topic, 0, 'aborted');
      await producer.sendOffsets(member, topic, 3);
      await producer.abort();
      assert.equal(await committedOffset(client, member), 0);
      await producer.begin();
      await producer.send(topic, 0, 'committed');
      await producer.sendOffsets(member, topic, 5);
      await producer.commit();
      assert.equal(await committedOffset(client, member), 5);
      await becomeCommitted(topic, 'committed');
      await producer.close();
    });

    // librdkafka gives its users no means to speak for a member that they are not.
    const testOfMembers = isJava ? test : null;
    testOfMembers?.(
      'cannot commit offsets for a member that is no longer in the group',
      async (t) => {
        if (!isPresent(t)) return;
        const topic = await createTopic('left');
        const group = `${topic}-group`;
        const { member, memberId, generation } = await joined(client, group, topic);
        const producer = await Transactional.open(client, topic);
        const earlier = String(Number(generation) - 1);
        const stale = [
          [group, earlier, memberId],
          [group, generation, 'nobody'],
        ] as const;
        for (const of of stale) {
          await producer.begin();
          await producer.send(topic, 0, 'stale');
          await rejects(producer.sendStaleOffsets(of, topic, 5), strangerNames);
          await producer.abort();
        }
        assert.equal(await committedOffset(client, member), 0);
        assert.deepEqual(await committedValues(topic), []);
        await producer.close();
      },
    );

    test('take in topics that are created while they are open', async (t) => {
      if (!isPresent(t)) return;
      const first = await createTopic('first');
      const producer = await Transactional.open(client, first);
      await producer.begin();
      await producer.send(first, 0, 'a');
      const second = await createTopic('second');
      await producer.send(second, 1, 'b');
      assert.deepEqual(await committedValues(second), []);
      await producer.commit();
      await becomeCommitted(first, 'a');
      await becomeCommitted(second, 'b');
      await producer.close();
    });
  });
}

const quickDelivery = {
  'request.timeout.ms': '800',
  'delivery.timeout.ms': '900',
  'linger.ms': '0',
};
// Names of errors: Java's classes, librdkafka's codes and ours, which are Kafka's.
const named = (...names: string[]): RegExp => new RegExp(`^(${names.join('|')})$`);
const fenced = ['ProducerFencedException', '_FENCED', 'PRODUCER_FENCED'];
const fencedNames = named(...fenced, 'InvalidProducerEpochException', 'INVALID_PRODUCER_EPOCH');
const lateNames = named(...fenced, 'InvalidTxnStateException', 'INVALID_TXN_STATE');
const strangerNames = named('CommitFailedException', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID');

describe('transactions', { concurrency: 3 }, () => {
  before(async () => {
    broker = await startTransactionBroker();
    java = await newest.start(broker.bootstrapServers);
  });
  after(async () => {
    for (const program of transactors.values()) await (await program).kill();
    await java.kill();
    await broker.dispose();
  });
  for (const client of clients) describeTransactions(client);

  test('of kcat are seen once it ends', async (t) => {
    if (!hasKcat(t) || !newest.isPresent(t)) return;
    const topic = await createTopic('kcat');
    const where = ['-b', broker.bootstrapServers, '-t', topic, '-p', '0'];
    const result = await kcat(['-P', ...where, '-X', `transactional.id=${topic}`], {
      input: 'a\nb\n',
    });
    assert.equal(result.code, 0, result.stderr);
    await becomeCommitted(topic, 'a', 'b');
  });
});
