// Which entities the flags of kafka-configs are about: one of a kind, or a user and a client
// together. Types and names are given in order and may repeat: --entity-type users --entity-name a
// --entity-type clients.
//
// Invariant: what can only be refused is refused before the cluster is asked, in Kafka's words.

import { UsageError } from '../command-line.ts';

export interface EntityFlags {
  entityType?: string;
  entityName?: string;
  entityDefault?: true;
  topic?: string;
  broker?: string;
  brokerDefaults?: true;
  user?: string;
  userDefaults?: true;
  client?: string;
  clientDefaults?: true;
  ip?: string;
  ipDefaults?: true;
  group?: string;
  clientMetrics?: string;
  brokerLogger?: string;
}

/** What a connection is known by; a host name would never match it. */
const addressPattern = /^(\d{1,3}(\.\d{1,3}){3}|[\da-f.]*:[\da-f:.]*)$/i;

const entityTypes = [
  'topics',
  'clients',
  'users',
  'brokers',
  'ips',
  'client-metrics',
  'groups',
  'broker-loggers',
] as const;

export type EntityType = (typeof entityTypes)[number];

/** `name` is null for the default of all entities of the type, undefined when none was given. */
export interface Entity {
  readonly type: EntityType;
  readonly name: string | null | undefined;
}

const shortNames: readonly [keyof EntityFlags, EntityType][] = [
  ['topic', 'topics'],
  ['client', 'clients'],
  ['user', 'users'],
  ['broker', 'brokers'],
  ['brokerLogger', 'broker-loggers'],
  ['ip', 'ips'],
  ['clientMetrics', 'client-metrics'],
  ['group', 'groups'],
];

const shortDefaults: readonly [keyof EntityFlags, EntityType][] = [
  ['clientDefaults', 'clients'],
  ['userDefaults', 'users'],
  ['brokerDefaults', 'brokers'],
  ['ipDefaults', 'ips'],
];

/** Types that have defaults for all of their entities. */
const withDefaults: readonly EntityType[] = ['users', 'clients', 'brokers', 'ips'];

/** @throws UsageError */
export function entitiesOf(
  args: readonly string[],
  flags: EntityFlags,
  isDescribe: boolean,
): Entity[] {
  const long = longEntities(args);
  const short: Entity[] = [];
  for (const [flag, type] of shortNames) {
    const name = flags[flag];
    if (typeof name === 'string') short.push({ type, name });
  }
  for (const [flag, type] of shortDefaults) if (flags[flag]) short.push({ type, name: null });
  const entities = [...long, ...short];
  if (entities.length === 0) throw new UsageError('At least one entity type must be specified');
  assertTypes(entities);
  const isLong = long.length > 0 || flags.entityName !== undefined || flags.entityDefault;
  if (short.length > 0 && isLong) {
    throw new UsageError(
      '--entity-{type,name,default} should not be used in conjunction with specific entity flags',
    );
  }
  for (const entity of entities) assertName(entity, isDescribe);
  return entities;
}

function longEntities(args: readonly string[]): Entity[] {
  const types: string[] = [];
  const names: (string | null)[] = [];
  for (const [i, arg] of args.entries()) {
    if (arg === '--entity-type') types.push(args[i + 1] ?? '');
    else if (arg.startsWith('--entity-type=')) types.push(arg.slice('--entity-type='.length));
    else if (arg === '--entity-default') names.push(null);
    else if (arg === '--entity-name') names.push(args[i + 1] ?? '');
    else if (arg.startsWith('--entity-name=')) names.push(arg.slice('--entity-name='.length));
  }
  return types.map((type, i) => ({ type: type as EntityType, name: names[i] }));
}

function assertTypes(entities: readonly Entity[]): void {
  const types = entities.map(({ type }) => type);
  const unknown = types.find((type) => !entityTypes.includes(type));
  if (unknown !== undefined) {
    throw new UsageError(
      `Invalid entity type ${unknown}, the entity type must be one of ` +
        `${entityTypes.join(', ')} with a --bootstrap-server or --bootstrap-controller argument`,
    );
  }
  const repeated = types.filter((type, i) => types.indexOf(type) !== i);
  if (repeated.length > 0) {
    throw new UsageError(`Duplicate entity type(s) specified: ${repeated.join(',')}`);
  }
  if (types.length > 1 && types.some((type) => type !== 'users' && type !== 'clients')) {
    throw new UsageError("Only 'users' and 'clients' entity types may be specified together");
  }
}

function assertName({ type, name }: Entity, isDescribe: boolean): void {
  if (isDescribe) {
    if (name === null && !withDefaults.includes(type)) {
      throw new UsageError(`--entity-default must not be specified with --describe of ${type}`);
    }
    if (type === 'broker-loggers' && (name === undefined || name === '')) {
      throw new UsageError(`An entity name must be specified with --describe of ${type}`);
    }
  } else if (withDefaults.includes(type)) {
    if (name === undefined) {
      throw new UsageError(
        'An entity-name or default entity must be specified with --alter of users, clients, ' +
          'brokers or ips',
      );
    }
  } else if (name === undefined || name === null || name === '') {
    throw new UsageError(`An entity name must be specified with --alter of ${type}`);
  }
  if (typeof name !== 'string') return;
  if ((type === 'brokers' || type === 'broker-loggers') && !/^\d+$/.test(name)) {
    throw new UsageError(
      `The entity name for ${type} must be a valid integer broker id, but it is: ${name}`,
    );
  }
  if (type === 'ips' && !addressPattern.test(name)) {
    throw new UsageError(
      `The entity name for ips must be a valid IP or resolvable host, but it is: ${name}`,
    );
  }
}
