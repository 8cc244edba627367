// kafka-delete-records: deletes the records of partitions before the offsets that a JSON file
// gives. What became of each partition is a line on standard output; like Kafka's tool it
// succeeds when every partition was asked about, whatever the answers.

import type { Command } from 'commander';
import type { Admin, TopicPartition } from '../client/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { kafkaCommand, parseFlags, requireFlags, UsageError } from './command-line.ts';
import { javaName } from './java-name.ts';
import { readText } from './read-text.ts';

interface Flags extends ClientFlags {
  offsetJsonFile: string;
}

export interface OffsetBefore extends TopicPartition {
  readonly offset: number;
}

function deleteRecordsCommand(): Command {
  const command = kafkaCommand(
    'kafka-delete-records.sh',
    'Delete the records of partitions before given offsets.',
  ).option(
    '--offset-json-file <file>',
    '{"partitions":[{"topic":"t","partition":0,"offset":5}],"version":1}; -1 is the end',
  );
  addClientFlags(command, 'admin');
  return command;
}

/** Throws a UsageError that says what is wrong with the text. */
export function parseOffsetJson(text: string, path: string): OffsetBefore[] {
  const fail = (reason: string): never => {
    throw new UsageError(`${path}: ${reason}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail(`The input string is not a valid JSON: ${(error as Error).message}`);
  }
  const { version, partitions } = (json ?? {}) as { version?: unknown; partitions?: unknown };
  if (version !== undefined && version !== 1) fail(`Not supported version field value ${version}`);
  if (!Array.isArray(partitions)) return fail('Missing partitions field');
  const seen = new Set<string>();
  return partitions.map((each: Partial<Record<keyof OffsetBefore, unknown>>, index) => {
    const { topic, partition, offset } = each ?? {};
    const place = `partitions[${index}]`;
    if (typeof topic !== 'string') return fail(`${place}.topic is not a string`);
    if (!isInteger(partition, 0)) return fail(`${place}.partition is not a partition number`);
    if (!isInteger(offset, -1)) return fail(`${place}.offset is not an offset, or -1`);
    const name = `${topic}-${partition}`;
    if (seen.has(name)) fail(`Offset json file contains duplicate topic partitions: ${name}`);
    seen.add(name);
    return { topic, partition, offset };
  });
}

function isInteger(value: unknown, min: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min;
}

async function deleteBefore(admin: Admin, before: readonly OffsetBefore[]): Promise<void> {
  process.stdout.write('Executing records delete operation\n');
  // Partitions that do not exist would only be asked for again until the time is up.
  const names = [...new Set(before.map(({ topic }) => topic))];
  const topics = await admin.describeTopics(names);
  const exists = ({ topic, partition }: OffsetBefore): boolean =>
    topics.some(({ name, partitions }) => name === topic && partition < partitions.length);
  const deleted = await admin.deleteRecords(before.filter(exists));
  const missing = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
  process.stdout.write('Records delete operation completed:\n');
  for (const each of before) {
    const place = `${each.topic}-${each.partition}`;
    const result = deleted.find(
      ({ topic, partition }) => topic === each.topic && partition === each.partition,
    );
    const error = result === undefined ? missing : result.error;
    process.stdout.write(
      error === null
        ? `partition: ${place}\tlow_watermark: ${result?.lowWatermark}\n`
        : `partition: ${place}\terror: ${javaName(error)}: ${error.message}${remedyOf(error)}\n`,
    );
  }
}

/** The answer has a code only, and there is one policy that it can mean. */
function remedyOf(error: KafkaError): string {
  if (error.errorName !== 'POLICY_VIOLATION') return '';
  return ' (cleanup.policy is compact, without delete: send null values instead)';
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(deleteRecordsCommand(), args);
  requireFlags(flags, 'offset-json-file');
  return withAdmin('kafka-delete-records', flags, async (admin, io) => {
    const text = readText(io, flags.offsetJsonFile);
    const before = parseOffsetJson(text, flags.offsetJsonFile);
    await deleteBefore(admin, before);
    return 0;
  });
}
