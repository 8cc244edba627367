// DescribeConfigs: every key of a topic or broker, its value, and where the value comes from.

import { type ConfigEntry, ConfigSource } from '../../config/index.ts';
import {
  describeConfigs,
  KafkaError,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import { AclOperation } from '../authorization.ts';
import { configEntriesOf } from '../config-entries.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { assertMayOnConfigs } from './altered-configs.ts';

type Request = RequestOf<typeof describeConfigs>;
type Resource = Request['resources'][number];
type Result = ResponseInput<typeof describeConfigs>['results'][number];

export const describeConfigsHandler = defineHandler(describeConfigs, (request, context) => ({
  results: request.resources.map((resource) => answer(resource, request, context)),
}));

function answer(resource: Resource, request: Request, context: RequestContext): Result {
  const { resourceType, resourceName, configurationKeys } = resource;
  const result = { errorCode: 0, errorMessage: null, resourceType, resourceName, configs: [] };
  try {
    assertMayOnConfigs(resource, AclOperation.DESCRIBE_CONFIGS, context);
    const configs = configEntriesOf(resourceType, resourceName, context);
    const wanted = configurationKeys === null ? null : new Set(configurationKeys);
    return {
      ...result,
      configs: configs
        .filter(({ name }) => wanted === null || wanted.has(name))
        .map((config) => shape(config, request, context)),
    };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { ...result, errorCode: error.code, errorMessage: error.message };
  }
}

function shape(
  entry: ConfigEntry,
  request: Request,
  context: RequestContext,
): Result['configs'][number] {
  return {
    ...entry,
    isDefault: context.apiVersion === 0 && entry.configSource === ConfigSource.DEFAULT_CONFIG,
    synonyms: request.includeSynonyms ? entry.synonyms : [],
    documentation: request.includeDocumentation ? entry.documentation : null,
  };
}
