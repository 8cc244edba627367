// How far each broker has replayed the metadata, as its heartbeats say. Nothing is decided by it:
// it is told to whoever asks who keeps the metadata and whose view of it is old.

import type { Decision } from '../../machine/index.ts';
import type { MetadataRecord } from '../records/index.ts';
import type { BrokerHeartbeatRequest, MetadataProgress } from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';

/** Notes what a broker says that the controller knows. */
export function noteProgress(
  { heartbeats, endOffset }: ControllerMachine,
  { brokerId, currentMetadataOffset: metadataOffset }: BrokerHeartbeatRequest,
  nowMs: number,
): void {
  const before = heartbeats.progress.get(brokerId)?.caughtUpMs ?? -1;
  const caughtUpMs = metadataOffset >= endOffset - 1 ? nowMs : before;
  heartbeats.progress.set(brokerId, { brokerId, metadataOffset, heardMs: nowMs, caughtUpMs });
}

export function metadataProgress(
  { image, heartbeats, endOffset }: ControllerMachine,
  { controllerId, nowMs }: { readonly controllerId: number; readonly nowMs: number },
): Decision<MetadataRecord, MetadataProgress> {
  const { controllerEpoch } = image;
  const brokers = [...heartbeats.progress.values()].filter(({ brokerId }) =>
    image.brokers.has(brokerId),
  );
  return {
    records: [],
    response: { controllerId, controllerEpoch, endOffset, nowMs, brokers },
  };
}
