// A batch without some of its records, as a compactor wants it. Records that stay keep their bytes,
// offsets and timestamps, and the batch keeps its first and last offset, its producer and its
// sequence numbers (consumers, followers and producers count by them); what is kept of a
// compressed batch is compressed again with the same codec.

import { assert } from '../../base/assert.ts';
import { writeInt64 } from '../../base/int64.ts';
import {
  sizeOfVarint,
  sizeOfVarlong,
  VarintReader,
  writeVarint,
  writeVarlong,
} from '../../base/varint.ts';
import {
  ATTRIBUTES_AT,
  BASE_TIMESTAMP_AT,
  type BatchHeader,
  COMPRESSION_MASK,
  DELETE_HORIZON_FLAG,
  LENGTH_AT,
  LOG_OVERHEAD,
  MAX_TIMESTAMP_AT,
  NO_TIMESTAMP,
  RECORD_BATCH_OVERHEAD,
  RECORD_COUNT_AT,
  writeBatchCrc,
} from './batch-header.ts';
import { scanRecords } from './batch-records.ts';
import { compress } from './compression/index.ts';
import type { RecordScanner } from './record-scanner.ts';

/** Decides on the record that the scanner stands on; its positions are in `bytes`. */
export type RecordJudge = (record: RecordScanner, bytes: Buffer) => boolean;

export class FilteredBatch {
  readonly keptCount: number;
  /** One of the records kept has no value. */
  readonly hasTombstone: boolean;
  readonly #buffer: Buffer;
  readonly #header: BatchHeader;
  /** Uncompressed; what is kept lies between the positions of each pair. */
  readonly #bytes: Buffer;
  readonly #runs: readonly (readonly [number, number])[];
  readonly #maxTimestamp: number;

  /** @throws KafkaError CORRUPT_MESSAGE when the records are not what the header says */
  constructor(buffer: Buffer, header: BatchHeader, isKept: RecordJudge) {
    this.#buffer = buffer;
    this.#header = header;
    const runs: [number, number][] = [];
    let records: Buffer = Buffer.alloc(0);
    let keptCount = 0;
    let hasTombstone = false;
    let maxDelta = Number.NEGATIVE_INFINITY;
    let start = 0;
    scanRecords(buffer, header, (record, bytes) => {
      records = bytes;
      const end = bytes.length - record.remaining;
      if (isKept(record, bytes)) {
        keptCount++;
        if (record.valueLength < 0) hasTombstone = true;
        if (record.timestampDelta > maxDelta) maxDelta = record.timestampDelta;
        const last = runs.at(-1);
        if (last !== undefined && last[1] === start) last[1] = end;
        else runs.push([start, end]);
      }
      start = end;
      return true;
    });
    this.#bytes = records;
    this.#runs = runs;
    this.keptCount = keptCount;
    this.hasTombstone = hasTombstone;
    const isAppendTime = header.timestampType === 1;
    this.#maxTimestamp = isAppendTime ? header.maxTimestamp : header.baseTimestamp + maxDelta;
  }

  /** Every record is kept: the batch may stay as it is. */
  get isWhole(): boolean {
    return this.keptCount === this.#header.recordCount;
  }

  /**
   * The batch of the records kept, at least one. A horizon (KIP-534) replaces the base timestamp;
   * one that is there already stays when none is given.
   */
  encode(deleteHorizonMs: number | null = null): Buffer {
    assert(this.keptCount > 0, 'a batch without records is written by emptyBatch()');
    const header = this.#header;
    let records = this.#bytes;
    if (!this.isWhole) {
      records = Buffer.concat(this.#runs.map(([from, end]) => this.#bytes.subarray(from, end)));
    }
    if (deleteHorizonMs !== null) {
      records = shiftTimestamps(records, header.baseTimestamp - deleteHorizonMs);
    }
    const batch = batchOf(this.#buffer, header, compress(header.compression, records));
    if (deleteHorizonMs !== null) {
      batch.writeInt16BE(header.attributes | DELETE_HORIZON_FLAG, ATTRIBUTES_AT);
      writeInt64(batch, BASE_TIMESTAMP_AT, deleteHorizonMs);
    }
    writeInt64(batch, MAX_TIMESTAMP_AT, this.#maxTimestamp);
    batch.writeInt32BE(this.keptCount, RECORD_COUNT_AT);
    writeBatchCrc(batch, 0, batch.length);
    return batch;
  }
}

/** The batch without any record, for the offsets, the producer and the sequence it stands for. */
export function emptyBatch(buffer: Buffer, header: BatchHeader): Buffer {
  const batch = batchOf(buffer, header, Buffer.alloc(0));
  const attributes = header.attributes & ~COMPRESSION_MASK & ~DELETE_HORIZON_FLAG;
  batch.writeInt16BE(attributes, ATTRIBUTES_AT);
  writeInt64(batch, BASE_TIMESTAMP_AT, NO_TIMESTAMP);
  batch.writeInt32BE(0, RECORD_COUNT_AT);
  writeBatchCrc(batch, 0, batch.length);
  return batch;
}

function batchOf(buffer: Buffer, header: BatchHeader, records: Buffer): Buffer {
  const batch = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + records.length);
  buffer.copy(batch, 0, header.position, header.position + RECORD_BATCH_OVERHEAD);
  records.copy(batch, RECORD_BATCH_OVERHEAD);
  batch.writeInt32BE(batch.length - LOG_OVERHEAD, LENGTH_AT);
  return batch;
}

/** The records with their timestamp deltas raised; all else keeps its bytes. */
function shiftTimestamps(records: Buffer, shiftMs: number): Buffer {
  const parts: Buffer[] = [];
  const reader = new VarintReader(records);
  while (reader.position < records.length) {
    const bodyBytes = reader.readSigned();
    const body = reader.position;
    const end = body + bodyBytes;
    reader.position = body + 1;
    const delta = reader.readSignedLong() + shiftMs;
    const rest = reader.position;
    const size = 1 + sizeOfVarlong(delta) + (end - rest);
    const head = Buffer.allocUnsafe(sizeOfVarint(size) + 1 + sizeOfVarlong(delta));
    const attributesAt = writeVarint(head, 0, size);
    head[attributesAt] = records[body] as number;
    writeVarlong(head, attributesAt + 1, delta);
    parts.push(head, records.subarray(rest, end));
    reader.position = end;
  }
  return Buffer.concat(parts);
}
