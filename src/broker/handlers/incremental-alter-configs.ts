// IncrementalAlterConfigs (KIP-339): sets, deletes, appends and subtracts single values.

import { incrementalAlterConfigs } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';
import { alterConfigAnswers, refusedResources } from './altered-configs.ts';

export const incrementalAlterConfigsHandler = defineHandler(
  incrementalAlterConfigs,
  async (request, context) => {
    const refused = refusedResources(request.resources, context);
    const results = await context.broker.controller.incrementalAlterConfigs({
      resources: request.resources
        .filter((resource) => !refused.has(resource))
        .map(({ resourceType, resourceName, configs }) => ({
          type: resourceType,
          name: resourceName,
          ops: configs.map(({ name, configOperation, value }) => ({
            name,
            op: configOperation,
            value,
          })),
        })),
      validateOnly: request.validateOnly,
    });
    await context.broker.replicas.settled();
    return { responses: alterConfigAnswers(results, refused) };
  },
);
