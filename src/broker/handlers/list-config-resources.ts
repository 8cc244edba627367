// ListConfigResources (KIP-1142; in version 0 it lists client metrics only): what has or may have
// overrides.

import { type MetadataImage, ResourceType } from '../../metadata/index.ts';
import { KafkaError, listConfigResources } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

const served: readonly number[] = [
  ResourceType.TOPIC,
  ResourceType.BROKER,
  ResourceType.BROKER_LOGGER,
  ResourceType.CLIENT_METRICS,
  ResourceType.GROUP,
];

export const listConfigResourcesHandler = defineHandler(listConfigResources, (request, context) => {
  assertMayOnCluster(context, AclOperation.DESCRIBE_CONFIGS);
  const { image, apiVersion } = context;
  const types = apiVersion === 0 ? [ResourceType.CLIENT_METRICS] : request.resourceTypes;
  const wanted = types.length === 0 ? served : [...new Set(types)];
  if (wanted.some((type) => !served.includes(type))) throw new KafkaError('UNSUPPORTED_VERSION');
  return {
    errorCode: 0,
    configResources: wanted.flatMap((resourceType) =>
      namesOf(resourceType, image).map((resourceName) => ({ resourceName, resourceType })),
    ),
  };
});

function namesOf(type: number, image: MetadataImage): string[] {
  if (type === ResourceType.TOPIC) return [...image.topics()].map(({ name }) => name);
  if (type === ResourceType.BROKER || type === ResourceType.BROKER_LOGGER) {
    return [...image.aliveBrokers()].map(({ id }) => String(id));
  }
  return [...image.configsOfType(type)].map(([name]) => name);
}
