// The configs of topics, brokers, groups, subscriptions to client metrics and loggers, in the words
// and layout of Kafka's kafka-configs.

import type {
  Admin,
  ConfigAlteration,
  ConfigEntry,
  ConfigResource,
  ConfigResourceType,
  ConfigSource,
} from '../../client/index.ts';
import { UsageError } from '../command-line.ts';
import type { Entity, EntityType } from './entity.ts';

interface Kind {
  readonly type: ConfigResourceType;
  readonly source: ConfigSource;
}

const kinds: Readonly<Partial<Record<EntityType, Kind>>> = {
  topics: { type: 'topic', source: 'DYNAMIC_TOPIC_CONFIG' },
  brokers: { type: 'broker', source: 'DYNAMIC_BROKER_CONFIG' },
  groups: { type: 'group', source: 'DYNAMIC_GROUP_CONFIG' },
  'client-metrics': { type: 'clientMetrics', source: 'DYNAMIC_CLIENT_METRICS_CONFIG' },
  'broker-loggers': { type: 'brokerLogger', source: 'DYNAMIC_BROKER_LOGGER_CONFIG' },
};

/** One entity that is described or changed; an empty name is the default of all brokers. */
interface Resource extends ConfigResource {
  /** As Kafka calls one of the kind: client-metric. */
  readonly word: string;
  readonly source: ConfigSource;
}

function resourceOf({ type }: Entity, name: string): Resource {
  const { type: resourceType, source } = kinds[type] as Kind;
  const isDefault = type === 'brokers' && name === '';
  return {
    type: resourceType,
    name,
    word: type.slice(0, -1),
    source: isDefault ? 'DYNAMIC_DEFAULT_BROKER_CONFIG' : source,
  };
}

/** The names that there are, in the order in which they are described. */
async function namesOf(admin: Admin, { type }: Entity): Promise<string[]> {
  switch (type) {
    case 'topics':
      return (await admin.listTopics({ includeInternal: true })).map(({ name }) => name).sort();
    case 'client-metrics':
      return (await admin.listConfigResources(['clientMetrics'])).map(({ name }) => name).sort();
    case 'groups': {
      const configured = await admin.listConfigResources(['group']);
      const { groups } = await admin.listGroups();
      const names = [
        ...configured.map(({ name }) => name),
        ...groups.map(({ groupId }) => groupId),
      ];
      return [...new Set(names)].sort();
    }
    default: {
      const { nodes } = await admin.describeCluster();
      const ids = nodes.map(({ nodeId }) => nodeId).sort((a, b) => a - b);
      return [...ids.map(String), ...(type === 'brokers' ? [''] : [])];
    }
  }
}

async function entriesOf(admin: Admin, resource: Resource, all: boolean): Promise<ConfigEntry[]> {
  const { type, name, source } = resource;
  const [described] = await admin.describeConfigs([{ type, name }]);
  if (described === undefined || described.error !== null) {
    throw described?.error ?? new Error(`nothing was said about ${name}`);
  }
  const isDefault = source === 'DYNAMIC_DEFAULT_BROKER_CONFIG';
  return described.configs
    .filter((entry) => (all && !isDefault) || entry.source === source)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function describeResources(admin: Admin, entity: Entity, all: boolean): Promise<void> {
  const known = await namesOf(admin, entity);
  const name = entity.name === null ? '' : entity.name;
  if (name !== undefined && !all && !known.includes(name)) {
    const { word } = resourceOf(entity, name);
    process.stdout.write(`The ${word} '${name}' doesn't exist and doesn't have dynamic config.\n`);
    return;
  }
  for (const each of name === undefined ? known : [name]) {
    await describeOne(admin, resourceOf(entity, each), all);
  }
}

async function describeOne(admin: Admin, resource: Resource, all: boolean): Promise<void> {
  const isDefault = resource.source === 'DYNAMIC_DEFAULT_BROKER_CONFIG';
  process.stdout.write(
    isDefault
      ? 'Default configs for brokers in the cluster are:\n'
      : `${all ? 'All' : 'Dynamic'} configs for ${resource.word} ${resource.name} are:\n`,
  );
  for (const entry of await entriesOf(admin, resource, all)) {
    const synonyms = entry.synonyms.map((each) => `${each.source}:${each.name}=${each.value}`);
    process.stdout.write(
      `  ${entry.name}=${entry.value} sensitive=${entry.isSensitive} ` +
        `synonyms={${synonyms.join(', ')}}\n`,
    );
  }
}

export async function alterResource(
  admin: Admin,
  entity: Entity,
  configs: readonly ConfigAlteration[],
): Promise<void> {
  const resource = resourceOf(entity, entity.name ?? '');
  const { type, name, word } = resource;
  if (type === 'brokerLogger') await assertLoggers(admin, resource, configs);
  const [result] = await admin.incrementalAlterConfigs([{ type, name, configs }]);
  if (result !== undefined && result.error !== null) throw result.error;
  process.stdout.write(
    name === ''
      ? 'Completed updating default config for brokers in the cluster.\n'
      : `Completed updating config for ${word} ${name}.\n`,
  );
}

async function assertLoggers(
  admin: Admin,
  resource: Resource,
  configs: readonly ConfigAlteration[],
): Promise<void> {
  const known = new Set((await entriesOf(admin, resource, true)).map(({ name }) => name));
  const unknown = configs.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  if (unknown.length > 0) {
    throw new UsageError(`Invalid broker logger(s): ${unknown.join(',')}`);
  }
}
