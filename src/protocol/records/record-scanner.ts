// Walks the records of a batch (magic 2) without allocating: after next() the fields say where
// key, value and headers of the record lie. Every length is checked against the record's own
// bytes, so that whoever uses the positions need not check again.

import { VarintReader } from '../../base/varint.ts';
import { KafkaError } from '../errors.ts';
import type { BatchHeader } from './batch-header.ts';

/** Length, attributes, timestamp, offset, key, value and header count take one byte each. */
const RECORD_BYTES_MIN = 7;

export class RecordScanner {
  /** Of the record that next() read; -1 before. */
  offsetDelta = -1;
  timestampDelta = 0;
  keyPosition = 0;
  /** -1 for a null key. */
  keyLength = -1;
  valuePosition = 0;
  /** -1 for a null value. */
  valueLength = -1;
  headersPosition = 0;
  headerCount = 0;
  readonly #reader: VarintReader;
  readonly #error: 'CORRUPT_MESSAGE' | 'INVALID_RECORD';
  readonly #end: number;
  #index = -1;

  constructor(
    buffer: Buffer,
    position: number,
    end: number,
    error: 'CORRUPT_MESSAGE' | 'INVALID_RECORD' = 'CORRUPT_MESSAGE',
  ) {
    this.#reader = new VarintReader(buffer, position, end);
    this.#error = error;
    this.#end = end;
  }

  /** Bytes behind the last record read. */
  get remaining(): number {
    return this.#end - this.#reader.position;
  }

  /** @throws KafkaError when the bytes are no record */
  next(): void {
    const reader = this.#reader;
    this.#index++;
    reader.end = this.#end;
    const bodyBytes = reader.readSigned();
    // One byte of attributes; none of its bits means anything yet.
    const bodyPosition = reader.position;
    if (!(bodyBytes >= RECORD_BYTES_MIN - 1 && bodyBytes <= this.#end - bodyPosition)) {
      this.#fail('its length is impossible');
    }
    const end = bodyPosition + bodyBytes;
    reader.end = end;
    reader.position = bodyPosition + 1;
    this.timestampDelta = reader.readSignedLong();
    this.offsetDelta = reader.readSigned();
    if (Number.isNaN(this.timestampDelta) || Number.isNaN(this.offsetDelta)) {
      this.#fail('its timestamp or offset is cut short');
    }
    this.keyLength = this.#skipBytes();
    this.keyPosition = reader.position - Math.max(0, this.keyLength);
    this.valueLength = this.#skipBytes();
    this.valuePosition = reader.position - Math.max(0, this.valueLength);
    const headerCount = reader.readSigned();
    // A header takes two bytes at least.
    if (!(headerCount >= 0 && headerCount * 2 <= end - reader.position)) {
      this.#fail('its header count is impossible');
    }
    this.headerCount = headerCount;
    this.headersPosition = reader.position;
    for (let i = 0; i < headerCount; i++) {
      if (this.#skipBytes() < 0) this.#fail('a header has no key');
      this.#skipBytes();
    }
    if (reader.position !== end) this.#fail('its length is not that of its parts');
  }

  /** Passes over a length and as many bytes; answers the length, -1 for null. */
  #skipBytes(): number {
    const reader = this.#reader;
    const length = reader.readSigned();
    if (!(length >= -1 && length <= reader.end - reader.position)) {
      this.#fail('a length reaches beyond its end');
    }
    if (length > 0) reader.position += length;
    return length;
  }

  #fail(what: string): never {
    throw new KafkaError(this.#error, `record ${this.#index} of the batch: ${what}`);
  }
}

/** Before the first record of the batch, whose uncompressed records are `bytes`. */
export function scannerOf(
  bytes: Buffer,
  header: BatchHeader,
  error: 'CORRUPT_MESSAGE' | 'INVALID_RECORD',
): RecordScanner {
  if (header.recordCount * RECORD_BYTES_MIN > bytes.length) {
    throw new KafkaError(
      error,
      `${header.recordCount} records cannot lie in the ${bytes.length} bytes of the batch`,
    );
  }
  return new RecordScanner(bytes, 0, bytes.length, error);
}
