// kafka-log-dirs: prints in JSON what each log directory of each broker holds.

import type { Admin, LogDirectoryDescription } from '../client/index.ts';
import { type ClientFlags, withAdmin } from './client-flags.ts';
import { kafkaCommand, parseFlags, requireFlags, UsageError } from './command-line.ts';
import { javaName } from './java-name.ts';

interface Flags extends ClientFlags {
  describe?: true;
  topicList?: string;
  brokerList?: string;
}

function logDirsCommand() {
  const command = kafkaCommand('kafka-log-dirs.sh', 'Print what the log directories hold.')
    .option('--describe', 'print the log directories, in JSON')
    .option('--topic-list <t1,t2>', 'only these topics');
  // --broker-list is a list of ids, where other tools know it as the old --bootstrap-server.
  return command
    .option('--broker-list <1,2>', 'only these brokers, by id')
    .option('--bootstrap-server <host:port>', 'a broker of the cluster, or several with commas')
    .option('--command-config <file>', 'client properties, such as request.timeout.ms=5000');
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

async function describe(admin: Admin, flags: Flags): Promise<void> {
  const existing = (await admin.describeCluster()).nodes.map(({ nodeId }) => nodeId);
  const wanted = listOf(flags.brokerList).map(Number);
  const missing = wanted.filter((id) => !existing.includes(id));
  if (missing.length > 0) {
    throw new UsageError(
      `ERROR: The given brokers do not exist from --broker-list: ${missing.join(',')}. ` +
        `Current existent brokers: ${existing.join(',')}`,
    );
  }
  const ids = [...new Set(wanted.length > 0 ? wanted : existing)].sort((a, b) => a - b);
  process.stdout.write('Querying brokers for log directories information\n');
  const directories = await admin.cluster.describeLogDirectories(ids);
  process.stdout.write(
    `Received log directory information from brokers ${ids.join(',')}\n` +
      `${logDirectoriesJson(ids, directories, listOf(flags.topicList))}\n`,
  );
}

/** `topics` empty: all. */
export function logDirectoriesJson(
  ids: readonly number[],
  directories: readonly LogDirectoryDescription[],
  topics: readonly string[],
): string {
  const isWanted = ({ topic }: { topic: string }): boolean =>
    topics.length === 0 || topics.includes(topic);
  const brokers = ids.map((broker) => ({
    broker,
    logDirs: directories
      .filter(({ nodeId }) => nodeId === broker)
      .map(({ path, error, replicas }) => ({
        partitions: replicas
          .filter(isWanted)
          .map(({ topic, partition, sizeBytes, offsetLag, isFuture }) => ({
            partition: `${topic}-${partition}`,
            size: sizeBytes,
            offsetLag,
            isFuture,
          })),
        error: error === null ? null : javaName(error),
        logDir: path,
      })),
  }));
  return JSON.stringify({ brokers, version: 1 });
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(logDirsCommand(), args);
  requireFlags(flags, 'bootstrap-server', 'describe');
  const { brokerList: _, ...client } = flags;
  return withAdmin('kafka-log-dirs', client, async (admin) => {
    await describe(admin, flags);
    return 0;
  });
}
