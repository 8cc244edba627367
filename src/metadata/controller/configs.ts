// Changes the overrides of topics, brokers (and '', the default of all brokers), groups and
// client-metrics subscriptions: one key at a time (KIP-339), or the whole set at once, the old way.
//
// Invariant: a resource's result is all or nothing, and what is stored was valid as a whole.

import { pushAll } from '../../base/push-all.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import {
  type ConfigResource,
  configKey,
  configResourceOf,
  type MetadataImage,
  ResourceType,
  type TopicImage,
} from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  AlterConfigOp,
  type AlterConfigsRequest,
  type AlterConfigsResult,
  type ConfigOp,
  type IncrementalAlterConfigsRequest,
  itemError,
} from './api.ts';
import type { ConfigRules } from './config-rules.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { isElrEnabled, PartitionUpdates } from './partition-updates.ts';

type Alteration = Decision<MetadataRecord, AlterConfigsResult[]>;
const MIN_IN_SYNC = 'min.insync.replicas';

type Overrides = ReadonlyMap<string, string>;

export function alterConfigs(machine: ControllerMachine, request: AlterConfigsRequest): Alteration {
  return alter(machine, request, (resource) => {
    const wanted = new Map<string, string>();
    for (const { name, value } of resource.configs) {
      if (wanted.has(name)) throw duplicateKey(name);
      wanted.set(name, notNull(name, value));
    }
    return wanted;
  });
}

export function incrementalAlterConfigs(
  machine: ControllerMachine,
  request: IncrementalAlterConfigsRequest,
): Alteration {
  return alter(machine, request, (resource, before) => {
    const wanted = new Map(before);
    const seen = new Set<string>();
    for (const op of resource.ops) {
      if (seen.has(op.name)) throw duplicateKey(op.name);
      seen.add(op.name);
      const value = applied(op, resource, before.get(op.name), machine.context.rules);
      if (value === null) wanted.delete(op.name);
      else wanted.set(op.name, value);
    }
    return wanted;
  });
}

function alter<R extends ConfigResource>(
  machine: ControllerMachine,
  request: { readonly resources: readonly R[]; readonly validateOnly?: boolean },
  wantedOf: (resource: R, before: Overrides) => Overrides,
): Alteration {
  const { image, context } = machine;
  const records: MetadataRecord[] = [];
  const response: AlterConfigsResult[] = [];
  const altered = new Map<string, Overrides>();
  const counts = new Map<string, number>();
  const keyOf = ({ type, name }: ConfigResource): string => `${type}/${name}`;
  for (const each of request.resources) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
  for (const resource of request.resources) {
    const { type, name } = resource;
    const count = counts.get(keyOf(resource));
    if (count === undefined) continue;
    counts.delete(keyOf(resource));
    try {
      if (count > 1) {
        throw new KafkaError('INVALID_REQUEST', 'A resource may appear once in a request.');
      }
      assertResource(image, resource);
      const before = image.configOf(type, name);
      const wanted = wantedOf(resource, before);
      const changes = [...differences(machine, resource, { before, wanted })];
      if (changes.length > 0) {
        context.rules.validate({ type, name }, wanted, before);
        if (type === ResourceType.BROKER) assertTogether(machine, name, wanted);
        assertMinInSync(image, { type, name }, { before, wanted });
        altered.set(configKey(type, name), wanted);
      }
      pushAll(records, changes);
      response.push({ type, name, error: null });
    } catch (error) {
      response.push({ type, name, error: itemError(error) });
    }
  }
  if (request.validateOnly) return { records: [], response };
  pushAll(records, partitionChanges(machine, altered));
  return { records, response };
}

/**
 * What the partitions are to be under the new configuration: who waits for an unclean election
 * gets it at once, and who is eligible only because the ISR was too small is not any more where it
 * is large enough now.
 */
function partitionChanges(
  machine: ControllerMachine,
  altered: ReadonlyMap<string, Overrides>,
): MetadataRecord[] {
  const { image } = machine;
  const updates = new PartitionUpdates(machine, { configs: altered });
  const ofAll = electionChange(image, altered, { type: ResourceType.BROKER, name: '' });
  const isOfAll = ofAll.minInSync || ofAll.unclean;
  for (const topic of isOfAll ? image.topics() : topicsOf(image, altered)) {
    const own = electionChange(image, altered, { type: ResourceType.TOPIC, name: topic.name });
    const unclean = ofAll.unclean || own.unclean;
    const minInSync = ofAll.minInSync || own.minInSync;
    for (const [partitionId, partition] of topic.partitions.entries()) {
      const at = { topic, partitionId };
      if (unclean && partition.leader === -1) updates.change(at, {});
      else if (minInSync && partition.eligibleLeaderReplicas.length > 0) {
        updates.change(at, { election: 'online' });
      }
    }
  }
  updates.report();
  return updates.records;
}

function* topicsOf(
  image: MetadataImage,
  altered: ReadonlyMap<string, Overrides>,
): Generator<TopicImage, void, undefined> {
  for (const key of altered.keys()) {
    const { type, name } = configResourceOf(key);
    const topic = type === ResourceType.TOPIC ? image.topic(name) : undefined;
    if (topic !== undefined) yield topic;
  }
}

function electionChange(
  image: MetadataImage,
  altered: ReadonlyMap<string, Overrides>,
  { type, name }: ConfigResource,
): { readonly minInSync: boolean; readonly unclean: boolean } {
  const before = image.configOf(type, name);
  const wanted = altered.get(configKey(type, name)) ?? before;
  const isChanged = (key: string): boolean => before.get(key) !== wanted.get(key);
  return {
    minInSync: isChanged(MIN_IN_SYNC),
    unclean: isChanged('unclean.leader.election.enable'),
  };
}

/** All count by one number: who is eligible depends on it (KIP-966). */
function assertMinInSync(
  image: MetadataImage,
  { type, name }: ConfigResource,
  { before, wanted }: { readonly before: Overrides; readonly wanted: Overrides },
): void {
  if (type !== ResourceType.BROKER || !isElrEnabled(image)) return;
  if (before.get(MIN_IN_SYNC) === wanted.get(MIN_IN_SYNC)) return;
  if (name !== '') {
    const why = 'Broker-level min.insync.replicas cannot be altered while ELR is enabled.';
    throw new KafkaError('INVALID_CONFIG', why);
  }
  if (wanted.has(MIN_IN_SYNC)) return;
  const why = 'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.';
  throw new KafkaError('INVALID_CONFIG', why);
}

/** What each broker would have: a change for all of them meets what single ones were told. */
function assertTogether(machine: ControllerMachine, name: string, wanted: Overrides): void {
  const { image, context } = machine;
  const { rules } = context;
  if (name !== '') {
    rules.validateBroker(image.configOf(ResourceType.BROKER, ''), wanted);
    return;
  }
  rules.validateBroker(wanted, new Map());
  for (const id of image.brokers.keys()) {
    rules.validateBroker(wanted, image.configOf(ResourceType.BROKER, String(id)));
  }
}

function* differences(
  { context: { rules, random } }: ControllerMachine,
  { type: resourceType, name: resourceName }: ConfigResource,
  { before, wanted }: { readonly before: Overrides; readonly wanted: Overrides },
): Generator<MetadataRecord, void, undefined> {
  const record = { type: 'ConfigRecord', resourceType, resourceName } as const;
  for (const [name, value] of wanted) {
    if (before.get(name) === value) continue;
    yield { ...record, name, value: rules.stored(resourceType, name, value, random) };
  }
  for (const name of before.keys()) {
    if (!wanted.has(name)) yield { ...record, name, value: null };
  }
}

function applied(
  op: ConfigOp,
  resource: ConfigResource,
  before: string | undefined,
  rules: ConfigRules,
): string | null {
  if (op.op === AlterConfigOp.DELETE) return null;
  const value = notNull(op.name, op.value);
  if (op.op === AlterConfigOp.SET) return value;
  if (op.op !== AlterConfigOp.APPEND && op.op !== AlterConfigOp.SUBTRACT) {
    throw new KafkaError('INVALID_REQUEST', `Unknown config operation ${op.op}.`);
  }
  const isAppend = op.op === AlterConfigOp.APPEND;
  if (!rules.isList(resource.type, op.name)) {
    const verb = isAppend ? 'appended to' : 'subtracted from';
    throw new KafkaError('INVALID_CONFIG', `${op.name} is not a list: it cannot be ${verb}.`);
  }
  const parts =
    before === undefined ? [...rules.listDefault(resource.type, op.name)] : listOf(before);
  const given = new Set(listOf(value));
  if (!isAppend) return parts.filter((part) => !given.has(part)).join(',');
  for (const part of parts) given.delete(part);
  return [...parts, ...given].join(',');
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function notNull(name: string, value: string | null): string {
  if (value !== null) return value;
  throw new KafkaError('INVALID_REQUEST', `The value of ${name} must not be null.`);
}

function duplicateKey(name: string): KafkaError {
  return new KafkaError('INVALID_REQUEST', `The config ${name} appears twice for one resource.`);
}

function assertResource(image: MetadataImage, { type, name }: ConfigResource): void {
  switch (type) {
    case ResourceType.TOPIC:
      if (name === '') {
        throw new KafkaError('INVALID_REQUEST', 'There are no defaults for all topics.');
      }
      if (image.topic(name) === undefined) {
        throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`);
      }
      return;
    case ResourceType.BROKER:
      if (name === '') return;
      if (!/^\d{1,9}$/.test(name)) {
        throw new KafkaError('INVALID_REQUEST', `'${name}' is not a broker id.`);
      }
      if (!image.brokers.has(Number(name))) {
        throw new KafkaError('BROKER_ID_NOT_REGISTERED', `Broker ${name} is not registered.`);
      }
      return;
    case ResourceType.GROUP:
      if (name === '') {
        throw new KafkaError('INVALID_REQUEST', 'Default group resources are not allowed.');
      }
      return;
    case ResourceType.CLIENT_METRICS:
      if (name === '') {
        throw new KafkaError('INVALID_REQUEST', "Subscription name can't be empty");
      }
      return;
    default:
      throw new KafkaError('INVALID_REQUEST', `Configs of resource type ${type} are not kept.`);
  }
}
