// What the keyed store keeps under which key (docs/decisions/0021). Small values are JSON, so that
// an operator can read them with the store's own tools; batches are Kafka's record batches.
//
// Invariant: what cannot be read is refused with a line that names the key; nothing is guessed. A
// change of anything here that older brokers would misread gets another layout version.

import type { Uuid } from '../../../base/uuid.ts';
import { crc32c } from '../../../protocol/index.ts';
import { type StoreBroker, StoreContentError } from '../../cluster-store.ts';

export const LAYOUT_VERSION = 1;

export const keys = {
  identity: 'identity',
  epoch: 'epoch',
  controller: 'controller',
  end: 'end',
  snapshot: 'snapshot',
  broker: (nodeId: number): string => `brokers/${nodeId}`,
  life: (nodeId: number): string => `lives/${nodeId}`,
  batch: (baseOffset: number): string => `${keys.bucket(baseOffset)}/${offsetName(baseOffset)}`,
  /** The folder of the batches that begin at 4096 offsets. */
  bucket: (offset: number): string => `log/${bucketOf(offset).toString(16).padStart(8, '0')}`,
  /** What is known of a folder of pieces. */
  folder: (name: string): string => `${keys.folders}/${name}`,
  pieces: (name: string): string => `pieces/${name}`,
  piece: (name: string, nr: number): string => `${keys.pieces(name)}/${pieceName(nr)}`,
  brokers: 'brokers',
  folders: 'folders',
} as const;

const toldToAll: readonly string[] = [
  'identity',
  'epoch',
  'controller',
  'end',
  'snapshot',
  'brokers',
  'lives',
];

/**
 * A key or folder that tells only which cluster this is, who lives and how far the log is. All
 * others hold what is known of topics, users and their secrets.
 */
export function isToldToAll(key: string): boolean {
  return toldToAll.includes(key.split('/', 1)[0] as string);
}

const bucketOffsets = 4096;

export function bucketOf(offset: number): number {
  return Math.floor(offset / bucketOffsets);
}

export function firstOffsetOf(bucket: number): number {
  return bucket * bucketOffsets;
}

/** In the order of the offsets. */
export function offsetName(offset: number): string {
  return offset.toString(16).padStart(16, '0');
}

export function pieceName(nr: number): string {
  return nr.toString(16).padStart(8, '0');
}

export interface Identity {
  readonly layout: number;
  readonly clusterId: string;
  readonly historyId: Uuid;
  /** Histories of before: whoever knew one of them goes on with this one (recover). */
  readonly follows?: readonly Uuid[];
}

/** The newest election. Each puts the key, and so fences whoever knows an older version of it. */
export interface EpochValue {
  readonly epoch: number;
  readonly controllerId: number;
  /** Of this election alone: what a controller knows its own one by. */
  readonly attempt: string;
}

/** Goes with the session of the controller. */
export interface ControllerValue {
  readonly nodeId: number;
  /** Of one opened store: who finds it knows whether it is his own. */
  readonly process: string;
  readonly epoch: number;
  readonly attempt: string;
}

export interface EndValue {
  readonly endOffset: number;
  readonly controllerEpoch: number;
  /** All that was ever appended. */
  readonly bytes: number;
}

export interface PiecesName {
  readonly folder: string;
  readonly pieceCount: number;
}

/** In place of a batch that is larger than one change. */
export interface BatchInPieces extends PiecesName {
  readonly bytes: number;
}

export interface SnapshotValue extends PiecesName {
  readonly endOffset: number;
  readonly controllerEpoch: number;
  readonly controllerId: number;
  readonly timestampMs: number;
  /** Of `EndValue.bytes` when it was taken. */
  readonly bytes: number;
  /** The log reaches back to here: where the snapshot before this one ends. */
  readonly logStart: number;
  /** From here to `logStart` something of the log may be left. */
  readonly trimmedTo: number;
  /** The one before, for those who read it. */
  readonly older: string | null;
  /** The fingerprint of the batch that ends at `endOffset`. Absent: older releases took it. */
  readonly lastBatch?: string | null;
  /** All of its pieces. Absent: older releases took it. */
  readonly sizeBytes?: number;
}

/**
 * A folder of pieces. `unfinished`: nothing names it, and when its epoch is over nothing will;
 * `whole`: a batch up to `endOffset`, or a snapshot, names it; `garbage`: nothing does any more.
 */
export interface FolderValue {
  readonly state: 'unfinished' | 'whole' | 'garbage';
  readonly epoch: number;
  readonly kind: 'batch' | 'snapshot';
  readonly endOffset: number;
}

/** Stays when the broker goes: what was sent in an earlier life fails at it. */
export interface LifeValue {
  readonly life: number;
}

export interface BrokerValue {
  readonly process: string;
  readonly life: number;
  readonly broker: StoreBroker;
}

type Kind =
  | 'count'
  | 'countOrAbsent'
  | 'text'
  | 'uuid'
  | 'uuids'
  | 'textOrNull'
  | 'textOrAbsent'
  | 'broker';
type Shape = Readonly<Record<string, Kind>>;

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= -1;
const isText = (value: unknown): boolean => typeof value === 'string';

const checks: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  count: isCount,
  countOrAbsent: (value) => value === undefined || isCount(value),
  text: isText,
  uuid: (value) => isText(value) && (value as string).length === 22,
  uuids: (value) => value === undefined || (Array.isArray(value) && value.every(checks.uuid)),
  textOrNull: (value) => value === null || isText(value),
  textOrAbsent: (value) => value === undefined || checks.textOrNull(value),
  broker: isBroker,
};

function isBroker(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { nodeId, incarnationId, directoryIds, endpoints, rack } = value as Partial<StoreBroker>;
  if (!isCount(nodeId) || !isText(incarnationId) || !checks.textOrNull(rack)) return false;
  if (!Array.isArray(directoryIds) || !directoryIds.every(isText)) return false;
  if (!Array.isArray(endpoints)) return false;
  return endpoints.every(
    (each) => isText(each?.host) && isCount(each?.port) && isCount(each?.securityProtocol),
  );
}

/** How a value ends that says its checksum: CRC-32C of the bytes before. */
const checksumBytes = ',"crc":"00000000"}'.length;
const checksumPattern = /^,"crc":"([0-9a-f]{8})"\}$/;

/**
 * A kind of value: how it is written down and read. A bit that flips may leave JSON that is as
 * good, so each value says its checksum. Older releases write none, and pass over a field that they
 * do not know: where there is none, nothing is compared.
 */
export class ValueForm<T extends object> {
  readonly #shape: Shape;
  readonly #hasChecksum: boolean;

  constructor(
    shape: Readonly<Record<keyof T, Kind>>,
    { hasChecksum = true }: { readonly hasChecksum?: boolean } = {},
  ) {
    this.#shape = shape;
    this.#hasChecksum = hasChecksum;
  }

  encode(value: T): Buffer {
    const text = JSON.stringify(value);
    if (!this.#hasChecksum) return Buffer.from(text);
    const bytes = Buffer.from(text.slice(0, -1));
    const crc = crc32c(bytes, 0, bytes.length).toString(16).padStart(8, '0');
    return Buffer.concat([bytes, Buffer.from(`,"crc":"${crc}"}`)]);
  }

  /** @throws StoreContentError when it is not one; fields that are unknown are left */
  decode(key: string, bytes: Buffer): T {
    const value = parse(bytes) as Record<string, unknown> | null;
    const wrong = Object.entries(this.#shape).find(
      ([name, kind]) => value === null || !checks[kind](value[name]),
    );
    if (value === null) throw notReadable(key, `${bytes.length} bytes that are no JSON`);
    if (wrong !== undefined) throw notReadable(key, `no ${wrong[0]}`);
    if (this.#hasChecksum && !isAsWritten(bytes)) throw notReadable(key, 'a wrong checksum');
    const { crc: _, ...written } = value;
    return written as T;
  }
}

function notReadable(key: string, what: string): StoreContentError {
  return new StoreContentError(`the key ${key} holds ${what}: ${notOurs}`);
}

function isAsWritten(bytes: Buffer): boolean {
  const sizeBytes = Math.max(0, bytes.length - checksumBytes);
  const match = checksumPattern.exec(bytes.toString('latin1', sizeBytes));
  return match === null || Number.parseInt(match[1] as string, 16) === crc32c(bytes, 0, sizeBytes);
}

/** What is said of a key that somebody else has put, or that was damaged. */
export const notOurs =
  'Partita did not write it; correct cluster.store, or bring the key back as it was';

function parse(bytes: Buffer): object | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const pieces = { folder: 'text', pieceCount: 'count' } as const;

export const forms = {
  identity: new ValueForm<Identity>({
    layout: 'count',
    clusterId: 'text',
    historyId: 'uuid',
    follows: 'uuids',
  }),
  epoch: new ValueForm<EpochValue>({ epoch: 'count', controllerId: 'count', attempt: 'text' }),
  controller: new ValueForm<ControllerValue>({
    nodeId: 'count',
    process: 'text',
    epoch: 'count',
    attempt: 'text',
  }),
  end: new ValueForm<EndValue>({ endOffset: 'count', controllerEpoch: 'count', bytes: 'count' }),
  batchInPieces: new ValueForm<BatchInPieces>({ ...pieces, bytes: 'count' }),
  snapshot: new ValueForm<SnapshotValue>({
    ...pieces,
    endOffset: 'count',
    controllerEpoch: 'count',
    controllerId: 'count',
    timestampMs: 'count',
    bytes: 'count',
    logStart: 'count',
    trimmedTo: 'count',
    older: 'textOrNull',
    lastBatch: 'textOrAbsent',
    sizeBytes: 'countOrAbsent',
  }),
  // Older releases write again what they have read of one, whatever it is.
  folder: new ValueForm<FolderValue>(
    { state: 'text', epoch: 'count', kind: 'text', endOffset: 'count' },
    { hasChecksum: false },
  ),
  life: new ValueForm<LifeValue>({ life: 'count' }),
  broker: new ValueForm<BrokerValue>({ process: 'text', life: 'count', broker: 'broker' }),
};
