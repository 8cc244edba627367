// Which users, clients and addresses the flags of kafka-configs are about. Types and names are
// given in order and may repeat: --entity-type users --entity-name a --entity-type clients.

import type { QuotaEntity, QuotaFilter } from '../../client/index.ts';
import { UsageError } from '../command-line.ts';
import type { EntityFlags } from './entity.ts';

/** One kind of entity; `name` is null for the default, undefined for all. */
export interface QuotaPart {
  readonly type: 'users' | 'clients' | 'ips';
  readonly name: string | null | undefined;
}

/** What a connection is known by; a host name would never match it. */
const addressPattern = /^(\d{1,3}(\.\d{1,3}){3}|[\da-f.]*:[\da-f:.]*)$/i;

const entityTypes = { users: 'user', clients: 'client-id', ips: 'ip' } as const;

/** null when the flags are about something that has no quotas. */
export function quotaPartsOf(args: readonly string[], flags: EntityFlags): QuotaPart[] | null {
  const types = valuesOf(args, '--entity-type').map(({ value }) => value ?? '');
  const names: (string | null)[] = [];
  for (const [i, arg] of args.entries()) {
    if (arg === '--entity-default') names.push(null);
    else if (arg === '--entity-name') names.push(args[i + 1] ?? '');
    else if (arg.startsWith('--entity-name=')) names.push(arg.slice('--entity-name='.length));
  }
  const parts: { type: string; name: string | null | undefined }[] = types.map((type, i) => {
    return { type, name: names[i] };
  });
  if (flags.user !== undefined) parts.push({ type: 'users', name: flags.user });
  if (flags.userDefaults) parts.push({ type: 'users', name: null });
  if (flags.client !== undefined) parts.push({ type: 'clients', name: flags.client });
  if (flags.clientDefaults) parts.push({ type: 'clients', name: null });
  if (flags.ip !== undefined) parts.push({ type: 'ips', name: flags.ip });
  if (flags.ipDefaults) parts.push({ type: 'ips', name: null });
  if (!parts.some(({ type }) => type in entityTypes)) return null;
  const isPair = parts.every(({ type }) => type === 'users' || type === 'clients');
  if (parts.length > 1 && !isPair) {
    throw new UsageError("Only 'users' and 'clients' entity types may be specified together");
  }
  if (new Set(parts.map(({ type }) => type)).size < parts.length) {
    throw new UsageError('Duplicate entity type(s) specified');
  }
  const [part] = parts;
  if (part?.type === 'ips' && typeof part.name === 'string' && !addressPattern.test(part.name)) {
    const why = `must be a valid IP or resolvable host, but it is: ${part.name}`;
    throw new UsageError(`The entity name for ips ${why}`);
  }
  return parts as QuotaPart[];
}

export function filtersOf(parts: readonly QuotaPart[]): QuotaFilter[] {
  return parts.map(({ type, name }) => ({ entityType: entityTypes[type], match: name }));
}

/** @throws UsageError if a part has no name: only one entity can be changed at a time */
export function entityOfParts(parts: readonly QuotaPart[]): QuotaEntity {
  if (parts.some(({ name }) => name === undefined)) {
    throw new UsageError(
      'An entity-name or default entity must be specified with --alter of users, clients, ' +
        'brokers or ips',
    );
  }
  return Object.fromEntries(parts.map(({ type, name }) => [entityTypes[type], name ?? null]));
}

function valuesOf(args: readonly string[], flag: string): { value: string | undefined }[] {
  const found: { value: string | undefined }[] = [];
  for (const [i, arg] of args.entries()) {
    if (arg === flag) found.push({ value: args[i + 1] });
    else if (arg.startsWith(`${flag}=`)) found.push({ value: arg.slice(flag.length + 1) });
  }
  return found;
}
