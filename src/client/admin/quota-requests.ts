// Describing and changing client quotas (KIP-546). An entity is any of user, client-id and ip,
// each by name or as the default (null).

import { alterClientQuotas, describeClientQuotas, type KafkaError } from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import { errorOf } from './admin-results.ts';

/** Such as { user: 'alice', 'client-id': null }. */
export type QuotaEntity = Readonly<Record<string, string | null>>;

export interface QuotaFilter {
  /** user, client-id or ip */
  readonly entityType: string;
  /** A name, null for the default entity, undefined for any. */
  readonly match?: string | null | undefined;
}

export interface QuotaDescription {
  readonly entity: QuotaEntity;
  readonly values: Readonly<Record<string, number>>;
}

export interface QuotaAlteration {
  readonly entity: QuotaEntity;
  /** New values; null removes the quota. */
  readonly values: Readonly<Record<string, number | null>>;
}

export interface QuotaResult {
  readonly entity: QuotaEntity;
  readonly error: KafkaError | null;
}

/** How `admin.describeClientQuotas` matches. */
export interface DescribeQuotasOptions extends CallOptions {
  /** Leave out entities with parts that no filter names. Default false. */
  readonly strict?: boolean | undefined;
}

export function describeQuotas(
  client: Client,
  filters: readonly QuotaFilter[],
  options: DescribeQuotasOptions,
): Promise<QuotaDescription[]> {
  const components = filters.map(({ entityType, match }) => ({
    entityType,
    matchType: match === undefined ? 2 : match === null ? 1 : 0,
    match: match ?? null,
  }));
  const body = { components, strict: options.strict ?? false };
  return client.retry(async ({ timeoutMs }) => {
    const answer = await client.requestToAny(describeClientQuotas, body, { timeoutMs });
    const error = errorOf(answer.errorCode, answer.errorMessage);
    if (error !== null) throw error;
    return (answer.entries ?? []).map(({ entity, values }) => ({
      entity: entityOf(entity),
      values: Object.fromEntries(values.map(({ key, value }) => [key, value])),
    }));
  }, options);
}

export function alterQuotas(
  client: Client,
  alterations: readonly QuotaAlteration[],
  options: CallOptions & { readonly validateOnly?: boolean | undefined },
): Promise<QuotaResult[]> {
  const entries = alterations.map(({ entity, values }) => ({
    entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
    ops: Object.entries(values).map(([key, value]) => {
      return { key, value: value ?? 0, remove: value === null };
    }),
  }));
  const body = { entries, validateOnly: options.validateOnly ?? false };
  return client.retry(async ({ timeoutMs }) => {
    const answer = await client.requestToAny(alterClientQuotas, body, { timeoutMs });
    return answer.entries.map((entry) => ({
      entity: entityOf(entry.entity),
      error: errorOf(entry.errorCode, entry.errorMessage),
    }));
  }, options);
}

function entityOf(
  parts: readonly { readonly entityType: string; readonly entityName: string | null }[],
): QuotaEntity {
  return Object.fromEntries(parts.map(({ entityType, entityName }) => [entityType, entityName]));
}
