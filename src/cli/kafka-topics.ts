// kafka-topics: create, delete, describe, list or change topics. Messages and layouts are
// Kafka's, because scripts read them: an error of the cluster goes to standard output after
// "Error while executing topic command : ", a wrong command line to standard error.

import { type Command, Option } from 'commander';
import { isUuid } from '../base/uuid.ts';
import type { Admin, TopicDescription, TopicListing, TopicResult } from '../client/index.ts';
import { ErrorCode, KafkaError } from '../protocol/index.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import {
  hidden,
  integer,
  kafkaCommand,
  parseFlags,
  parsePairs,
  refuseTogether,
  repeatable,
  requireFlags,
  UsageError,
} from './command-line.ts';
import { isInternalTopic, topicFilter } from './topic-filter.ts';
import { type DescribeFlags, describeText, takesConfigs } from './topics/describe-text.ts';
import { AssignmentError, parseReplicaAssignment } from './topics/replica-assignment.ts';

interface Flags extends ClientFlags, DescribeFlags {
  create?: true;
  delete?: true;
  alter?: true;
  describe?: true;
  list?: true;
  topic?: string;
  topicId?: string;
  partitions?: number;
  replicationFactor?: number;
  config?: string[];
  deleteConfig?: string[];
  replicaAssignment?: string;
  ifExists?: true;
  ifNotExists?: true;
  excludeInternal?: true;
  partitionSizeLimitPerResponse?: number;
}

const actions = ['create', 'delete', 'alter', 'describe', 'list'] as const;

function topicsCommand(): Command {
  const command = kafkaCommand(
    'kafka-topics.sh',
    'Create, delete, describe, list or change topics.',
  )
    .option('--create', 'create a topic')
    .option('--delete', 'delete topics')
    .option('--alter', 'add partitions to topics')
    .option('--describe', 'print partitions, leaders, replicas and configs of topics')
    .option('--list', 'print the names of topics')
    .option('--topic <name>', 'the topic; except for --create a regular expression')
    .option('--topic-id <uuid>', 'the topic to describe, by its id')
    .option('--partitions <count>', 'how many partitions there shall be', integer('the count', 0))
    .addOption(
      new Option(
        '--replication-factor <count>',
        'on how many brokers each partition is kept',
      ).argParser(integer('the replication factor', -32768, 32767)),
    )
    .addOption(repeatable('--config <key=value>', 'a topic config, with --create (repeat)'))
    .option(
      '--replica-assignment <list>',
      'the brokers of each partition, leader first, instead of counts: 1:2,2:3 is two partitions',
    )
    .option('--if-exists', 'alter, delete or describe only what exists, without an error')
    .option('--if-not-exists', 'no error if the topic to create exists')
    .option('--exclude-internal', 'leave out internal topics such as __consumer_offsets')
    .option('--under-replicated-partitions', 'describe only partitions that miss replicas')
    .option('--unavailable-partitions', 'describe only partitions without a leader')
    .option('--under-min-isr-partitions', 'describe only those with fewer than min.insync.replicas')
    .option('--at-min-isr-partitions', 'describe only those with just min.insync.replicas')
    .option('--topics-with-overrides', 'describe only topics with configs of their own')
    .option(
      '--partition-size-limit-per-response <count>',
      'how many partitions one request describes',
      integer('the limit', 1),
    )
    .addOption(hidden(repeatable('--delete-config <key>', 'moved to kafka-configs.sh')));
  addClientFlags(command, 'admin');
  return command;
}

function checkFlags(flags: Flags): void {
  const given = actions.filter((action) => flags[action] === true);
  if (given.length !== 1) {
    throw new UsageError(
      'Command must include exactly one action: --list, --describe, --create, --alter or ' +
        '--delete (see --help)',
    );
  }
  if (flags.deleteConfig !== undefined || (flags.alter && flags.config !== undefined)) {
    throw new UsageError(
      'configs of a topic are changed by kafka-configs.sh --alter --topic NAME ' +
        '--add-config k=v, or --delete-config k',
    );
  }
  if (flags.create || flags.delete) requireFlags(flags, 'topic');
  if (flags.alter) requireFlags(flags, 'topic', 'partitions');
  if (flags.create) {
    refuseTogether(flags, 'replica-assignment', ['partitions', 'replication-factor']);
  }
  const belongs: [name: keyof Flags & string, actions: readonly (typeof actions)[number][]][] = [
    ['config', ['create']],
    ['replicationFactor', ['create']],
    ['ifNotExists', ['create']],
    ['partitions', ['create', 'alter']],
    ['replicaAssignment', ['create', 'alter']],
    ['ifExists', ['alter', 'delete', 'describe']],
    ['excludeInternal', ['list', 'describe']],
    ['topicId', ['describe']],
    ['underReplicatedPartitions', ['describe']],
    ['unavailablePartitions', ['describe']],
    ['underMinIsrPartitions', ['describe']],
    ['atMinIsrPartitions', ['describe']],
    ['topicsWithOverrides', ['describe']],
  ];
  for (const [name, possible] of belongs) {
    if (flags[name] === undefined || possible.some((action) => flags[action])) continue;
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`Option "[${given[0]}]" can't be used with option "[${flag}]"`);
  }
}

function throwFirst(results: readonly TopicResult[]): void {
  for (const { error } of results) if (error !== null) throw error;
}

async function create(admin: Admin, flags: Flags): Promise<void> {
  const name = flags.topic as string;
  const { partitions, replicationFactor, replicaAssignment } = flags;
  if (/[._]/.test(name)) {
    process.stdout.write(
      "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore " +
        "('_') could collide. To avoid issues it is best to use either, but not both.\n",
    );
  }
  if (partitions !== undefined && partitions < 1) {
    throw new CommandError('The partitions must be greater than 0');
  }
  if (replicationFactor !== undefined && replicationFactor < 1) {
    throw new CommandError('The replication factor must be between 1 and 32767 inclusive');
  }
  const [created] = await admin.createTopics([
    {
      name,
      ...(partitions === undefined ? {} : { numPartitions: partitions }),
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
      ...(replicaAssignment === undefined
        ? {}
        : { assignments: parseReplicaAssignment(replicaAssignment) }),
      configs: Object.fromEntries(parsePairs(flags.config, '--config')),
    },
  ]);
  const exists = created?.error?.code === ErrorCode.TOPIC_ALREADY_EXISTS;
  if (exists && flags.ifNotExists) return;
  throwFirst(created === undefined ? [] : [created]);
  process.stdout.write(`Created topic ${name}.\n`);
}

/** The topics that the flags name, by name; throws if there are none where there must be some. */
async function selectTopics(admin: Admin, flags: Flags): Promise<TopicListing[]> {
  const { topic, topicId } = flags;
  if (topicId !== undefined && !isUuid(topicId)) {
    throw new UsageError(`--topic-id takes the 22 characters of a topic's id, not '${topicId}'`);
  }
  const accepts = topic === undefined ? () => true : topicFilter(topic);
  const found = (await admin.listTopics({ includeInternal: true }))
    .filter((each) => topicId === undefined || each.topicId === topicId)
    .filter((each) => topicId !== undefined || accepts(each.name))
    .filter((each) => !flags.excludeInternal || !isInternalTopic(each.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (found.length > 0 || flags.ifExists || flags.list) return found;
  if (topicId !== undefined) {
    throw new CommandError(`TopicId '${topicId}' does not exist as expected`);
  }
  if (topic !== undefined) throw new CommandError(`Topic '${topic}' does not exist as expected`);
  return found;
}

async function describe(admin: Admin, flags: Flags): Promise<void> {
  const names = (await selectTopics(admin, flags)).map(({ name }) => name);
  if (names.length === 0) return;
  const topics = await admin.describeTopics(names, {
    pagePartitionsMax: flags.partitionSizeLimitPerResponse,
  });
  // One that was deleted meanwhile is not an error of the whole.
  const described = topics.filter(
    ({ error }) => error?.code !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  );
  throwFirst(described);
  const configs = takesConfigs(flags)
    ? await admin.describeConfigs(described.map(({ name }) => ({ type: 'topic', name })))
    : [];
  for (const { error } of configs) if (error !== null) throw error;
  const text = described
    .map((topic: TopicDescription, index) => describeText(topic, configs[index], flags))
    .join('');
  process.stdout.write(text);
}

async function list(admin: Admin, flags: Flags): Promise<void> {
  const topics = await selectTopics(admin, flags);
  process.stdout.write(topics.map(({ name }) => `${name}\n`).join(''));
}

async function remove(admin: Admin, flags: Flags): Promise<void> {
  const names = (await selectTopics(admin, flags)).map(({ name }) => name);
  if (names.length > 0) throwFirst(await admin.deleteTopics(names));
}

async function alter(admin: Admin, flags: Flags): Promise<void> {
  const names = (await selectTopics(admin, flags)).map(({ name }) => name);
  if (names.length === 0) return;
  const assigned =
    flags.replicaAssignment === undefined ? null : parseReplicaAssignment(flags.replicaAssignment);
  const topics = await admin.describeTopics(names);
  throwFirst(topics);
  const changes = topics.map(({ name, partitions }) => ({
    name,
    totalCount: flags.partitions as number,
    // The partitions that exist stay where they are.
    ...(assigned === null ? {} : { newAssignments: assigned.slice(partitions.length) }),
  }));
  throwFirst(await admin.createPartitions(changes));
}

/** What Kafka's own tool finds out before it asks the cluster. */
class CommandError extends Error {}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(topicsCommand(), args);
  checkFlags(flags);
  const [action] = actions.filter((each) => flags[each] === true);
  const tasks = { create, delete: remove, alter, describe, list };
  try {
    await withAdmin('kafka-topics', flags, (admin) =>
      tasks[action as (typeof actions)[number]](admin, flags),
    );
    return 0;
  } catch (error) {
    const isTold = [KafkaError, CommandError, AssignmentError].some((one) => error instanceof one);
    if (!isTold) throw error;
    const { message } = error as Error;
    process.stdout.write(`Error while executing topic command : ${message}\n`);
    return 1;
  }
}
