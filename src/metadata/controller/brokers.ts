// Brokers come, prove that they live, and go.
//
// A broker that registers under an id that was there before is a new process: what the old one
// led without having synced may be lost. If it is to serve at once (`fenced: false`, a cluster of
// one process), the partitions it leads get a new leader epoch; otherwise it starts fenced and its
// partitions are led by others until a heartbeat shows that it has caught up.

import { pushAll } from '../../base/push-all.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { BrokerRegistration, MetadataImage } from '../image.ts';
import { FencingChange, type MetadataRecord } from '../records/index.ts';
import type {
  BrokerHeartbeatRequest,
  BrokerHeartbeatResult,
  RegisterBrokerRequest,
  RegisterBrokerResult,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { newEpochsOf, withBroker, withoutBroker } from './leaders.ts';
import { assertBrokerEpoch } from './registered-broker.ts';

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
  if (request.clusterId !== image.clusterId) {
    throw new KafkaError(
      'INCONSISTENT_CLUSTER_ID',
      `This cluster is ${image.clusterId}; broker ${brokerId} belongs to ${request.clusterId}.`,
    );
  }
  if (living.incarnationId !== null && living.incarnationId !== incarnationId) {
    throw new KafkaError(
      'DUPLICATE_BROKER_REGISTRATION',
      `Another process is running as broker ${brokerId}.`,
    );
  }
  const before = image.brokers.get(brokerId);
  if (before?.incarnationId === incarnationId) {
    return { records: [], response: { brokerEpoch: before.epoch } };
  }
  const brokerEpoch = machine.endOffset;
  const fenced = request.fenced ?? true;
  const records = [registration(request, brokerEpoch, fenced)];
  if (!fenced && before !== undefined) {
    if (request.wasCleanShutdown !== true) pushAll(records, newEpochsOf(image, brokerId));
    pushAll(records, withBroker(image, brokerId));
  } else if (before !== undefined && !before.fenced) {
    pushAll(records, withoutBroker(image, brokerId));
  }
  return { records, response: { brokerEpoch } };
}

function registration(
  request: RegisterBrokerRequest,
  brokerEpoch: number,
  fenced: boolean,
): MetadataRecord {
  return {
    type: 'RegisterBrokerRecord',
    brokerId: request.brokerId,
    incarnationId: request.incarnationId,
    brokerEpoch,
    endPoints: request.listeners,
    features: [...(request.features ?? [])].map(([name, range]) => ({
      name,
      minSupportedVersion: range.minVersion,
      maxSupportedVersion: range.maxVersion,
    })),
    rack: request.rack ?? null,
    fenced,
    logDirs: (request.logDirs ?? []).filter((directory) => directory !== ZERO_UUID),
  };
}

/** It must be gone for good: what only it had is lost to the cluster. */
export function unregisterBroker(
  machine: ControllerMachine,
  brokerId: number,
): Decision<MetadataRecord, void> {
  const broker = machine.image.brokers.get(brokerId);
  if (broker === undefined) {
    throw new KafkaError(
      'BROKER_ID_NOT_REGISTERED',
      `Broker ID ${brokerId} is not currently registered`,
    );
  }
  const records = broker.fenced ? [] : [...withoutBroker(machine.image, brokerId)];
  records.push({ type: 'UnregisterBrokerRecord', brokerId, brokerEpoch: broker.epoch });
  return { records, response: undefined };
}

export function brokerHeartbeat(
  machine: ControllerMachine,
  request: BrokerHeartbeatRequest,
): Decision<MetadataRecord, BrokerHeartbeatResult> {
  const { image } = machine;
  const broker = assertBrokerEpoch(image, request.brokerId, request.brokerEpoch);
  // Enough to have seen its own registration: what came later reaches it as it is served.
  const isCaughtUp = request.currentMetadataOffset >= broker.epoch;
  const wantsOut = request.wantFence === true || request.wantShutDown === true;
  const records: MetadataRecord[] = [];
  let isFenced = broker.fenced;
  if (!broker.fenced && wantsOut) {
    pushAll(records, fencingRecords(image, broker, request.wantShutDown === true));
    isFenced = true;
  } else if (broker.fenced && !wantsOut && isCaughtUp) {
    records.push(fencing(broker, FencingChange.UNFENCED));
    pushAll(records, withBroker(image, broker.id));
    isFenced = false;
  }
  const shouldShutDown = request.wantShutDown === true;
  return { records, response: { isCaughtUp, isFenced, shouldShutDown } };
}

/** Its session ended, or it asked to be let go. */
export function fenceBroker(
  machine: ControllerMachine,
  brokerId: number,
): Decision<MetadataRecord, void> {
  const broker = machine.image.brokers.get(brokerId);
  if (broker === undefined || broker.fenced) return { records: [], response: undefined };
  return { records: fencingRecords(machine.image, broker, false), response: undefined };
}

function fencingRecords(
  image: MetadataImage,
  broker: BrokerRegistration,
  isShutdown: boolean,
): MetadataRecord[] {
  return [fencing(broker, FencingChange.FENCED, isShutdown), ...withoutBroker(image, broker.id)];
}

function fencing(broker: BrokerRegistration, fenced: number, isShutdown = false): MetadataRecord {
  return {
    type: 'BrokerRegistrationChangeRecord',
    brokerId: broker.id,
    brokerEpoch: broker.epoch,
    fenced,
    inControlledShutdown: isShutdown ? 1 : 0,
  };
}
