// What a broker asks for with each heartbeat, and what it is told: to serve, to wait, or to go
// (Kafka's BrokerHeartbeatManager). It is unfenced when it has seen its own registration. One that
// wants to shut down hands over what others can lead, while it serves and follows, and is let go
// when those others have heard of it.

import { pushAll } from '../../base/push-all.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { Decision } from '../../machine/index.ts';
import type { BrokerRegistration } from '../image.ts';
import { FencingChange, type MetadataRecord } from '../records/index.ts';
import type { BrokerHeartbeatRequest, BrokerHeartbeatResult } from './api.ts';
import { fencingRecords, stateChange } from './brokers.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { failedDirectories, leaveDirectories, withoutDirectories } from './directories.ts';
import { electWhereNobodyLeads, leadsAny, leaveIsrs } from './leaders.ts';
import { PartitionUpdates } from './partition-updates.ts';
import { assertBrokerEpoch, canLead } from './registered-broker.ts';

type NextState = 'fenced' | 'serving' | 'handing over' | 'may go';

export function brokerHeartbeat(
  machine: ControllerMachine,
  request: BrokerHeartbeatRequest,
  { hasSession = true }: { readonly hasSession?: boolean } = {},
): Decision<MetadataRecord, BrokerHeartbeatResult> {
  const { image, heartbeats } = machine;
  const broker = assertBrokerEpoch(image, request.brokerId, request.brokerEpoch);
  const next = nextState(machine, broker, { ...request, hasSession });
  const failed = failedDirectories(broker, request.offlineLogDirs ?? []);
  const records: MetadataRecord[] = [];
  const isFenced = next === 'fenced' || next === 'may go';
  if (isFenced && !broker.fenced) pushAll(records, fencingRecords(machine, broker));
  if (next === 'serving') pushAll(records, serving(machine, broker, failed));
  if (next === 'handing over') pushAll(records, handingOver(machine, broker));
  if (failed.length > 0) {
    const { logDirs } = broker;
    const left = logDirs.filter((id) => !failed.includes(id));
    records.push(stateChange(broker, { logDirs: left }));
  }
  heartbeats.metadataOffsets.set(broker.id, request.currentMetadataOffset);
  const isCaughtUp = request.currentMetadataOffset >= broker.epoch;
  return { records, response: { isCaughtUp, isFenced, shouldShutDown: next === 'may go' } };
}

function nextState(
  machine: ControllerMachine,
  broker: BrokerRegistration,
  request: BrokerHeartbeatRequest & { readonly hasSession: boolean },
): NextState {
  const { currentMetadataOffset, wantFence = false, wantShutDown = false } = request;
  if (broker.fenced) {
    if (wantShutDown) return 'may go';
    // Without a session nobody would notice its death. One that was on its way out stays out.
    const isCandidate = request.hasSession && !wantFence && !broker.inControlledShutdown;
    // Enough to have seen its own registration: what came later reaches it as it is served.
    return isCandidate && currentMetadataOffset >= broker.epoch ? 'serving' : 'fenced';
  }
  if (broker.inControlledShutdown) return mayGo(machine, broker) ? 'may go' : 'handing over';
  if (wantFence) return wantShutDown ? 'may go' : 'fenced';
  if (!wantShutDown) return 'serving';
  return leadsAny(machine.image, broker.id) ? 'handing over' : 'may go';
}

/**
 * It leads nothing, and every broker that serves has replayed that: nobody is sent to it any more.
 * A broker that hangs holds this up until it is fenced itself.
 */
function mayGo({ image, heartbeats, endOffset }: ControllerMachine, { id }: BrokerRegistration) {
  if (leadsAny(image, id)) return false;
  let from = heartbeats.shutdownOffsets.get(id);
  if (from === undefined) {
    // Another controller let it hand over: what others must know is at most what there is.
    from = endOffset - 1;
    heartbeats.shutdownOffsets.set(id, from);
  }
  for (const broker of image.brokers.values()) {
    if (broker.id === id || !canLead(broker)) continue;
    if ((heartbeats.metadataOffsets.get(broker.id) ?? -1) < from) return false;
  }
  return true;
}

/** It may lead what nobody leads, but nothing in a directory that failed. */
function serving(
  machine: ControllerMachine,
  broker: BrokerRegistration,
  failed: readonly Uuid[],
): MetadataRecord[] {
  if (!broker.fenced && failed.length === 0) return [];
  const { image } = machine;
  const { id: brokerId } = broker;
  const left = failed.length === 0 ? broker : withoutDirectories(broker, failed);
  const updates = new PartitionUpdates(machine, { broker: { ...left, fenced: false } });
  if (broker.fenced) electWhereNobodyLeads(updates, image);
  if (failed.length > 0) leaveDirectories(updates, image, { brokerId, failed });
  updates.report();
  if (!broker.fenced) return updates.records;
  return [stateChange(broker, { fenced: FencingChange.UNFENCED }), ...updates.records];
}

function handingOver(machine: ControllerMachine, broker: BrokerRegistration): MetadataRecord[] {
  const { image, heartbeats } = machine;
  const updates = new PartitionUpdates(machine, {
    broker: { ...broker, inControlledShutdown: true },
  });
  leaveIsrs(updates, image, broker.id);
  updates.report();
  const { records } = updates;
  if (!broker.inControlledShutdown) {
    records.unshift(stateChange(broker, { inControlledShutdown: 1 }));
  }
  if (records.length > 0) {
    heartbeats.shutdownOffsets.set(broker.id, machine.endOffset + records.length - 1);
  }
  return records;
}
