// The metadata of a cluster as a text that a person can read: JSON, a line each. The head says
// whose they are; then come the records as kafka-dump-log.sh prints them; the last line says how
// many there were, so that a text that was cut short is noticed.
//
// Invariants: equal metadata are equal texts; a text that is read gives what was written, or is
// refused with the number of the line.

import { isUuid } from '../../base/uuid.ts';
import type { WholeMetadata } from '../../metadata/moving/index.ts';
import {
  encodeRecord,
  type MetadataRecord,
  recordTypes,
  structOfRecord,
} from '../../metadata/records/index.ts';
import type { Field, Fields } from '../../protocol/index.ts';
import { UsageError } from '../command-line.ts';
import { kafkaNameOf, metadataText } from '../metadata-text.ts';

const formatVersion = 1;
const warning =
  'keep this file as you keep passwords: it has what users prove themselves with (SCRAM)';

type Head = Omit<WholeMetadata, 'records'>;

export function* dumpLines({ records, ...head }: WholeMetadata): Generator<string> {
  const { clusterId, historyId, endOffset, controllerEpoch, timestampMs } = head;
  const whose = { clusterId, historyId, endOffset, controllerEpoch, timestampMs };
  yield JSON.stringify({ partitaMetadataDump: formatVersion, ...whose, warning });
  for (const record of records) yield metadataText(encodeRecord(record), 'kept');
  yield JSON.stringify({ endOfDump: true, recordCount: records.length });
}

/** @throws UsageError, one line that names the file and the line */
export function readDump(text: string, path: string): WholeMetadata {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const records: MetadataRecord[] = [];
  const inLine = <T>(index: number, read: (value: Record<string, unknown>) => T): T => {
    try {
      return read(objectIn(lines[index] ?? ''));
    } catch (error) {
      const { message } = error as Error;
      throw new UsageError(`${path}, line ${index + 1}: ${message.replaceAll('\n', ' ')}`);
    }
  };
  const head = inLine(0, headIn);
  for (let index = 1; index < lines.length - 1; index++) records.push(inLine(index, recordIn));
  inLine(lines.length - 1, ({ endOfDump, recordCount }) => {
    if (endOfDump !== true) throw new Error('the last line of a dump is missing');
    if (recordCount === records.length) return;
    throw new Error(`${recordCount} records were written, and ${records.length} are there`);
  });
  return { ...head, records };
}

function objectIn(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new Error('expected an object in JSON');
}

function headIn(value: Record<string, unknown>): Head {
  const { partitaMetadataDump: version, ...head } = value;
  if (version === undefined) throw new Error('this is no dump of metadata');
  if (version !== formatVersion) {
    throw new Error(`a dump of format ${version}, and this release reads ${formatVersion}`);
  }
  const { clusterId, historyId, endOffset, controllerEpoch, timestampMs } = head as unknown as Head;
  const isHistory = historyId === null || (typeof historyId === 'string' && isUuid(historyId));
  const isWhole = [endOffset, controllerEpoch, timestampMs].every(Number.isSafeInteger);
  if (typeof clusterId === 'string' && clusterId !== '' && isHistory && isWhole) {
    return { clusterId, historyId, endOffset, controllerEpoch, timestampMs };
  }
  throw new Error('the head does not say whose metadata they are');
}

const typeByName = new Map(recordTypes.map((type) => [kafkaNameOf(type), type]));

function recordIn(value: Record<string, unknown>): MetadataRecord {
  const type = typeByName.get(String(value.type));
  if (type === undefined) throw new Error(`${value.type} is no record that this release knows`);
  const data = withBytes(structOfRecord(type).fields, value.data as Record<string, unknown>);
  const record = { type, ...data } as unknown as MetadataRecord;
  const again = JSON.parse(metadataText(encodeRecord(record), 'kept')) as Record<string, unknown>;
  const isSame = JSON.stringify(again) === JSON.stringify(value);
  if (isSame) return record;
  throw new Error(`expected ${JSON.stringify(again)}, with nothing more and nothing less`);
}

/** Bytes are in base64, in structs and in structs of structs. */
function withBytes(fields: Fields, json: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(json).map(([name, value]) => {
    const field = fields[name];
    return [name, field === undefined ? value : fromJson(field, value)];
  });
  return Object.fromEntries(entries);
}

function fromJson({ scalar, element }: Field, value: unknown): unknown {
  if (scalar === 'bytes') return typeof value === 'string' ? Buffer.from(value, 'base64') : value;
  if (typeof element !== 'object' || element === null || value === null) return value;
  const inner = (each: unknown): unknown => withBytes(element, each as Record<string, unknown>);
  return Array.isArray(value) ? value.map(inner) : inner(value);
}
