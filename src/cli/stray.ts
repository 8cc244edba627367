// partita stray: what a broker set aside, and the way back. A broker never removes such folders:
// who does not want one any more removes it.

import { ZERO_UUID } from '../base/uuid.ts';
import { loadBrokerConfig } from '../config/index.ts';
import { createNodeIo, type Io } from '../io/index.ts';
import { listStrays, restoreStray, type StrayLog } from '../storage/index.ts';
import { kafkaCommand, UsageError } from './command-line.ts';
import { referenceSources } from './read-text.ts';

interface WhereFlags {
  readonly logDirs?: string;
  readonly config?: string;
}

interface RestoreFlags extends WhereFlags {
  readonly topic?: string;
  readonly setPresentAside?: true;
}

function directoriesOf(io: Io, { logDirs, config }: WhereFlags): readonly string[] {
  if ((logDirs === undefined) === (config === undefined)) {
    throw new UsageError('give either --log-dirs or --config (see --help)');
  }
  const paths = config === undefined ? (logDirs as string).split(',') : logDirsIn(io, config);
  for (const path of paths) {
    if (io.disk.stat(path) === null) throw new UsageError(`there is no directory ${path}`);
  }
  return paths;
}

function logDirsIn(io: Io, path: string): readonly string[] {
  const text = io.disk.readFile(path);
  if (text === null) throw new UsageError(`there is no file ${path}`);
  const references = referenceSources(io);
  const file = { path, text: text.toString('utf8') };
  return loadBrokerConfig({ file, references }).config.logDirs;
}

/** A line each. */
function lineOf(stray: StrayLog): string {
  const { topic, partition, topicId, segmentCount, sizeBytes, baseOffset } = stray;
  const id = topicId === ZERO_UUID ? '-' : topicId;
  return (
    `${stray.directory}/${stray.name}\tpartition=${topic}-${partition}\ttopicId=${id}\t` +
    `segments=${segmentCount}\tbytes=${sizeBytes}\tfirstOffset=${baseOffset ?? '-'}\n`
  );
}

export async function run(args: readonly string[]): Promise<number> {
  const io = createNodeIo({ logLevel: 'warn' });
  const command = kafkaCommand('partita stray', 'Logs that a broker set aside.');
  const listing = command
    .command('list')
    .description('print what was set aside, a folder a line; it is read with kafka-dump-log.sh')
    .action((flags: WhereFlags) => {
      const strays = listStrays(io.disk, directoriesOf(io, flags));
      process.stdout.write(strays.map(lineOf).join(''));
    });
  const restoring = command
    .command('restore')
    .description('put a folder in the place of the topic as it is now; the broker must be stopped')
    .argument('<folder>', 'its name or path, as list prints it')
    .option('--topic <name>', 'the topic to be of; default: the one in the name of the folder')
    .option('--set-present-aside', 'set the present log aside in turn if it has records')
    .action(async (folder: string, flags: RestoreFlags) => {
      const name = folder.replace(/\/+$/, '').replace(/^.*\//, '');
      const { path, topicId, presentKept } = await restoreStray(io, {
        directories: directoriesOf(io, flags),
        name,
        topic: flags.topic,
        setsPresentAside: flags.setPresentAside === true,
      });
      const kept = presentKept === null ? '' : `; what was there is kept in ${presentKept}`;
      process.stdout.write(`${name} is ${path} now, of the topic ${topicId}${kept}\n`);
    });
  for (const each of [listing, restoring]) {
    each.copyInheritedSettings(command);
    each.option('--log-dirs <paths>', 'the log directories, with commas between them');
    each.option('--config <file>', 'the server.properties file that names them');
  }
  await command.parseAsync(args, { from: 'user' });
  return 0;
}
