// kafka-configs: describe or change the configuration of topics and brokers, and the quotas of
// users, clients and addresses, in Kafka's words. The other kinds of entities are understood, and
// refused with a line, until what they configure is there.

import { type Command, Option } from 'commander';
import type {
  Admin,
  ConfigAlteration,
  ConfigEntry,
  ConfigResource,
  ConfigSource,
} from '../client/index.ts';
import { parseProperties } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { addClientFlags, type ClientFlags, readText, withAdmin } from './client-flags.ts';
import { hidden, kafkaCommand, parseFlags, repeatable, UsageError } from './command-line.ts';
import { parseAddedConfigs } from './configs/added-configs.ts';
import { type Entity, type EntityFlags, entityOf } from './configs/entity.ts';
import { quotaPartsOf } from './configs/quota-entity.ts';
import { alterQuotas, describeQuotas } from './configs/quotas.ts';

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

const dynamicSource: Readonly<Record<string, ConfigSource>> = {
  topic: 'DYNAMIC_TOPIC_CONFIG',
  broker: 'DYNAMIC_BROKER_CONFIG',
  brokerDefault: 'DYNAMIC_DEFAULT_BROKER_CONFIG',
};

function configsCommand(): Command {
  const command = kafkaCommand(
    'kafka-configs.sh',
    'Describe or change the configuration of topics and brokers, and quotas.',
  )
    .option('--describe', 'print configs')
    .option('--alter', 'change configs')
    .option('--all', 'describe all configs, not only those that were set while the cluster ran')
    .option('--entity-type <type>', 'topics, brokers, users, clients or ips')
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

async function dynamicConfigs(admin: Admin, entity: Entity, all: boolean): Promise<ConfigEntry[]> {
  const resource: ConfigResource = { type: entity.type, name: entity.name };
  const [described] = await admin.describeConfigs([resource]);
  if (described === undefined || described.error !== null) {
    throw described?.error ?? new Error(`nothing was said about ${entity.name}`);
  }
  const isDefault = entity.type === 'broker' && entity.name === '';
  const source = dynamicSource[isDefault ? 'brokerDefault' : entity.type];
  return described.configs
    .filter((entry) => (all && !isDefault) || entry.source === source)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The entities that are meant when no name is given. */
async function everyEntity(admin: Admin, { type }: Entity): Promise<string[]> {
  if (type === 'topic') {
    return (await admin.listTopics({ includeInternal: true })).map(({ name }) => name).sort();
  }
  const { nodes } = await admin.describeCluster();
  return [...nodes.map(({ nodeId }) => String(nodeId)).sort(), ''];
}

async function describe(admin: Admin, entity: Entity, all: boolean): Promise<void> {
  const known = await everyEntity(admin, entity);
  if (!entity.isAll && !all && !known.includes(entity.name)) {
    process.stdout.write(
      `The ${entity.type} '${entity.name}' doesn't exist and doesn't have dynamic config.\n`,
    );
    return;
  }
  for (const name of entity.isAll ? known : [entity.name]) {
    const entries = await dynamicConfigs(admin, { ...entity, name }, all);
    const title =
      name === ''
        ? 'Default configs for brokers in the cluster are:'
        : `${all ? 'All' : 'Dynamic'} configs for ${entity.type} ${name} are:`;
    const lines = entries.map((entry) => {
      const synonyms = entry.synonyms.map((each) => `${each.source}:${each.name}=${each.value}`);
      return (
        `  ${entry.name}=${entry.value} sensitive=${entry.isSensitive} ` +
        `synonyms={${synonyms.join(', ')}}`
      );
    });
    process.stdout.write(`${[title, ...lines].join('\n')}\n`);
  }
}

function alterations(io: Io, flags: Flags): ConfigAlteration[] {
  const { addConfig, addConfigFile } = flags;
  if (addConfig !== undefined && addConfigFile !== undefined) {
    throw new UsageError('Only one of --add-config and --add-config-file can be used');
  }
  const added =
    addConfigFile !== undefined
      ? parseProperties(readText(io, addConfigFile))
      : parseAddedConfigs(addConfig ?? '');
  const deleted = (flags.deleteConfig ?? [])
    .flatMap((each) => each.split(','))
    .map((each) => each.trim())
    .filter((each) => each !== '');
  const both = deleted.find((name) => added.has(name));
  if (both !== undefined) throw new UsageError(`${both} is to be both set and deleted`);
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

async function alter(
  admin: Admin,
  entity: Entity,
  configs: readonly ConfigAlteration[],
): Promise<void> {
  const present = new Set((await dynamicConfigs(admin, entity, false)).map(({ name }) => name));
  const missing = configs
    .filter(({ name, operation }) => operation === 'delete' && !present.has(name))
    .map(({ name }) => name);
  if (missing.length > 0) throw new UsageError(`Invalid config(s): ${missing.join(',')}`);
  const [result] = await admin.incrementalAlterConfigs([
    { type: entity.type, name: entity.name, configs },
  ]);
  if (result !== undefined && result.error !== null) throw result.error;
  process.stdout.write(
    entity.name === ''
      ? 'Completed updating default config for brokers in the cluster.\n'
      : `Completed updating config for ${entity.type} ${entity.name}.\n`,
  );
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(configsCommand(), args);
  if ((flags.describe === true) === (flags.alter === true)) {
    throw new UsageError(
      'Command must include exactly one action: --describe, --alter (see --help)',
    );
  }
  const quotaParts = quotaPartsOf(args, flags);
  const entity = quotaParts === null ? entityOf(flags) : null;
  const servers = flags.bootstrapServer ?? flags.bootstrapController;
  const clientFlags = servers === undefined ? flags : { ...flags, bootstrapServer: servers };
  try {
    await withAdmin('kafka-configs', clientFlags, async (admin, io) => {
      if (quotaParts !== null) {
        if (flags.describe) return describeQuotas(admin, quotaParts);
        return alterQuotas(admin, quotaParts, alterations(io, flags));
      }
      if (entity === null) return;
      if (flags.describe) return describe(admin, entity, flags.all === true);
      if (entity.isAll) {
        throw new UsageError('An entity name must be specified with --alter: --entity-name NAME');
      }
      return alter(admin, entity, alterations(io, flags));
    });
    return 0;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    process.stderr.write(
      `Error while executing config command with args '${args.join(' ')}'\n${error.message}\n`,
    );
    return 1;
  }
}
