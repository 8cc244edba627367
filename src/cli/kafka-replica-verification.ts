// kafka-replica-verification: reads all replicas of topics side by side, and says where they
// differ and how far behind the comparison is. It goes on until it is interrupted, or until
// replicas have batches at different offsets.

import { Admin, type AdminOptions, OffsetSpec, type TopicDescription } from '../client/index.ts';
import { type Io, IoError } from '../io/index.ts';
import { isRetriable, KafkaError } from '../protocol/index.ts';
import {
  acceptOptions,
  type ClientFlags,
  clientProperties,
  createToolIo,
  withNotice,
} from './client-flags.ts';
import { integer, kafkaCommand, parseFlags, UsageError } from './command-line.ts';
import { simpleDateFormat } from './consumer-perf/simple-date-format.ts';
import { interruption } from './interruption.ts';
import {
  DifferentOffsets,
  type ReadReplica,
  ReplicaComparison,
} from './replica-verification/replica-comparison.ts';
import { topicFilter } from './topic-filter.ts';

interface Flags extends ClientFlags {
  fetchSize: number;
  maxWaitMs: number;
  topicsInclude: string;
  time: number;
  reportIntervalMs: number;
}

interface Verification {
  readonly admin: Admin;
  readonly io: Io;
  readonly flags: Flags;
  readonly comparison: ReplicaComparison;
  readonly topics: readonly TopicDescription[];
  readonly nodeIds: readonly number[];
}

const name = 'kafka-replica-verification';
const intMax = 2 ** 31 - 1;
/** Rest before a broker that did not answer is asked again. */
const retryMs = 100;
const timeText = simpleDateFormat('yyyy-MM-dd HH:mm:ss,SSS');

function verificationCommand() {
  return kafkaCommand(
    'kafka-replica-verification.sh',
    'Validate that all replicas of topics have the same records.',
  )
    .option('--broker-list <host:port>', 'a broker of the cluster, or several with commas')
    .option('--bootstrap-server <host:port>', 'as --broker-list')
    .option('--command-config <file>', 'client properties, such as request.timeout.ms=5000')
    .option(
      '--fetch-size <bytes>',
      'of one partition, in one request',
      integer('bytes', 1),
      1_048_576,
    )
    .option('--max-wait-ms <ms>', 'how long a request waits for records', integer('ms', 0), 1000)
    .option('--topics-include <expression>', 'the topics, as a regular expression', '.*')
    .option(
      '--time <time>',
      'where to begin: -1 for the end, -2 for the beginning, or milliseconds since 1970',
      integer('the time', -2, Number.MAX_SAFE_INTEGER),
      OffsetSpec.latest,
    )
    .option(
      '--report-interval-ms <ms>',
      'how often to say how far it is',
      integer('ms', 0, intMax),
      30_000,
    );
}

async function begin(admin: Admin, io: Io, flags: Flags): Promise<Verification> {
  const accepts = topicFilter(flags.topicsInclude);
  const topics = (await admin.describeTopics(null)).filter(({ name }) => accepts(name));
  if (topics.length === 0) {
    throw new UsageError(
      'No topics found. --topics-include, if specified, is either filtering out all topics or ' +
        'there is no topic.',
    );
  }
  const offsets = await beginOffsets(admin, topics, flags.time);
  const partitions = topics.flatMap(({ name: topic, partitions: described }) =>
    described.map(({ partition, replicas }) => {
      return { topic, partition, replicas, offset: offsets.get(`${topic}-${partition}`) as number };
    }),
  );
  const nodeIds = [...new Set(partitions.flatMap(({ replicas }) => replicas))];
  return { admin, io, flags, topics, nodeIds, comparison: new ReplicaComparison(partitions) };
}

/** By "topic-partition"; the end where there is no record from the time on. */
async function beginOffsets(
  admin: Admin,
  topics: readonly TopicDescription[],
  time: number,
): Promise<Map<string, number>> {
  const places = topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partition }) => ({ topic, partition })),
  );
  const ask = async (timestamp: number) => {
    const found = await admin.listOffsets(places.map((place) => ({ ...place, timestamp })));
    const failed = found.find(({ error }) => error !== null);
    if (failed === undefined) return found;
    throw new UsageError(`${failed.topic}-${failed.partition}: ${failed.error?.message}`);
  };
  const found = await ask(time);
  const ends = found.some(({ offset }) => offset < 0) ? await ask(OffsetSpec.latest) : found;
  return new Map(
    found.map(({ topic, partition, offset }, index) => {
      const from = offset < 0 ? (ends[index]?.offset as number) : offset;
      return [`${topic}-${partition}`, from];
    }),
  );
}

/** Reads every broker's replicas at the same time, and compares what came. */
async function verifyOnce(verification: Verification): Promise<string[]> {
  const { admin, io, flags, topics, nodeIds, comparison } = verification;
  const idOf = new Map(topics.map(({ name, topicId }) => [name, topicId]));
  const reads = new Map<string, ReadReplica>();
  const readFrom = async (nodeId: number): Promise<void> => {
    const positions = comparison
      .positionsOf(nodeId)
      .map((position) => ({ ...position, topicId: idOf.get(position.topic) as string }));
    const how = { partitionBytesMax: flags.fetchSize, waitMsMax: flags.maxWaitMs };
    try {
      for (const { topic, partition, ...read } of await admin.replicas.read(
        nodeId,
        positions,
        how,
      )) {
        reads.set(`${nodeId} ${topic}-${partition}`, read);
      }
    } catch (error) {
      // It is away: what it has waits until it is back.
      const isAway =
        error instanceof KafkaError ? isRetriable(error.code) : error instanceof IoError;
      if (!isAway) throw error;
      await io.clock.sleep(retryMs);
    }
  };
  await Promise.all(nodeIds.map(readFrom));
  return comparison.compare(
    ({ topic, partition }, nodeId) => reads.get(`${nodeId} ${topic}-${partition}`) ?? null,
  );
}

async function verify(admin: Admin, io: Io, flags: Flags): Promise<number> {
  const state = { isStopped: false };
  const interrupted = interruption(() => {
    state.isStopped = true;
  });
  const print = (text: string): void => {
    process.stdout.write(`${timeText(io.clock.now())}: ${text}\n`);
  };
  try {
    const waiting = `${name}: waiting for ${flags.bootstrapServer ?? flags.brokerList}`;
    const verification = await withNotice(io, waiting, begin(admin, io, flags));
    print('verification process is started');
    const { comparison } = verification;
    let reportedMs = io.clock.monotonic();
    while (!state.isStopped) {
      for (const line of await verifyOnce(verification)) print(line);
      const nowMs = io.clock.monotonic();
      if (nowMs - reportedMs <= flags.reportIntervalMs) continue;
      reportedMs = nowMs;
      const { topic, partition, offset, records } = comparison.maxLag();
      print(
        `max lag is ${records} for partition ${topic}-${partition} at offset ${offset} ` +
          `among ${comparison.partitionCount} partitions`,
      );
    }
    return interrupted.exitCode ?? 0;
  } catch (error) {
    if (!(error instanceof DifferentOffsets)) throw error;
    print(error.message);
    return 1;
  } finally {
    interrupted.stop();
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(verificationCommand(), args);
  if (flags.bootstrapServer === undefined && flags.brokerList === undefined) {
    throw new UsageError('Missing required argument "[broker-list]" (see --help)');
  }
  const io = createToolIo();
  const properties = Admin.optionsFromProperties(clientProperties(io, flags));
  const admin = new Admin(acceptOptions<AdminOptions>(name, properties), io);
  try {
    return await verify(admin, io, flags);
  } finally {
    await admin.close();
  }
}
