// kafka-leader-election: has partitions led by their preferred replica, or by any that lives.

import { Option } from 'commander';
import type { Admin, ElectionType, PartitionResult, TopicPartition } from '../client/index.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { hidden, integer, kafkaCommand, parseFlags, UsageError } from './command-line.ts';
import { javaName } from './java-name.ts';
import { readText } from './read-text.ts';

interface Flags extends ClientFlags {
  electionType?: string;
  allTopicPartitions?: true;
  topic?: string;
  partition?: number;
  pathToJsonFile?: string;
  'admin.config'?: string;
}

function electionCommand() {
  const command = kafkaCommand('kafka-leader-election.sh', 'Elect leaders of partitions.')
    .option('--election-type <type>', 'preferred or unclean')
    .option('--all-topic-partitions', 'every partition that needs it')
    .option('--topic <name>', 'the topic of one partition')
    .option('--partition <id>', 'its number', integer('the partition', 0))
    .option('--path-to-json-file <file>', '{"partitions":[{"topic":"t","partition":0}]}')
    .addOption(hidden(new Option('--admin.config <file>', 'as --command-config')));
  addClientFlags(command, 'admin');
  return command;
}

/** Throws a UsageError that says what is wrong with the text. */
export function parsePartitionsJson(text: string, path: string): TopicPartition[] {
  const fail = (reason: string): never => {
    throw new UsageError(`${path}: ${reason}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail(`Invalid JSON: ${(error as Error).message}`);
  }
  const { partitions } = (json ?? {}) as { partitions?: unknown };
  if (!Array.isArray(partitions)) return fail('Replica election data is empty');
  const seen = new Set<string>();
  return partitions.map((each: { topic?: unknown; partition?: unknown } | null) => {
    const { topic, partition } = each ?? {};
    if (typeof topic !== 'string' || !Number.isSafeInteger(partition)) {
      return fail(`${JSON.stringify(each)} is not a topic and a partition`);
    }
    const name = `${topic}-${partition}`;
    if (seen.has(name)) fail(`Replica election data contains duplicate partitions: ${name}`);
    seen.add(name);
    return { topic, partition: partition as number };
  });
}

function assertChoice({ allTopicPartitions, topic, partition, pathToJsonFile }: Flags): void {
  const ways = [topic, allTopicPartitions, pathToJsonFile].filter((way) => way !== undefined);
  if (topic === undefined && partition !== undefined) {
    throw new UsageError('Option partition is only allowed if topic is used');
  }
  if (ways.length !== 1) {
    throw new UsageError(
      'One and only one of the following options is required: topic, all-topic-partitions, ' +
        'path-to-json-file',
    );
  }
  if (topic !== undefined && partition === undefined) {
    throw new UsageError('Missing required option(s): partition');
  }
}

function electionType({ electionType: type }: Flags): ElectionType {
  if (type === undefined) throw new UsageError('Missing required option(s): election-type');
  const lower = type.toLowerCase();
  if (lower === 'preferred' || lower === 'unclean') return lower;
  throw new UsageError(`Cannot parse argument '${type}' of option election-type`);
}

/** Prints what became of each; returns how many could not be elected. */
function report(type: ElectionType, results: readonly PartitionResult[]): number {
  const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
  const elected = results.filter(({ error }) => error === null);
  const unneeded = results.filter(({ error }) => error?.errorName === 'ELECTION_NOT_NEEDED');
  const upper = type.toUpperCase();
  if (elected.length > 0) {
    const names = elected.map(nameOf).join(', ');
    process.stdout.write(
      `Successfully completed leader election (${upper}) for partitions ${names}\n`,
    );
  }
  if (unneeded.length > 0) {
    const names = unneeded.map(nameOf).join(', ');
    process.stdout.write(`Valid replica already elected for partitions ${names}\n`);
  }
  const failed = results.filter(
    (result) => !elected.includes(result) && !unneeded.includes(result),
  );
  for (const { error, ...partition } of failed) {
    if (error === null) continue;
    process.stdout.write(
      `Error completing leader election (${upper}) for partition: ${nameOf(partition)}: ` +
        `${javaName(error)}: ${error.message}\n`,
    );
  }
  return failed.length;
}

async function elect(admin: Admin, flags: Flags, json: string | null): Promise<void> {
  const type = electionType(flags);
  const { topic = '', partition = 0, pathToJsonFile = '' } = flags;
  let partitions: TopicPartition[] | null = null;
  if (json !== null) partitions = parsePartitionsJson(json, pathToJsonFile);
  else if (!flags.allTopicPartitions) partitions = [{ topic, partition }];
  const failures = report(type, await admin.cluster.electLeaders(type, partitions));
  if (failures > 0) throw new UsageError(`${failures} replica(s) could not be elected`);
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(electionCommand(), args);
  electionType(flags);
  assertChoice(flags);
  const config = flags.commandConfig ?? flags['admin.config'];
  const client = config === undefined ? flags : { ...flags, commandConfig: config };
  return withAdmin('kafka-leader-election', client, async (admin, io) => {
    const { pathToJsonFile: path } = flags;
    await elect(admin, flags, path === undefined ? null : readText(io, path));
    return 0;
  });
}
