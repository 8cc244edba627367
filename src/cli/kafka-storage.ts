// kafka-storage: the identity of log directories, meta.properties. A broker of ours formats empty
// directories by itself; this is for scripts that do it beforehand, as Kafka demands.

import { isUuid, uuidFromBytes, ZERO_UUID } from '../base/uuid.ts';
import { type BrokerConfig, loadBrokerConfig } from '../config/index.ts';
import { createNodeIo, type Io } from '../io/index.ts';
import { bootstrapBytes, bootstrapPath } from '../metadata/index.ts';
import { formatDirectory, readMetaProperties, replaceFile } from '../storage/index.ts';
import { kafkaCommand, repeatable, UsageError } from './command-line.ts';
import { featureDependencies, versionMapping } from './feature-texts.ts';
import { referenceSources } from './read-text.ts';
import { scramRecord } from './storage-scram.ts';

/** Random, and safe as an argument: it does not begin with a dash. */
function randomUuid(io: Io): string {
  for (;;) {
    const uuid = uuidFromBytes(io.random.bytes(16), 0);
    if (!uuid.startsWith('-') && uuid !== ZERO_UUID) return uuid;
  }
}

function readConfig(io: Io, path: string): BrokerConfig {
  const text = io.disk.readFile(path);
  if (text === null) throw new UsageError(`there is no file ${path}`);
  const file = { path, text: text.toString('utf8') };
  return loadBrokerConfig({ file, references: referenceSources(io) }).config;
}

interface FormatFlags {
  config: string;
  clusterId: string;
  ignoreFormatted?: boolean;
  addScram?: string[];
}

async function format(io: Io, flags: FormatFlags): Promise<number> {
  const config = readConfig(io, flags.config);
  const { clusterId } = flags;
  if (!isUuid(clusterId)) {
    throw new UsageError(
      `the cluster id '${clusterId}' is no uuid of 22 characters; random-uuid makes one`,
    );
  }
  const users = (flags.addScram ?? []).map((user) => scramRecord(io.random, user));
  const metadataPath = config.get('metadata.log.dir') ?? config.logDirs[0];
  for (const path of config.logDirs) {
    const formatted = readMetaProperties(io, path) !== null;
    if (formatted && flags.ignoreFormatted !== true) {
      process.stderr.write(
        `Log directory ${path} is already formatted. Use --ignore-formatted to ignore this ` +
          'directory and format the others.\n',
      );
      return 1;
    }
    if (formatted) continue;
    await formatDirectory(io, path, { clusterId, nodeId: config.nodeId });
    if (path === metadataPath && users.length > 0) {
      await replaceFile(io.disk, bootstrapPath(path), bootstrapBytes(io, users));
    }
    process.stdout.write(`Formatting ${path} with cluster.id ${clusterId}.\n`);
  }
  return 0;
}

function info(io: Io, path: string): number {
  const config = readConfig(io, path);
  const found = config.logDirs.filter((directory) => io.disk.stat(directory) !== null);
  const missing = config.logDirs.filter((directory) => io.disk.stat(directory) === null);
  const list = (paths: readonly string[]): string => {
    const title = paths.length === 1 ? 'directory' : 'directories';
    return `${title}:\n${paths.map((each) => `  ${each}\n`).join('')}`;
  };
  const problems = missing.map((directory) => `${directory} is not a directory`);
  const metas = found.map((directory) => readMetaProperties(io, directory));
  let text = found.length === 0 ? 'No directories specified.\n' : `Found log ${list(found)}`;
  for (const [index, meta] of metas.entries()) {
    if (meta === null) {
      problems.push(`${found[index]} is not formatted.`);
      continue;
    }
    text +=
      `\nFound metadata: {cluster.id=${meta.clusterId}, directory.id=${meta.directoryId}, ` +
      `node.id=${meta.nodeId}, version=1}\n`;
  }
  if (new Set(metas.flatMap((meta) => meta?.clusterId ?? [])).size > 1) {
    problems.push('The directories belong to different clusters.');
  }
  if (problems.length > 0) {
    text += `\nFound problem${problems.length > 1 ? 's' : ''}:\n`;
    text += problems.map((problem) => `  ${problem}\n`).join('');
  }
  process.stdout.write(`${text}\n`);
  return problems.length > 0 ? 1 : 0;
}

export async function run(args: readonly string[]): Promise<number> {
  const io = createNodeIo();
  let exitCode = 0;
  const command = kafkaCommand('kafka-storage.sh', 'The identity of log directories.');
  command
    .command('random-uuid')
    .description('print a random uuid, to be a cluster id')
    .action(() => {
      process.stdout.write(`${randomUuid(io)}\n`);
    });
  command
    .command('info')
    .description('print what is known of the log directories of a configuration')
    .requiredOption('-c, --config <file>', 'the server.properties file')
    .action((flags: { config: string }) => {
      exitCode = info(io, flags.config);
    });
  command
    .command('version-mapping')
    .description('print the levels of features that a release has')
    .option('-r, --release-version <version>', 'such as 4.0; the newest if not given')
    .action(({ releaseVersion }: { releaseVersion?: string }) => {
      process.stdout.write(versionMapping(releaseVersion));
    });
  command
    .command('feature-dependencies')
    .description('print what levels of features need')
    .addOption(repeatable('-f, --feature <name=level>', 'a feature (repeat)').makeOptionMandatory())
    .action(({ feature }: { feature: string[] }) => {
      process.stdout.write(featureDependencies(feature));
    });
  const formatCommand = command
    .command('format')
    .description('give the log directories of a configuration their identity')
    .requiredOption('-c, --config <file>', 'the server.properties file')
    .requiredOption('-t, --cluster-id <uuid>', 'the cluster they belong to')
    .option('-g, --ignore-formatted', 'leave directories that have an identity as they are')
    .option('-s, --standalone', 'accepted: a broker of ours needs no quorum of controllers')
    .option('--no-initial-controllers', 'accepted, likewise')
    .option('-I, --initial-controllers <list>', 'accepted, likewise')
    .option('-r, --release-version <version>', 'accepted: there is one metadata version')
    .addOption(repeatable('-f, --feature <name=level>', 'accepted, likewise'))
    .addOption(repeatable('-S, --add-scram <user>', 'a user of SCRAM to begin with (repeat)'))
    .action(async (flags: FormatFlags) => {
      exitCode = await format(io, flags);
    });
  for (const each of command.commands) each.copyInheritedSettings(command);
  formatCommand.copyInheritedSettings(command);
  await command.parseAsync(args, { from: 'user' });
  return exitCode;
}
