// Describing and changing configurations. What a broker itself has to say (its own file, its
// loggers) must be asked of that broker; everything else can be answered by any.

import {
  type Api,
  alterConfigs,
  describeConfigs,
  incrementalAlterConfigs,
  KafkaError,
  listConfigResources,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import {
  ConfigOperation,
  type ConfigQuery,
  type ConfigResource,
  type ConfigResourceAlteration,
  type ConfigResourceDescription,
  type ConfigResourceResult,
  ConfigResourceType,
  type ConfigSource,
  configSources,
  errorOf,
} from './admin-results.ts';

interface AlterOptions extends CallOptions {
  readonly validateOnly?: boolean | undefined;
}

type DescribedResource = ResponseOf<typeof describeConfigs>['results'][number];

interface WireResult {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

export class ConfigRequests {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  describe(
    resources: readonly ConfigQuery[],
    options: CallOptions & { readonly includeDocumentation?: boolean | undefined },
  ): Promise<ConfigResourceDescription[]> {
    return this.#byBroker(resources, options, async (group, nodeId, timeoutMs) => {
      const body = {
        resources: group.map(({ type, name, keys }) => ({
          resourceType: ConfigResourceType[type],
          resourceName: name,
          configurationKeys: keys === undefined ? null : [...keys],
        })),
        includeSynonyms: true,
        includeDocumentation: options.includeDocumentation ?? false,
      };
      const answer = await this.#request(describeConfigs, nodeId, body, timeoutMs);
      return group.map((resource) => {
        const found = resultOf(resource, answer.results);
        return { ...outcomeOf(resource, found), configs: found?.configs.map(entryOf) ?? [] };
      });
    });
  }

  list(types: readonly ConfigResourceType[], options: CallOptions): Promise<ConfigResource[]> {
    const body = { resourceTypes: types.map((type) => ConfigResourceType[type]) };
    return this.#client.retry(async ({ timeoutMs }) => {
      const api = listConfigResources;
      const answer = await this.#client.requestToAny(api, body, { timeoutMs });
      const error = errorOf(answer.errorCode, null);
      if (error !== null) throw error;
      return answer.configResources.flatMap(({ resourceName: name, resourceType }) => {
        const type = types.find((each) => ConfigResourceType[each] === resourceType);
        return type === undefined ? [] : [{ type, name }];
      });
    }, options);
  }

  replace(
    resources: readonly (ConfigResource & { readonly configs: Readonly<Record<string, string>> })[],
    options: AlterOptions,
  ): Promise<ConfigResourceResult[]> {
    return this.#byBroker(resources, options, async (group, nodeId, timeoutMs) => {
      const body = {
        resources: group.map(({ type, name, configs }) => ({
          resourceType: ConfigResourceType[type],
          resourceName: name,
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        })),
        validateOnly: options.validateOnly ?? false,
      };
      const { responses } = await this.#request(alterConfigs, nodeId, body, timeoutMs);
      return group.map((resource) => outcomeOf(resource, resultOf(resource, responses)));
    });
  }

  alter(
    resources: readonly ConfigResourceAlteration[],
    options: AlterOptions,
  ): Promise<ConfigResourceResult[]> {
    return this.#byBroker(resources, options, async (group, nodeId, timeoutMs) => {
      const body = {
        resources: group.map(({ type, name, configs }) => ({
          resourceType: ConfigResourceType[type],
          resourceName: name,
          configs: configs.map((each) => ({
            name: each.name,
            configOperation: ConfigOperation[each.operation],
            value: each.value ?? null,
          })),
        })),
        validateOnly: options.validateOnly ?? false,
      };
      const { responses } = await this.#request(incrementalAlterConfigs, nodeId, body, timeoutMs);
      return group.map((resource) => outcomeOf(resource, resultOf(resource, responses)));
    });
  }

  #request<A extends Api>(
    api: A,
    nodeId: number | null,
    body: RequestInput<A>,
    timeoutMs: number,
  ): Promise<ResponseOf<A>> {
    return nodeId === null
      ? this.#client.requestToAny(api, body, { timeoutMs })
      : this.#client.requestTo(nodeId, api, body, { timeoutMs });
  }

  /** One request per broker that must be asked itself, one for all the rest. */
  async #byBroker<Resource extends ConfigResource, Result>(
    resources: readonly Resource[],
    options: CallOptions,
    ask: (group: Resource[], nodeId: number | null, timeoutMs: number) => Promise<Result[]>,
  ): Promise<Result[]> {
    const groups = new Map<number | null, Resource[]>();
    for (const resource of resources) {
      const nodeId = brokerOf(resource);
      const group = groups.get(nodeId);
      if (group === undefined) groups.set(nodeId, [resource]);
      else group.push(resource);
    }
    const results = new Map<Resource, Result>();
    const calls = [...groups].map(([nodeId, group]) =>
      this.#client.retry(async ({ timeoutMs }) => {
        if (nodeId !== null && !this.#client.cache.nodes.has(nodeId)) await this.#client.refresh();
        if (nodeId !== null && !this.#client.cache.nodes.has(nodeId)) {
          throw new KafkaError('INVALID_REQUEST', `the cluster has no broker ${nodeId}`);
        }
        const answers = await ask(group, nodeId, timeoutMs);
        for (const [i, resource] of group.entries()) results.set(resource, answers[i] as Result);
      }, options),
    );
    await Promise.all(calls);
    return resources.map((resource) => results.get(resource) as Result);
  }
}

function brokerOf({ type, name }: ConfigResource): number | null {
  const isAboutBroker = type === 'broker' || type === 'brokerLogger';
  return isAboutBroker && /^\d+$/.test(name) ? Number(name) : null;
}

function resultOf<Result extends WireResult>(
  resource: ConfigResource,
  results: readonly Result[],
): Result | undefined {
  return results.find(
    (each) =>
      each.resourceType === ConfigResourceType[resource.type] &&
      each.resourceName === resource.name,
  );
}

function outcomeOf(resource: ConfigResource, result: WireResult | undefined): ConfigResourceResult {
  const { type, name } = resource;
  const error =
    result === undefined
      ? new KafkaError('UNKNOWN_SERVER_ERROR', `the broker said nothing about ${type} ${name}`)
      : errorOf(result.errorCode, result.errorMessage);
  return { type, name, error };
}

function entryOf(
  config: DescribedResource['configs'][number],
): ConfigResourceDescription['configs'][number] {
  const { name, value, isSensitive, documentation } = config;
  return {
    name,
    value,
    // Version 0 says no more than whether it is the default.
    source: config.isDefault ? 'DEFAULT_CONFIG' : sourceOf(config.configSource),
    isReadOnly: config.readOnly,
    isSensitive,
    documentation,
    synonyms: config.synonyms.map((each) => {
      return { name: each.name, value: each.value, source: sourceOf(each.source) };
    }),
  };
}

function sourceOf(number: number): ConfigSource {
  return configSources[number] ?? 'UNKNOWN';
}
