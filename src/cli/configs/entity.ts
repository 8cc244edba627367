// Which topic or broker the flags of kafka-configs are about.

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

export interface Entity {
  readonly type: 'topic' | 'broker';
  /** Empty for the default of all brokers. */
  readonly name: string;
  /** No name was given: all of the type are meant. */
  readonly isAll: boolean;
}

const later: Readonly<Record<string, string>> = {
  groups: 'groups come with the group coordinator',
  'client-metrics': 'subscriptions to client metrics come with metrics',
  'broker-loggers': 'PARTITA_LOG_LEVEL sets the level of the log when the broker starts',
};

export function entityOf(flags: EntityFlags): Entity {
  if (flags.topic !== undefined) return named('topic', flags.topic);
  if (flags.broker !== undefined) return named('broker', flags.broker);
  if (flags.brokerDefaults) return { type: 'broker', name: '', isAll: false };
  const type = flags.entityType ?? shortcutType(flags);
  if (type === undefined) {
    throw new UsageError('Missing required argument "[entity-type]": topics or brokers');
  }
  const refusal = later[type];
  if (refusal !== undefined)
    throw new UsageError(`--entity-type ${type} is not there yet: ${refusal}`);
  if (type !== 'topics' && type !== 'brokers') {
    throw new UsageError(
      `Invalid entity type ${type}, the entity type must be one of topics, brokers, ` +
        Object.keys(later).join(', '),
    );
  }
  const kind = type === 'topics' ? 'topic' : 'broker';
  if (flags.entityDefault && kind === 'topic') {
    throw new UsageError('topics have no default entity; their defaults are configs of brokers');
  }
  if (flags.entityName !== undefined) return named(kind, flags.entityName);
  return { type: kind, name: '', isAll: flags.entityDefault !== true };
}

function named(type: Entity['type'], name: string): Entity {
  if (type === 'broker' && !/^\d+$/.test(name)) {
    throw new UsageError(`the name of a broker is its id, a whole number, not '${name}'`);
  }
  if (name === '') throw new UsageError(`the name of the ${type} is empty`);
  return { type, name, isAll: false };
}

function shortcutType(flags: EntityFlags): string | undefined {
  if (flags.user !== undefined || flags.userDefaults) return 'users';
  if (flags.client !== undefined || flags.clientDefaults) return 'clients';
  if (flags.ip !== undefined || flags.ipDefaults) return 'ips';
  if (flags.group !== undefined) return 'groups';
  if (flags.clientMetrics !== undefined) return 'client-metrics';
  if (flags.brokerLogger !== undefined) return 'broker-loggers';
  return undefined;
}
