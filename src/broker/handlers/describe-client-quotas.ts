// DescribeClientQuotas (KIP-546): the quotas whose entities match every part of the filter.

import { findQuotas, type QuotaFilter } from '../../metadata/index.ts';
import { describeClientQuotas, KafkaError, type RequestOf } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

type Component = RequestOf<typeof describeClientQuotas>['components'][number];

const matchExact = 0;
const matchDefault = 1;
const matchAny = 2;

const entityTypes = ['user', 'client-id', 'ip'];

export const describeClientQuotasHandler = defineHandler(
  describeClientQuotas,
  (request, context) => {
    assertMayOnCluster(context, AclOperation.DESCRIBE_CONFIGS);
    const filters = request.components.map(filterOf);
    assertCombination(filters);
    const found = findQuotas(context.image, filters, request.strict);
    return {
      errorCode: 0,
      errorMessage: null,
      entries: found.map(({ entity, values }) => ({
        entity: Object.entries(entity).map(([entityType, entityName]) => {
          return { entityType, entityName };
        }),
        values: [...values].map(([key, value]) => ({ key, value })),
      })),
    };
  },
);

function filterOf({ entityType, matchType, match }: Component): QuotaFilter {
  if (entityType === '') refuse('The entity type of a filter must not be empty.');
  if (!entityTypes.includes(entityType)) {
    throw new KafkaError('UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`);
  }
  switch (matchType) {
    case matchExact:
      if (match === null) refuse(`An exact match of ${entityType} needs a name.`);
      return { entityType, match };
    case matchDefault:
      if (match !== null) refuse(`A match of the default ${entityType} takes no name.`);
      return { entityType, match: null };
    case matchAny:
      if (match !== null) refuse(`A match of any ${entityType} takes no name.`);
      return { entityType, match: undefined };
    default:
      return refuse(`Unknown match type ${matchType}`);
  }
}

function assertCombination(filters: readonly QuotaFilter[]): void {
  const types = new Set<string>();
  for (const { entityType } of filters) {
    if (types.has(entityType)) {
      refuse(`Entity type ${entityType} cannot appear more than once in the filter.`);
    }
    types.add(entityType);
  }
  if (types.has('ip') && types.size > 1) {
    refuse('A filter of ip cannot be combined with one of user or client-id.');
  }
}

function refuse(why: string): never {
  throw new KafkaError('INVALID_REQUEST', why);
}
