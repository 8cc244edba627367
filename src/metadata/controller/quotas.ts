// Client quotas (KIP-546): values by entity, where an entity is any of user, client-id, ip, each
// named or the default. Also how a question about quotas finds its entries in an image.

import { pushAll } from '../../base/push-all.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { MetadataImage, QuotaEntity, QuotaImage } from '../image.ts';
import { quotaKey } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type AlterClientQuotasRequest,
  type AlterClientQuotasResult,
  itemError,
  type QuotaAlteration,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';

const entityTypes = ['user', 'client-id', 'ip'];
const clientKeys = [
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'controller_mutation_rate',
];
const ipKeys = ['connection_creation_rate'];

export function alterClientQuotas(
  machine: ControllerMachine,
  request: AlterClientQuotasRequest,
): Decision<MetadataRecord, AlterClientQuotasResult[]> {
  const records: MetadataRecord[] = [];
  const response: AlterClientQuotasResult[] = [];
  for (const entry of request.entries) {
    try {
      pushAll(records, quotaRecords(machine.image, entry));
      response.push({ entity: entry.entity, error: null });
    } catch (error) {
      response.push({ entity: entry.entity, error: itemError(error) });
    }
  }
  return { records: request.validateOnly ? [] : records, response };
}

function quotaRecords(image: MetadataImage, { entity, ops }: QuotaAlteration): MetadataRecord[] {
  const keys = assertEntity(entity);
  const before = image.quotas.get(quotaKey(entity))?.values;
  const parts = Object.entries(entity).map(([entityType, entityName]) => ({
    entityType,
    entityName,
  }));
  const seen = new Set<string>();
  const records: MetadataRecord[] = [];
  for (const { key, value } of ops) {
    if (seen.has(key)) throw new KafkaError('INVALID_REQUEST', `Duplicate quota key ${key}.`);
    seen.add(key);
    if (!keys.includes(key)) {
      throw new KafkaError('INVALID_REQUEST', `Quota key ${key} is not one of ${keys.join(', ')}.`);
    }
    const record = { type: 'ClientQuotaRecord', entity: parts, key } as const;
    if (value === null) {
      if (before?.has(key)) records.push({ ...record, value: 0, remove: true });
      continue;
    }
    assertValue(key, value);
    if (before?.get(key) !== value) records.push({ ...record, value, remove: false });
  }
  return records;
}

/** The keys that the entity can have. */
function assertEntity(entity: QuotaEntity): readonly string[] {
  const types = Object.keys(entity);
  const refuse = (why: string): never => {
    throw new KafkaError('INVALID_REQUEST', why);
  };
  if (types.length === 0) refuse('The quota entity is empty.');
  for (const type of types) {
    if (!entityTypes.includes(type)) refuse(`Quota entity type ${type} is unknown.`);
    if (entity[type] === '') refuse(`The name of the quota entity ${type} is empty.`);
  }
  if (!types.includes('ip')) return clientKeys;
  if (types.length > 1) refuse('The quota entity ip cannot be combined with others.');
  return ipKeys;
}

function assertValue(key: string, value: number): void {
  if (!Number.isFinite(value) || value <= 0) {
    throw new KafkaError('INVALID_REQUEST', `Quota ${key} must be greater than 0`);
  }
  const isFraction = key === 'request_percentage' || key === 'controller_mutation_rate';
  if (!isFraction && !Number.isInteger(value)) {
    throw new KafkaError('INVALID_REQUEST', `${key} cannot be a fractional value.`);
  }
}

/** One condition on an entity: a name, the default (null), or any name (undefined). */
export interface QuotaFilter {
  readonly entityType: string;
  readonly match: string | null | undefined;
}

/** What DescribeClientQuotas answers; `strict` leaves out entities with parts not asked for. */
export function findQuotas(
  image: MetadataImage,
  filters: readonly QuotaFilter[],
  strict: boolean,
): QuotaImage[] {
  const found: QuotaImage[] = [];
  for (const quota of image.quotas.values()) {
    const { entity } = quota;
    const isMatch = filters.every(({ entityType, match }) => {
      const name = entity[entityType];
      return name !== undefined && (match === undefined || name === match);
    });
    if (!isMatch || (strict && Object.keys(entity).length !== filters.length)) continue;
    found.push(quota);
  }
  return found;
}
