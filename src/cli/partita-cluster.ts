// partita cluster: the metadata of a cluster as a whole. Its store is the one that the given
// configuration names, as `partita start` would use it.

import { createNodeIo } from '../io/index.ts';
import { adopt } from './cluster/adopt.ts';
import { dump, restore } from './cluster/dump-and-restore.ts';
import { recover } from './cluster/recover.ts';
import { replicas } from './cluster/replicas.ts';
import { integer, kafkaCommand, repeatable } from './command-line.ts';

export async function run(args: readonly string[]): Promise<number> {
  const io = createNodeIo({ logLevel: 'warn' });
  let exitCode = 0;
  const command = kafkaCommand('partita cluster', 'The metadata of a cluster, as a whole.');
  command
    .command('dump')
    .description(
      'write down all metadata, a record a line: of the store that the configuration names, or, ' +
        'where it names none, of that broker, which must be stopped',
    )
    .option('--to <file>', 'the file to be written; - is standard output', '-')
    .action((flags) => dump(io, flags));
  command
    .command('restore')
    .description(
      'make an empty store that of the cluster which was dumped; brokers that knew the store of ' +
        'before are let in by partita cluster recover',
    )
    .requiredOption('--from <file>', 'what dump has written; - is standard input')
    .action((flags) => restore(io, flags));
  command
    .command('adopt')
    .description(
      'take a broker on its own that is stopped, with the log.dirs of this configuration, to ' +
        'the empty store that it names: topics, users, groups, transactions and all; what was ' +
        'cut short is run again',
    )
    .action((flags) => adopt(io, flags));
  command
    .command('replicas')
    .description(
      'write down, for kafka-reassign-partitions.sh, how topics get more replicas: after adopt, ' +
        'the internal ones, which have one',
    )
    .requiredOption('--topics <names>', 'with commas between them')
    .requiredOption(
      '--replication-factor <number>',
      'how many replicas each partition is to have',
      integer('--replication-factor', 1, 100),
    )
    .option('--to <file>', 'the file to be written; - is standard output', '-')
    .action((flags) => replicas(io, flags));
  command
    .command('recover')
    .description(
      'show what brokers have that the store lacks (it was put back, or restored), and let them ' +
        'go on with the store as it is; all brokers must be stopped',
    )
    .option('--log-dirs <paths>', 'of more brokers, with commas between them, where they are here')
    .option('--yes', 'do it: what is shown as lost is lost')
    .action(async (flags) => {
      exitCode = await recover(io, flags);
    });
  for (const each of command.commands) {
    each.copyInheritedSettings(command);
    each.requiredOption('--config <file>', 'the server.properties file of a broker of the cluster');
    each.addOption(repeatable('--override <key=value>', 'as partita start takes it (repeat)'));
  }
  await command.parseAsync(args, { from: 'user' });
  return exitCode;
}
