// Brokers come, prove that they live, and go.
//
// A broker that registers is fenced until a heartbeat shows that it has caught up. Whether its
// partitions are led by others meanwhile, and whether it may lead again without doubt, depends on
// what it is:
//   - the same process with a new session: it lost nothing and goes on, under a new broker epoch;
//   - a new process that names the broker epoch of the life before (`previousBrokerEpoch`): that
//     life ended cleanly, the log is whole, and where it was eligible it stays so;
//   - any other: what the life before had not synced may be lost. It leaves every ISR and stops
//     being eligible, also where it was the last one (KIP-966).
// A cluster of one process registers unfenced (`fenced: false`), and its partitions only get a new
// leader epoch: nobody else could have more.
//
// Invariant: a broker epoch is given once, and grows with each registration.

import { pushAll } from '../../base/push-all.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { BrokerRegistration, MetadataImage } from '../image.ts';
import { FencingChange, type MetadataRecord } from '../records/index.ts';
import type { RegisterBrokerRequest, RegisterBrokerResult } from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { ownFeatures, rangeWithout } from './features.ts';
import { electWhereNobodyLeads, leaveIsrs, leaveUncleanly, newEpochsOf } from './leaders.ts';
import { isElrEnabled, PartitionUpdates } from './partition-updates.ts';
import { assertRegistered } from './registered-broker.ts';

export interface LivingProcess {
  /** The incarnation whose session with the cluster store is open under this id, if any. */
  readonly incarnationId: string | null;
}

export function registerBroker(
  machine: ControllerMachine,
  request: RegisterBrokerRequest,
  living: LivingProcess,
): Decision<MetadataRecord, RegisterBrokerResult> {
  const { image } = machine;
  const { brokerId, incarnationId } = request;
  assertMayRegister(image, request, living);
  const before = image.brokers.get(brokerId);
  if (before?.incarnationId === incarnationId) return renewed(machine, request, before);
  const brokerEpoch = machine.endOffset;
  const fenced = request.fenced ?? true;
  const records = [registration(request, { brokerEpoch, fenced })];
  const wasClean =
    before !== undefined &&
    (request.previousBrokerEpoch === before.epoch || request.wasCleanShutdown === true);
  const updates = new PartitionUpdates(machine, {
    broker: asRegistered(request, { brokerEpoch, fenced }),
  });
  if (!fenced) {
    if (!wasClean) pushAll(records, newEpochsOf(image, brokerId));
    electWhereNobodyLeads(updates, image);
  } else if (!wasClean && isElrEnabled(image)) leaveUncleanly(updates, image, brokerId);
  else leaveIsrs(updates, image, brokerId);
  updates.report();
  pushAll(records, updates.records);
  return { records, response: { brokerEpoch } };
}

function assertMayRegister(
  image: MetadataImage,
  { brokerId, clusterId, incarnationId, features = new Map() }: RegisterBrokerRequest,
  living: LivingProcess,
): void {
  for (const [name, level] of image.features) {
    const range = rangeWithout(features, name, level);
    const isNamed = features.has(name) || name.startsWith(ownFeatures);
    if (range === null || !isNamed) continue;
    const { minVersion, maxVersion } = range;
    const why = `the broker does not support finalized version ${level} of ${name}`;
    const wanted = `a version between ${minVersion} and ${maxVersion}, inclusive`;
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      `Unable to register because ${why}. The broker wants ${wanted}.`,
    );
  }
  if (clusterId !== image.clusterId) {
    throw new KafkaError(
      'INCONSISTENT_CLUSTER_ID',
      `This cluster is ${image.clusterId}; broker ${brokerId} belongs to ${clusterId}.`,
    );
  }
  if (living.incarnationId !== null && living.incarnationId !== incarnationId) {
    throw new KafkaError(
      'DUPLICATE_BROKER_REGISTRATION',
      `Another process is running as broker ${brokerId}.`,
    );
  }
}

/**
 * The same process again: its session ended, or it has not heard the answer. A request that names
 * the present epoch is of a process that has heard it, and gets a new one; fenced or not, it stays
 * as it is, so that a session that ends and is renewed costs no more than that.
 */
function renewed(
  machine: ControllerMachine,
  request: RegisterBrokerRequest,
  before: BrokerRegistration,
): Decision<MetadataRecord, RegisterBrokerResult> {
  if (request.previousBrokerEpoch !== before.epoch) {
    return { records: [], response: { brokerEpoch: before.epoch } };
  }
  const brokerEpoch = machine.endOffset;
  const { fenced, inControlledShutdown } = before;
  const record = registration(request, { brokerEpoch, fenced, inControlledShutdown });
  return { records: [record], response: { brokerEpoch } };
}

/** What it can lead is decided upon what it is now, its directories above all. */
function asRegistered(
  request: RegisterBrokerRequest,
  { brokerEpoch: epoch, fenced }: { readonly brokerEpoch: number; readonly fenced: boolean },
): BrokerRegistration {
  const { brokerId: id, incarnationId, listeners, features, rack = null, logDirs = [] } = request;
  const process = { id, epoch, incarnationId, listeners, features: features ?? new Map(), rack };
  return { ...process, fenced, inControlledShutdown: false, logDirs };
}

function registration(
  request: RegisterBrokerRequest,
  state: Pick<BrokerRegistration, 'fenced'> & {
    readonly brokerEpoch: number;
    readonly inControlledShutdown?: boolean;
  },
): MetadataRecord {
  return {
    type: 'RegisterBrokerRecord',
    brokerId: request.brokerId,
    incarnationId: request.incarnationId,
    ...state,
    endPoints: request.listeners,
    features: [...(request.features ?? [])].map(([name, range]) => ({
      name,
      minSupportedVersion: range.minVersion,
      maxSupportedVersion: range.maxVersion,
    })),
    rack: request.rack ?? null,
    logDirs: (request.logDirs ?? []).filter((directory) => directory !== ZERO_UUID),
  };
}

/** It must be gone for good: what only it had is lost to the cluster. */
export function unregisterBroker(
  machine: ControllerMachine,
  brokerId: number,
): Decision<MetadataRecord, void> {
  const { image } = machine;
  const broker = assertRegistered(image, brokerId);
  const updates = new PartitionUpdates(machine, { broker: { ...broker, fenced: true } });
  leaveIsrs(updates, image, brokerId);
  updates.report();
  const { records } = updates;
  records.push({ type: 'UnregisterBrokerRecord', brokerId, brokerEpoch: broker.epoch });
  return { records, response: undefined };
}

/** Its session ended, or it was proven to be dead. */
export function fenceBroker(
  machine: ControllerMachine,
  brokerId: number,
): Decision<MetadataRecord, void> {
  const broker = machine.image.brokers.get(brokerId);
  if (broker === undefined || broker.fenced) return { records: [], response: undefined };
  return { records: fencingRecords(machine, broker), response: undefined };
}

/** The broker leaves every ISR, and whoever is left leads: one batch, whatever it held. */
export function fencingRecords(
  machine: ControllerMachine,
  broker: BrokerRegistration,
): MetadataRecord[] {
  machine.heartbeats.shutdownOffsets.delete(broker.id);
  const updates = new PartitionUpdates(machine, { broker: { ...broker, fenced: true } });
  leaveIsrs(updates, machine.image, broker.id);
  updates.report();
  return [...updates.records, stateChange(broker, { fenced: FencingChange.FENCED })];
}

export function stateChange(
  broker: BrokerRegistration,
  change: Omit<
    Extract<MetadataRecord, { type: 'BrokerRegistrationChangeRecord' }>,
    'type' | 'brokerId' | 'brokerEpoch'
  >,
): MetadataRecord {
  const { id: brokerId, epoch: brokerEpoch } = broker;
  return { type: 'BrokerRegistrationChangeRecord', brokerId, brokerEpoch, ...change };
}
