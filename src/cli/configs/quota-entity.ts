// Users, clients and addresses as entities of quotas.

import type { QuotaEntity, QuotaFilter } from '../../client/index.ts';
import { UsageError } from '../command-line.ts';
import type { Entity } from './entity.ts';

/** One kind of entity; `name` is null for the default, undefined for all. */
export interface QuotaPart extends Entity {
  readonly type: 'users' | 'clients' | 'ips';
}

const entityTypes = { users: 'user', clients: 'client-id', ips: 'ip' } as const;

/** null when the entities are of a kind that has no quotas. */
export function quotaPartsOf(entities: readonly Entity[]): readonly QuotaPart[] | null {
  return entities.every((entity) => entity.type in entityTypes) ? (entities as QuotaPart[]) : null;
}

export function filtersOf(parts: readonly QuotaPart[]): QuotaFilter[] {
  return parts.map(({ type, name }) => ({ entityType: entityTypes[type], match: name }));
}

/** @throws UsageError if a part has no name: only one entity can be changed at a time */
export function entityOfParts(parts: readonly QuotaPart[]): QuotaEntity {
  if (parts.some(({ name }) => name === undefined)) {
    throw new UsageError('An entity name must be specified for every entity type');
  }
  return Object.fromEntries(parts.map(({ type, name }) => [entityTypes[type], name ?? null]));
}
