// IncrementalAlterConfigs (KIP-339): sets, deletes, appends and subtracts single values. What is
// about this broker's loggers is carried out here, all else by the controller.

import { type AlterConfigsResult, itemError } from '../../metadata/index.ts';
import { incrementalAlterConfigs, type RequestOf } from '../../protocol/index.ts';
import { alterBrokerLoggers } from '../broker-loggers.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import {
  alterConfigAnswers,
  isOwnLogger,
  refusedResources,
  unusableKeys,
} from './altered-configs.ts';

type Request = RequestOf<typeof incrementalAlterConfigs>;
type Resource = Request['resources'][number];

const setOperation = 0;

export const incrementalAlterConfigsHandler = defineHandler(
  incrementalAlterConfigs,
  async (request, context) => {
    const refused = new Map(refusedResources(request.resources, context));
    const ofLoggers = new Map<Resource, AlterConfigsResult>();
    for (const resource of request.resources) {
      if (refused.has(resource)) continue;
      const unusable = await unusableKeys(resource, changedBy(resource, context), context);
      if (unusable !== null) {
        refused.set(resource, unusable);
        continue;
      }
      const result = alteredLoggers(resource, request, context);
      if (result !== null) ofLoggers.set(resource, result);
    }
    const results = await context.broker.controllerFor(context.client).incrementalAlterConfigs({
      resources: request.resources
        .filter((resource) => !refused.has(resource) && !ofLoggers.has(resource))
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
    return { responses: alterConfigAnswers([...results, ...ofLoggers.values()], refused) };
  },
);

/** null when the resource is no logger's. */
function alteredLoggers(
  resource: Resource,
  { validateOnly }: Request,
  context: RequestContext,
): AlterConfigsResult | null {
  const result = { type: resource.resourceType, name: resource.resourceName };
  try {
    if (!isOwnLogger(resource, context)) return null;
    alterBrokerLoggers(context.broker.io.log, resource.configs, validateOnly);
    return { ...result, error: null };
  } catch (error) {
    return { ...result, error: itemError(error) };
  }
}

/** The resource's own configuration after values are set and deleted; lists are no keys of TLS. */
function changedBy(
  { resourceType, resourceName, configs }: Resource,
  { image }: RequestContext,
): ReadonlyMap<string, string> {
  const changed = new Map(image.configOf(resourceType, resourceName));
  for (const { name, configOperation, value } of configs) {
    if (configOperation === setOperation && value !== null) changed.set(name, value);
    else changed.delete(name);
  }
  return changed;
}
