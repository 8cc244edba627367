// Kafka Streams as a judge of transactions, compaction and groups: several instances of a counting
// application (exactly_once_v2) and their broker are killed at random; then everybody is left in
// peace. Every count that a word ever had must be there once and in order, the topics that Streams
// makes for itself must be as it asks for, and what a new instance restores from the compacted
// changelogs must be the counts.
//
//   STREAMS_SECONDS=45         how long they are haunted
//   STREAMS_SEED=…             what the nemesis does when; printed
//   INTEROP_PRODUCT=kafka      the same over Apache Kafka

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { Admin, OffsetSpec } from '../../src/client/index.ts';
import {
  type Counts,
  countsOf,
  countsOfWindows,
  judgeCounting,
  judgeCounts,
} from './streams/count-judge.ts';
import {
  changelogs,
  countingCommand,
  dumpOf,
  hasStreams,
  repartition,
  StateDirectory,
  startCounting,
  topics,
  windowMs,
} from './streams/counting.ts';
import { WordFeed } from './streams/word-feed.ts';
import { hasKcat, kcat } from './toolchain.ts';
import { readByKcat, type SteadyReader, steadyKcat } from './transactional/committed-readers.ts';
import { Nemesis } from './transactional/nemesis.ts';
import {
  isKafka,
  startTransactionBroker,
  type TransactionBroker,
} from './transactional/transaction-broker.ts';
import { judgeReader } from './transactional/transaction-judge.ts';
import { Worker } from './transactional/worker.ts';

const seconds = Number(process.env.STREAMS_SECONDS ?? 45);
const seed = process.env.STREAMS_SEED ?? String(Date.now());
const settleMs = 60_000;
const instanceCount = 3;
const outputs = ['counted', 'counted-in-windows'] as const;

class Application {
  readonly workers: Worker[] = [];
  readonly admin: Admin;
  readonly #broker: TransactionBroker;
  readonly #state = new StateDirectory();
  #reader: SteadyReader | null = null;

  constructor(broker: TransactionBroker) {
    this.#broker = broker;
    this.admin = new Admin({ bootstrapServers: this.servers });
    for (let index = 0; index < instanceCount; index++) {
      const more = { 'num.stream.threads': '2', 'num.standby.replicas': '1' };
      // One comes back as the member that it was; the others are new ones every time.
      const instance = index === 0 ? { ...more, 'group.instance.id': 'counting-0' } : more;
      const command = (incarnation: number) =>
        countingCommand(this.servers, this.#stateOf(`${index}-${incarnation}`), instance);
      this.workers.push(new Worker({ name: `instance ${index}`, command }));
    }
  }

  get broker(): TransactionBroker {
    return this.#broker;
  }

  get reader(): SteadyReader {
    return this.#reader as SteadyReader;
  }

  get servers(): string {
    return this.#broker.bootstrapServers;
  }

  #stateOf(instance: string): string {
    return join(this.#state.path, instance);
  }

  async createTopics(): Promise<void> {
    for (const created of await this.admin.createTopics(
      Object.entries(topics).map(([name, numPartitions]) => ({ name, numPartitions })),
    )) {
      assert.equal(created.error, null);
    }
  }

  async start(): Promise<void> {
    await this.createTopics();
    this.#reader = steadyKcat(this.servers, outputs);
    for (const worker of this.workers) await worker.start();
  }

  async finish(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.finish(settleMs)));
  }

  /** One that has nothing but the changelogs to know the counts from. */
  startAnew(more: Readonly<Record<string, string>>): ReturnType<typeof startCounting> {
    return startCounting(this.servers, this.#stateOf('anew'), more);
  }

  async dispose(): Promise<void> {
    for (const worker of this.workers) worker.dispose();
    await this.#reader?.dispose();
    await this.admin.close();
    await this.#broker.dispose();
    this.#state.dispose();
  }
}

async function eventually(what: () => string, isTrue: () => Promise<boolean>): Promise<void> {
  for (const startMs = performance.now(); !(await isTrue()); ) {
    if (performance.now() - startMs > settleMs) assert.fail(`not in ${settleMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function none(problems: string[]): void {
  const shown = problems.slice(0, 20).join('\n  ');
  assert.equal(problems.length, 0, `${problems.length} problems, seed ${seed}:\n  ${shown}`);
}

/** Everything that was sent has been counted, in both ways; it may take, as long as it gets on. */
async function settle({ servers, workers }: Application, count: number): Promise<void> {
  let counted: number[] = [];
  do {
    const before = String(counted);
    await eventually(
      () => `more are counted than ${before} of ${count}:\n${workers.map(saidBy).join('\n')}`,
      async () => {
        const read = await Promise.all(outputs.map((output) => readByKcat(servers, output)));
        counted = read.map((records) => records.length);
        return String(counted) !== before;
      },
    );
  } while (counted.some((each) => each < count));
}

function saidBy(worker: Worker): string {
  return `${worker.name}\n  ${worker.tail}`;
}

async function judgeOutputs(t: TestContext, application: Application, expected: Expected) {
  for (const output of outputs) {
    const read = await readByKcat(application.servers, output);
    await t.test(`every count in ${output} is there once and in order`, () => {
      none(judgeCounting(expected[output], read));
    });
    await t.test(`a reader throughout saw the same in ${output}`, async () => {
      const { reader } = application;
      await eventually(
        () => `${reader.name} has read ${output}`,
        async () => (await reader.seen(output)).length >= read.length,
      );
      none(judgeReader(reader.name, await reader.seen(output), read));
    });
  }
}

type Expected = Record<(typeof outputs)[number], Counts>;

async function configsOf(admin: Admin, topic: string): Promise<Map<string, string | null>> {
  const [described] = await admin.describeConfigs([{ type: 'topic', name: topic }]);
  const set = described?.configs.filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG') ?? [];
  return new Map(set.map(({ name, value }) => [name, value]));
}

async function judgeTopics({ admin }: Application): Promise<void> {
  const counts = await configsOf(admin, changelogs.counts);
  assert.equal(counts.get('cleanup.policy'), 'compact');
  const windows = await configsOf(admin, changelogs['counts-of-windows']);
  assert.equal(windows.get('cleanup.policy'), 'compact,delete');
  assert.ok(Number(windows.get('retention.ms')) > 86_400_000, 'a day more than the windows');
  const between = await configsOf(admin, repartition);
  assert.equal(between.get('cleanup.policy'), 'delete');
  assert.equal(between.get('retention.ms'), '-1');
  for (const configs of [counts, windows, between]) {
    assert.equal(configs.get('message.timestamp.type'), 'CreateTime');
    assert.equal(configs.get('segment.ms'), '1000');
  }
}

/** What has been counted is deleted by those who counted it, up to the last few. */
async function judgePurge({ admin }: Application): Promise<void> {
  const offsetsAt = async (timestamp: number): Promise<number[]> => {
    const partitions = Array.from({ length: topics.words }, (_, partition) => partition);
    const queries = partitions.map((partition) => ({ topic: repartition, partition, timestamp }));
    return (await admin.listOffsets(queries)).map(({ offset }) => offset);
  };
  await eventually(
    () => `all of ${repartition} is deleted`,
    async () => {
      const [starts, ends] = [await offsetsAt(OffsetSpec.earliest), await offsetsAt(-1)];
      return starts.every((start, index) => start > (ends[index] as number) * 0.9);
    },
  );
}

async function readChangelog(servers: string): Promise<[word: string, count: number][]> {
  const where = ['-b', servers, '-t', changelogs.counts, '-o', 'beginning', '-e', '-q'];
  const how = ['-X', 'isolation.level=read_committed', '-s', 'value=q', '-f', '%k\\t%s\\n'];
  const { code, stdout, stderr } = await kcat(['-C', ...where, ...how]);
  assert.equal(code, 0, stderr);
  const lines = stdout.split('\n').slice(0, -1);
  return lines.map((line) => {
    const [word = '', count] = line.split('\t');
    return [word, Number(count)];
  });
}

async function judgeChangelog({ servers }: Application, expected: Counts): Promise<void> {
  const all = [...expected.values()].reduce((x, y) => x + y, 0);
  let read: [string, number][] = [];
  await eventually(
    () => `most of ${all} counts are compacted, ${read.length} left`,
    async () => {
      read = await readChangelog(servers);
      return read.length < all / 2;
    },
  );
  none(judgeCounts(expected, new Map(read)));
}

test('the group protocol of Kafka Streams itself (KIP-1071) is refused at once', async (t) => {
  if (!hasStreams(t)) return;
  const application = new Application(await startTransactionBroker());
  try {
    await application.createTopics();
    const instance = await application.startAnew({ 'group.protocol': 'streams' });
    // Which Apache Kafka serves.
    const counts = dumpOf(instance, 'counts');
    if (isKafka) return assert.deepEqual(await counts, new Map());
    await assert.rejects(counts, /ended with 2:.*UnsupportedVersionException: .*STREAMS group/s);
    // Which is no group, not even an empty one.
    assert.deepEqual((await application.admin.listGroups()).groups, []);
  } finally {
    await application.dispose();
  }
});

const name = `Kafka Streams counts exactly once under ${seconds} s of kills, seed ${seed}`;
test(name, { timeout: (seconds + 240) * 1_000 }, async (t) => {
  if (!hasKcat(t) || !hasStreams(t)) return;
  const prng = new Prng(seed);
  const config = { 'log.cleaner.backoff.ms': '500' };
  const application = new Application(await startTransactionBroker(config));
  try {
    await application.start();
    const feed = new WordFeed(application.servers, prng.fork('words'));
    const nemesis = new Nemesis(prng, application);
    await nemesis.haunt(seconds * 1_000);
    await feed.stop();
    t.diagnostic(JSON.stringify({ ...nemesis.counts, words: feed.words.length }));
    await settle(application, feed.words.length);
    // The changelogs' last segments are closed by what comes a second later, and then compacted.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await feed.send(500);
    await feed.close();
    await settle(application, feed.words.length);
    const expected: Expected = {
      counted: countsOf(feed.words),
      'counted-in-windows': countsOfWindows(feed.words, windowMs),
    };
    await judgeOutputs(t, application, expected);
    await t.test('the topics between are as Streams asks for', () => judgeTopics(application));
    await t.test('what was counted is purged', () => judgePurge(application));
    await application.finish();
    await t.test('a compacted changelog has the last of every count', () =>
      judgeChangelog(application, expected.counted),
    );
    await t.test('a new instance restores the counts from the changelogs', async () => {
      const instance = await application.startAnew({ 'num.stream.threads': '1' });
      try {
        none(judgeCounts(expected.counted, await dumpOf(instance, 'counts')));
        const windows = await dumpOf(instance, 'counts-of-windows');
        none(judgeCounts(expected['counted-in-windows'], windows));
      } finally {
        await instance.kill();
      }
    });
  } finally {
    for (const worker of application.workers) t.diagnostic(String(worker));
    await application.dispose();
  }
});
