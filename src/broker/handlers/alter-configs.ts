// AlterConfigs, the legacy request: replaces all overrides of a resource. IncrementalAlterConfigs
// has its own file.

import { ResourceType } from '../../metadata/index.ts';
import { alterConfigs, KafkaError } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';
import { alterConfigAnswers, refusedResources, unusableKeys } from './altered-configs.ts';

export const alterConfigsHandler = defineHandler(alterConfigs, async (request, context) => {
  const refused = new Map(refusedResources(request.resources, context));
  for (const resource of request.resources) {
    if (resource.resourceType !== ResourceType.BROKER_LOGGER || refused.has(resource)) continue;
    refused.set(
      resource,
      new KafkaError('INVALID_REQUEST', 'Unexpected resource type BROKER_LOGGER.'),
    );
  }
  for (const resource of request.resources) {
    if (refused.has(resource)) continue;
    const changed = new Map(resource.configs.map(({ name, value }) => [name, value ?? '']));
    const unusable = await unusableKeys(resource, changed, context);
    if (unusable !== null) refused.set(resource, unusable);
  }
  const results = await context.broker.controllerFor(context.client).alterConfigs({
    resources: request.resources
      .filter((resource) => !refused.has(resource))
      .map(({ resourceType, resourceName, configs }) => ({
        type: resourceType,
        name: resourceName,
        configs,
      })),
    validateOnly: request.validateOnly,
  });
  return { responses: alterConfigAnswers(results, refused) };
});
