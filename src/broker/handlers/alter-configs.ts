// AlterConfigs, the legacy request: replaces all overrides of a resource. IncrementalAlterConfigs
// has its own file.

import { alterConfigs } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';
import { alterConfigAnswers, refusedResources } from './altered-configs.ts';

export const alterConfigsHandler = defineHandler(alterConfigs, async (request, context) => {
  const refused = refusedResources(request.resources, context);
  const results = await context.broker.controller.alterConfigs({
    resources: request.resources
      .filter((resource) => !refused.has(resource))
      .map(({ resourceType, resourceName, configs }) => ({
        type: resourceType,
        name: resourceName,
        configs,
      })),
    validateOnly: request.validateOnly,
  });
  await context.broker.replicas.settled();
  return { responses: alterConfigAnswers(results, refused) };
});
