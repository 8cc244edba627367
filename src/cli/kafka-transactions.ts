// kafka-transactions: what transactions and producers there are; finds those that nobody ends, and
// ends them.

import type { Admin, TopicPartition } from '../client/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { kafkaCommand, parseFlags, UsageError } from './command-line.ts';
import { splitAction } from './sub-command.ts';
import { findHanging } from './transactions/find-hanging.ts';
import { hangingTable, listTable, producersTable, stateTable } from './transactions/tables.ts';

interface Flags extends ClientFlags {
  transactionalId?: string;
  topic?: string;
  partition?: string;
  brokerId?: string;
  startOffset?: string;
  producerId?: string;
  producerEpoch?: string;
  coordinatorEpoch?: string;
  maxTransactionTimeout?: string;
  durationFilter?: string;
  transactionalIdPattern?: string;
}

/** The flags of each action, beside those of every client. */
const actionFlags: Readonly<Record<string, readonly (keyof Flags)[]>> = {
  list: ['durationFilter', 'transactionalIdPattern'],
  describe: ['transactionalId'],
  'describe-producers': ['topic', 'partition', 'brokerId'],
  abort: [
    ...(['topic', 'partition', 'startOffset'] as const),
    ...(['producerId', 'producerEpoch', 'coordinatorEpoch'] as const),
  ],
  'find-hanging': ['topic', 'partition', 'brokerId', 'maxTransactionTimeout'],
  forceTerminateTransaction: ['transactionalId'],
};

const actions = Object.keys(actionFlags);

function transactionsCommand() {
  const command = kafkaCommand(
    'kafka-transactions.sh',
    'list, describe: transactional ids. describe-producers: who writes to a partition. ' +
      'find-hanging, abort: transactions that nobody ends. forceTerminateTransaction: fence a ' +
      'producer and abort what it has open.',
  )
    .usage(`[options] {${actions.join(',')}} [options]`)
    .option('--transactional-id <id>', 'describe: the id (forceTerminateTransaction likewise)')
    .option('--transactionalId <id>', 'as --transactional-id')
    .option('--topic <topic>', 'the topic')
    .option('--partition <n>', 'the partition')
    .option('--broker-id <id>', 'a replica to ask; find-hanging: the partitions of this broker')
    .option('--start-offset <offset>', 'abort: where the transaction begins (Kafka 3.0 and above)')
    .option('--producer-id <id>', 'abort: its producer (older brokers)')
    .option('--producer-epoch <n>', 'abort: the epoch of its producer (older brokers)')
    .option('--coordinator-epoch <n>', 'abort: the epoch of its coordinator (older brokers)')
    .option('--max-transaction-timeout <minutes>', 'find-hanging: older ones only (default 15)')
    .option('--duration-filter <ms>', 'list: only those that run longer')
    .option('--transactional-id-pattern <regex>', 'list: only ids that match as a whole');
  addClientFlags(command, 'admin');
  return command;
}

/** The number of a flag; null if it was not given. */
function numberOf(flags: Flags, name: keyof Flags, flag: string): number | null {
  const text = flags[name];
  if (text === undefined) return null;
  if (typeof text === 'string' && /^-?\d+$/.test(text)) return Number(text);
  throw new UsageError(`--${flag} is a whole number, not ${text}`);
}

function required<T>(value: T | null | undefined, flag: string): T {
  if (value !== null && value !== undefined) return value;
  throw new UsageError(`argument --${flag} is required`);
}

/** A flag that means nothing to the action is a mistake: it is not what the user takes it for. */
function refuseForeignFlags(action: string, flags: Flags): void {
  const own = actionFlags[action] ?? [];
  for (const name of Object.values(actionFlags).flat()) {
    if (flags[name] === undefined || own.includes(name)) continue;
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`${action} has no option --${flag} (see --help)`);
  }
}

/** Fails at once where a request for the partition would wait for it to be created. */
async function assertPartition(admin: Admin, { topic, partition }: TopicPartition): Promise<void> {
  const [found] = await admin.describeTopics([topic]);
  if (found === undefined || found.error !== null) {
    throw new Failure(`topic ${topic}: ${found?.error?.message}`);
  }
  const { length } = found.partitions;
  if (found.partitions.some(({ partition: index }) => index === partition)) return;
  throw new Failure(`topic ${topic} has partitions 0 to ${length - 1}, not ${partition}`);
}

function partitionOf(flags: Flags): TopicPartition {
  const topic = required(flags.topic, 'topic');
  return { topic, partition: required(numberOf(flags, 'partition', 'partition'), 'partition') };
}

/** Says in Kafka's words what failed. */
class Failure extends Error {}

async function orFail<T>(what: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    throw new Failure(`Failed to ${what}: ${error.message}`);
  }
}

async function list(admin: Admin, flags: Flags): Promise<string> {
  const durationMs = numberOf(flags, 'durationFilter', 'duration-filter') ?? -1;
  const idPattern = flags.transactionalIdPattern;
  const listing = admin.transactions.list({ durationMs, idPattern });
  return listTable(await orFail('list transactions', listing));
}

async function describe(admin: Admin, flags: Flags, nowMs: number): Promise<string> {
  const id = required(flags.transactionalId, 'transactional-id');
  const what = `describe transaction state of transactional-id \`${id}\``;
  const [state] = await orFail(what, admin.transactions.describe([id]));
  if (state === undefined || state.error !== null) {
    throw new Failure(`Failed to ${what}: ${state?.error?.message}`);
  }
  return stateTable(state, nowMs);
}

async function describeProducers(admin: Admin, flags: Flags): Promise<string> {
  const place = partitionOf(flags);
  const nodeId = numberOf(flags, 'brokerId', 'broker-id') ?? undefined;
  const where = nodeId === undefined ? 'leader' : `broker ${nodeId}`;
  await assertPartition(admin, place);
  const name = `${place.topic}-${place.partition}`;
  const what = `describe producers for partition ${name} on ${where}`;
  const [found] = await orFail(what, admin.transactions.describeProducers([place], { nodeId }));
  if (found === undefined || found.error !== null) {
    throw new Failure(`Failed to ${what}: ${found?.error?.message}`);
  }
  return producersTable(found.producers);
}

async function abort(admin: Admin, flags: Flags): Promise<string> {
  const place = partitionOf(flags);
  const startOffset = numberOf(flags, 'startOffset', 'start-offset');
  const given = startOffset === null ? givenIdentity(flags) : null;
  await assertPartition(admin, place);
  const identity = given ?? (await identityAt(admin, place, startOffset ?? -1));
  const aborting = admin.transactions.abort({ ...place, ...identity });
  await orFail(`abort transaction ${place.topic}-${place.partition}`, aborting);
  return '';
}

/** The producer whose transaction begins at the offset. */
async function identityAt(admin: Admin, place: TopicPartition, startOffset: number) {
  const name = `${place.topic}-${place.partition}`;
  const what = `validate producer state for partition ${name}`;
  const [found] = await orFail(what, admin.transactions.describeProducers([place]));
  if (found?.error) throw new Failure(`Failed to ${what}: ${found.error.message}`);
  const producer = found?.producers.find((one) => one.transactionStartOffset === startOffset);
  if (producer === undefined) {
    const where = `starting at offset ${startOffset} on partition ${name}`;
    throw new Failure(`Could not find any open transactions ${where}`);
  }
  const { producerId, producerEpoch, coordinatorEpoch } = producer;
  return { producerId, producerEpoch, coordinatorEpoch: coordinatorEpoch ?? 0 };
}

function givenIdentity(flags: Flags) {
  const producerId = numberOf(flags, 'producerId', 'producer-id');
  const producerEpoch = numberOf(flags, 'producerEpoch', 'producer-epoch');
  const coordinatorEpoch = numberOf(flags, 'coordinatorEpoch', 'coordinator-epoch');
  if (producerId === null) {
    throw new Failure(
      'The transaction to abort must be identified either with --start-offset (for brokers on ' +
        '3.0 or above) or with --producer-id, --producer-epoch, and --coordinator-epoch (for ' +
        'older brokers)',
    );
  }
  if (producerEpoch === null) throw new Failure('Missing required argument --producer-epoch');
  if (coordinatorEpoch === null) throw new Failure('Missing required argument --coordinator-epoch');
  return { producerId, producerEpoch, coordinatorEpoch };
}

const defaultTimeoutMinutes = 15;

async function hanging(admin: Admin, flags: Flags, nowMs: number): Promise<string> {
  const { topic = null } = flags;
  const brokerId = numberOf(flags, 'brokerId', 'broker-id');
  const partition = numberOf(flags, 'partition', 'partition');
  if (topic === null && brokerId === null) {
    throw new Failure(
      'The `find-hanging` command requires either --topic or --broker-id to limit the scope of ' +
        'the search',
    );
  }
  if (topic === null && partition !== null) {
    throw new Failure('The --partition argument requires --topic to be provided');
  }
  const minutes = numberOf(flags, 'maxTransactionTimeout', 'max-transaction-timeout');
  if (topic !== null && partition !== null) await assertPartition(admin, { topic, partition });
  const olderThanMs = nowMs - (minutes ?? defaultTimeoutMinutes) * 60_000;
  const searching = findHanging(admin, { topic, partition, brokerId, olderThanMs });
  return hangingTable(await orFail('find hanging transactions', searching), nowMs);
}

async function forceTerminate(admin: Admin, flags: Flags): Promise<string> {
  const id = required(flags.transactionalId, 'transactionalId');
  await orFail(`force terminate transactionalId \`${id}\``, admin.transactions.fence(id));
  return '';
}

interface Call {
  readonly action: string;
  readonly flags: Flags;
  readonly nowMs: number;
}

function act(admin: Admin, { action, flags, nowMs }: Call): Promise<string> {
  switch (action) {
    case 'list':
      return list(admin, flags);
    case 'describe':
      return describe(admin, flags, nowMs);
    case 'describe-producers':
      return describeProducers(admin, flags);
    case 'abort':
      return abort(admin, flags);
    case 'find-hanging':
      return hanging(admin, flags, nowMs);
    default:
      return forceTerminate(admin, flags);
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const { action, flags: rest } = splitAction(args, actions);
  const flags = parseFlags<Flags>(transactionsCommand(), rest);
  if (action === null) return 0;
  refuseForeignFlags(action, flags);
  return withAdmin('kafka-transactions', flags, async (admin, io) => {
    try {
      const call = { action, flags, nowMs: io.clock.now() };
      process.stdout.write(await act(admin, call));
      return 0;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      process.stderr.write(`${error.message}\n`);
      return 1;
    }
  });
}
