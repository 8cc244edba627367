// kafka-configs: describe or change the configuration of topics, brokers and their loggers, groups
// and subscriptions to client metrics, the quotas of users, clients and addresses, and the SCRAM
// credentials of users, in Kafka's words.

import { type Command, Option } from 'commander';
import type { ConfigAlteration } from '../client/index.ts';
import { parseProperties } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { hidden, kafkaCommand, parseFlags, repeatable, UsageError } from './command-line.ts';
import { parseAddedConfigs, withoutSecrets } from './configs/added-configs.ts';
import { type Entity, type EntityFlags, entitiesOf } from './configs/entity.ts';
import { quotaPartsOf } from './configs/quota-entity.ts';
import { alterQuotas, describeQuotas } from './configs/quotas.ts';
import { alterResource, describeResources } from './configs/resources.ts';
import { alterScram, describeScram, scramAlterations } from './configs/scram.ts';
import { readText } from './read-text.ts';

interface Flags extends ClientFlags, EntityFlags {
  bootstrapController?: string;
  describe?: true;
  alter?: true;
  all?: true;
  force?: true;
  addConfig?: string;
  addConfigFile?: string;
  deleteConfig?: string[];
}

function configsCommand(): Command {
  const command = kafkaCommand(
    'kafka-configs.sh',
    'Describe or change configurations, quotas and credentials.',
  )
    .option('--describe', 'print configs')
    .option('--alter', 'change configs')
    .option('--all', 'describe all configs, not only those that were set while the cluster ran')
    .option(
      '--entity-type <type>',
      'topics, brokers, broker-loggers, groups, client-metrics, users, clients or ips',
    )
    .option('--entity-name <name>', "a topic's name or a broker's id")
    .option('--entity-default', 'the default of all entities of the type')
    .option('--topic <name>', 'short for --entity-type topics --entity-name')
    .option('--broker <id>', 'short for --entity-type brokers --entity-name')
    .option('--broker-defaults', 'short for --entity-type brokers --entity-default')
    .option(
      '--add-config <k=v,...>',
      'configs to set; brackets around a value with commas: k1=v1,k2=[a,b]',
    )
    .option('--add-config-file <file>', 'configs to set, as a properties file')
    .addOption(repeatable('--delete-config <k,...>', 'configs to remove (repeat)'))
    .option('--bootstrap-controller <host:port>', 'as --bootstrap-server')
    .addOption(hidden(new Option('--force', 'accepted: nothing is asked back')));
  for (const name of ['user', 'client', 'ip', 'group', 'client-metrics', 'broker-logger']) {
    command.addOption(hidden(new Option(`--${name} <name>`, `a ${name}`)));
  }
  for (const name of ['user', 'client', 'ip']) {
    command.addOption(hidden(new Option(`--${name}-defaults`, `the default of all ${name}s`)));
  }
  addClientFlags(command, 'admin');
  return command;
}

function alterations(io: Io, flags: Flags): ConfigAlteration[] {
  const { addConfig, addConfigFile } = flags;
  if (addConfig !== undefined && addConfigFile !== undefined) {
    throw new UsageError('Only one of --add-config or --add-config-file must be specified');
  }
  const added =
    addConfigFile !== undefined
      ? parseProperties(readText(io, addConfigFile))
      : parseAddedConfigs(addConfig ?? '');
  const deleted = (flags.deleteConfig ?? [])
    .flatMap((each) => each.split(','))
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (added.size === 0 && deleted.length === 0) {
    throw new UsageError(
      'At least one of --add-config, --add-config-file, or --delete-config must be specified ' +
        'with --alter',
    );
  }
  return [
    ...[...added].map(([name, value]) => ({ name, operation: 'set' as const, value })),
    ...deleted.map((name) => ({ name, operation: 'delete' as const })),
  ];
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(configsCommand(), args);
  if ((flags.describe === true) === (flags.alter === true)) {
    throw new UsageError(
      'Command must include exactly one action: --describe, --alter (see --help)',
    );
  }
  const entities = entitiesOf(args, flags, flags.describe === true);
  const quotaParts = quotaPartsOf(entities);
  const servers = flags.bootstrapServer ?? flags.bootstrapController;
  const clientFlags = servers === undefined ? flags : { ...flags, bootstrapServer: servers };
  try {
    await withAdmin('kafka-configs', clientFlags, async (admin, io) => {
      if (quotaParts === null) {
        const entity = entities[0] as Entity;
        if (flags.describe) return describeResources(admin, entity, flags.all === true);
        return alterResource(admin, entity, alterations(io, flags));
      }
      if (flags.describe) {
        await describeQuotas(admin, quotaParts);
        return describeScram(admin, quotaParts);
      }
      const configs = alterations(io, flags);
      const credentials = scramAlterations(quotaParts, configs);
      if (credentials !== null) return alterScram(admin, credentials);
      return alterQuotas(admin, quotaParts, configs);
    });
    return 0;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    process.stderr.write(
      `Error while executing config command with args '${withoutSecrets(args)}'\n` +
        `${error.message}\n`,
    );
    return 1;
  }
}
