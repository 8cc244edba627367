// AlterClientQuotas (KIP-546): the controller decides for each entity; who is limited learns of it
// by the next image.

import type { QuotaEntity } from '../../metadata/index.ts';
import { alterClientQuotas, KafkaError, type RequestOf } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

type Entry = RequestOf<typeof alterClientQuotas>['entries'][number];

export const alterClientQuotasHandler = defineHandler(
  alterClientQuotas,
  async (request, context) => {
    assertMayOnCluster(context, AclOperation.ALTER_CONFIGS);
    const { broker, client } = context;
    const results = await broker.controllerFor(client).alterClientQuotas({
      entries: request.entries.map((entry) => ({
        entity: entityOf(entry),
        ops: entry.ops.map(({ key, value, remove }) => ({ key, value: remove ? null : value })),
      })),
      validateOnly: request.validateOnly,
    });
    return {
      entries: results.map(({ entity, error }) => ({
        errorCode: error?.code ?? 0,
        errorMessage: error?.message ?? null,
        entity: Object.entries(entity).map(([entityType, entityName]) => {
          return { entityType, entityName };
        }),
      })),
    };
  },
);

function entityOf({ entity }: Entry): QuotaEntity {
  const parts = new Map<string, string | null>();
  for (const { entityType, entityName } of entity) {
    if (parts.has(entityType)) {
      throw new KafkaError('INVALID_REQUEST', `The quota entity has two parts ${entityType}.`);
    }
    parts.set(entityType, entityName);
  }
  return Object.fromEntries(parts);
}
