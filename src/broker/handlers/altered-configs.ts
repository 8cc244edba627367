// What AlterConfigs and IncrementalAlterConfigs share: the resources that only the request itself
// decides about, and the shape of the answer.

import { ConfigError } from '../../config/index.ts';
import { type AlterConfigsResult, ResourceType } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { clusterResourceName } from '../../security/acl/index.ts';
import { AclOperation, AclResource, refusalOn } from '../authorization.ts';
import type { RequestContext } from '../handler.ts';

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly { readonly name: string }[];
}

/** Resources that the controller must not see, with the reason. */
export function refusedResources<R extends Resource>(
  resources: readonly R[],
  context: RequestContext,
): ReadonlyMap<R, KafkaError> {
  const refused = new Map<R, KafkaError>();
  const seen = new Map<string, R>();
  for (const resource of resources) {
    const key = `${resource.resourceType}/${resource.resourceName}`;
    const first = seen.get(key);
    seen.set(key, resource);
    if (first !== undefined) {
      const error = new KafkaError('INVALID_REQUEST', 'the resource is in the request twice');
      refused.set(first, error).set(resource, error);
    } else if (hasDuplicates(resource.configs)) {
      const error = new KafkaError('INVALID_REQUEST', 'a key is in the request twice');
      refused.set(resource, error);
    } else if (isOtherBroker(resource, context)) {
      const message = `this broker is ${context.broker.nodeId}, not ${resource.resourceName}`;
      refused.set(resource, new KafkaError('INVALID_REQUEST', message));
    } else {
      const error = configsRefusal(resource, AclOperation.ALTER_CONFIGS, context);
      if (error !== null) refused.set(resource, error);
    }
  }
  return refused;
}

/** The right that somebody lacks who may not do this to the configuration of the resource. */
function configsRefusal(
  { resourceType, resourceName }: Pick<Resource, 'resourceType' | 'resourceName'>,
  operation: number,
  { rights }: Pick<RequestContext, 'rights'>,
): KafkaError | null {
  const [type, name] = ofOwn.has(resourceType)
    ? [ofOwn.get(resourceType) as number, resourceName]
    : [AclResource.CLUSTER, clusterResourceName];
  if (rights.authorize(operation, type, name)) return null;
  rights.noteRefusal(operation, type, name);
  return refusalOn(type);
}

/** Whose configurations have rights of their own; those of the others are the cluster's. */
const ofOwn: ReadonlyMap<number, number> = new Map<number, number>([
  [ResourceType.TOPIC, AclResource.TOPIC],
  [ResourceType.GROUP, AclResource.GROUP],
]);

/** @throws KafkaError …_AUTHORIZATION_FAILED */
export function assertMayOnConfigs(
  resource: Pick<Resource, 'resourceType' | 'resourceName'>,
  operation: number,
  context: Pick<RequestContext, 'rights'>,
): void {
  const error = configsRefusal(resource, operation, context);
  if (error !== null) throw error;
}

/** Keys, certificates and logins: what a listener proves itself with, or asks of its clients. */
const ofProof = /^listener\.name\..+\.ssl\.|^(listener\.name\..+\.)?sasl\./;

/**
 * Why keys, certificates and logins that a changed configuration of this broker names could not be
 * taken over; null if they could, or if the change is about something else.
 * @param changed what the broker's own configuration would be
 */
export async function unusableKeys(
  { resourceType, resourceName, configs }: Resource,
  changed: ReadonlyMap<string, string>,
  { broker, image }: RequestContext,
): Promise<KafkaError | null> {
  if (resourceType !== ResourceType.BROKER || resourceName !== String(broker.nodeId)) return null;
  try {
    for (const { name } of configs) await assertJaas(name, changed.get(name));
    if (!configs.some(({ name }) => ofProof.test(name))) return null;
    const all = image.configOf(ResourceType.BROKER, '');
    await broker.checkKeys(broker.config.withDynamic(all, changed));
    return null;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return new KafkaError('INVALID_REQUEST', error.message);
  }
}

function hasDuplicates(configs: readonly { readonly name: string }[]): boolean {
  return new Set(configs.map(({ name }) => name)).size < configs.length;
}

/** Whether the resource is about the loggers of a broker, which must be this one. */
export function isOwnLogger(resource: Resource, { broker }: RequestContext): boolean {
  const { resourceType, resourceName } = resource;
  if (resourceType !== ResourceType.BROKER_LOGGER) return false;
  if (resourceName === String(broker.nodeId)) return true;
  const why = `Unexpected broker id, expected ${broker.nodeId} but received ${resourceName}`;
  throw new KafkaError('INVALID_REQUEST', why);
}

/** A broker's own configuration may only be altered where that broker exists. */
function isOtherBroker(resource: Resource, context: RequestContext): boolean {
  if (resource.resourceType !== ResourceType.BROKER || resource.resourceName === '') return false;
  const id = Number(resource.resourceName);
  return !Number.isInteger(id) || context.image.brokers.get(id) === undefined;
}

export function alterConfigAnswers<R extends Resource>(
  results: readonly AlterConfigsResult[],
  refused: ReadonlyMap<R, KafkaError>,
) {
  const altered = results.map(({ type, name, error }) => ({
    errorCode: error?.code ?? 0,
    errorMessage: error?.message ?? null,
    resourceType: type,
    resourceName: name,
  }));
  const failures = [...refused].map(([{ resourceType, resourceName }, error]) => ({
    errorCode: error.code,
    errorMessage: error.message as string | null,
    resourceType,
    resourceName,
  }));
  return [...altered, ...failures];
}

/** The next start would refuse what cannot be read. @throws ConfigError */
async function assertJaas(key: string, text: string | undefined): Promise<void> {
  if (text === undefined || !/^listener\.name\..+\.sasl\.jaas\.config$/.test(key)) return;
  const { jaasOfKey } = await import('../../security/sasl/index.ts');
  jaasOfKey(key, text);
}
