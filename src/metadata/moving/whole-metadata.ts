// All that a metadata log says at its end, as the records that make it: what a dump holds, and what
// is taken to another store.
//
// Invariants: the records are in one order, whatever the order in which they came about, so that
// equal metadata are equal texts; replayed onto an empty image they give the image that was read.

import type { Uuid } from '../../base/uuid.ts';
import type { Io } from '../../io/index.ts';
import type { ClusterStore } from '../cluster-store.ts';
import { MetadataDelta } from '../delta.ts';
import { StoppedLog } from '../engines/local/stopped-log.ts';
import { configKey, MetadataImage, quotaKey } from '../image.ts';
import { type FollowedStore, ImageLoader } from '../image-loader.ts';
import { recordsOf } from '../image-records.ts';
import { encodeRecord, type MetadataRecord, type RecordType } from '../records/index.ts';

const pieceRecordsMax = 1000;

export interface WholeMetadata {
  readonly clusterId: string;
  /** Of the store that they were read from; null: it does not say. */
  readonly historyId: Uuid | null;
  /** They hold the effect of every record below this offset. */
  readonly endOffset: number;
  readonly controllerEpoch: number;
  /** Of the last record. */
  readonly timestampMs: number;
  readonly records: readonly MetadataRecord[];
}

type ReadStore = FollowedStore & { readonly historyId: ClusterStore['historyId'] | null };

/** @throws KafkaError as the store does, and UNSUPPORTED_VERSION for records of a newer release */
export async function readWholeMetadata(io: Io, store: ReadStore): Promise<WholeMetadata> {
  const loader = await ImageLoader.start(io, { store });
  const { image, lastTimestampMs: timestampMs } = loader;
  await loader.close();
  const { clusterId, historyId } = store;
  return { ...wholeOf(image, historyId), clusterId, timestampMs };
}

/** Of a stopped broker on its own. @throws LogDirectoryError, one line; see StoppedLog */
export async function readStoppedMetadata(
  io: Io,
  directory: string,
  clusterId: string,
): Promise<WholeMetadata> {
  return await readWholeMetadata(io, await StoppedLog.open(io, directory, clusterId));
}

/** Encoded, some at a time. */
export function* piecesOf({ records }: WholeMetadata): Generator<readonly Buffer[]> {
  for (let at = 0; at < records.length; at += pieceRecordsMax) {
    yield records.slice(at, at + pieceRecordsMax).map(encodeRecord);
  }
}

export function wholeOf(image: MetadataImage, historyId: Uuid | null): WholeMetadata {
  return {
    clusterId: image.clusterId,
    historyId,
    endOffset: image.offset + 1,
    controllerEpoch: Math.max(0, image.controllerEpoch),
    timestampMs: 0,
    records: inOrder(image),
  };
}

/** @throws AssertionFailed when the records do not follow from each other */
export function imageOf(metadata: WholeMetadata): MetadataImage {
  const { clusterId, endOffset, controllerEpoch } = metadata;
  const delta = new MetadataDelta(MetadataImage.empty(clusterId));
  for (const record of metadata.records) delta.replayDecided(record);
  return delta.apply({ endOffset, controllerEpoch, controllerId: -1 });
}

/** A topic before its partitions. */
const order: readonly RecordType[] = [
  'FeatureLevelRecord',
  'RegisterBrokerRecord',
  'TopicRecord',
  'ConfigRecord',
  'ClientQuotaRecord',
  'ProducerIdsRecord',
  'UserScramCredentialRecord',
  'AccessControlEntryRecord',
  'DelegationTokenRecord',
];

function inOrder(image: MetadataImage): MetadataRecord[] {
  const nameOf = (record: MetadataRecord): string => {
    const group = record.type === 'PartitionRecord' ? 'TopicRecord' : record.type;
    return `${String(order.indexOf(group)).padStart(2, '0')} ${sortKeyOf(record, image)}`;
  };
  const named = Array.from(recordsOf(image), (record) => ({ record, name: nameOf(record) }));
  named.sort((a, b) => (a.name < b.name ? -1 : 1));
  return named.map(({ record }) => record);
}

const digits = (value: number): string => String(value).padStart(10, '0');

function sortKeyOf(record: MetadataRecord, image: MetadataImage): string {
  switch (record.type) {
    case 'RegisterBrokerRecord':
      return digits(record.brokerId);
    case 'TopicRecord':
      return `${record.name} `;
    case 'PartitionRecord':
      return `${image.topicById(record.topicId)?.name} ${digits(record.partitionId ?? 0)}`;
    case 'ConfigRecord':
      return `${configKey(record.resourceType, record.resourceName)} ${record.name}`;
    case 'ClientQuotaRecord': {
      const entity = record.entity.map((each) => [each.entityType, each.entityName] as const);
      return `${quotaKey(Object.fromEntries(entity))} ${record.key}`;
    }
    case 'UserScramCredentialRecord':
      return `${record.name} ${record.mechanism}`;
    case 'AccessControlEntryRecord':
      return record.id;
    case 'DelegationTokenRecord':
      return record.tokenId;
    case 'FeatureLevelRecord':
      return record.name;
    default:
      return '';
  }
}
