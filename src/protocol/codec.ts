// Frames: a size, a header, a body. The four headers (request v0 to v2, response v0 and v1) are
// written out here because everything else depends on reading them right; bodies go through the
// codecs of compile.ts, made at the first use of a version and kept.

import type { Codec } from './compile.ts';
import { compileElements, compileMessage } from './compile.ts';
import { InexactRequest, KafkaError, MalformedError } from './errors.ts';
import { apiByKey } from './messages/index.ts';
import { Reader } from './reader.ts';
import type {
  Api,
  RequestInput,
  RequestOf,
  ResponseInput,
  ResponseOf,
  Schema,
  Struct,
  StructInput,
  StructOf,
} from './schema.ts';
import { isIn } from './schema.ts';
import { Writer } from './writer.ts';

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Where the body begins in the frame. */
  readonly bodyPosition: number;
}

const apiVersionsKey = 18;
const controlledShutdownKey = 7;
const capacityBytesMax = 65536;

interface Compiled extends Codec {
  /** What the last frame took, so that the next one begins with a buffer that fits. */
  capacityBytes: number;
}

const compiled = new Map<Schema, (Compiled | undefined)[]>();

function codecOf(message: Schema, version: number): Compiled {
  let versions = compiled.get(message);
  if (versions === undefined) {
    versions = [];
    compiled.set(message, versions);
  }
  let codec = versions[version];
  if (codec === undefined) {
    if (!isIn(message.versions, version)) {
      const { min, max } = message.versions;
      throw new KafkaError(
        'UNSUPPORTED_VERSION',
        `${message.name} v${version} is not among the versions ${min} to ${max}`,
      );
    }
    codec = { ...compileMessage(message, version), capacityBytes: 128 };
    versions[version] = codec;
  }
  return codec;
}

/** Whether this server or client can speak the version. */
export function isVersionSupported(api: Api, version: number): boolean {
  return isIn(api.versions, version);
}

/** 0 has no client id (only ControlledShutdown v0 ever used it), 2 has tagged fields. */
export function requestHeaderVersion(api: Api, version: number): 0 | 1 | 2 {
  if (api.key === controlledShutdownKey && version === 0) return 0;
  return isIn(api.flexible, version) ? 2 : 1;
}

/** ApiVersions stays at 0: its answer must be readable by a client that guessed too high. */
export function responseHeaderVersion(api: Api, version: number): 0 | 1 {
  return api.key !== apiVersionsKey && isIn(api.flexible, version) ? 1 : 0;
}

/**
 * One request as it goes to the socket, size included.
 * @throws KafkaError UNSUPPORTED_VERSION if the version does not exist or cannot carry a value.
 */
export function encodeRequest<A extends Api>(
  api: A,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  body: RequestInput<A>,
): Buffer[] {
  const codec = codecOf(api.request, version);
  const writer = new Writer(codec.capacityBytes);
  writer.int32(0);
  writer.int16(api.key);
  writer.int16(version);
  writer.int32(header.correlationId);
  const headerVersion = requestHeaderVersion(api, version);
  if (headerVersion > 0) {
    // KIP-482 left this string in the old form, so that a header can be read before its version.
    if (header.clientId === null) writer.stringLength(-1, false);
    else writer.string(header.clientId, false);
  }
  if (headerVersion === 2) writer.uvarint(0);
  codec.write(writer, body as never);
  return finish(writer, codec);
}

/** One response as it goes to the socket, size included; throws as encodeRequest does. */
export function encodeResponse<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  body: ResponseInput<A>,
): Buffer[] {
  const codec = codecOf(api.response, version);
  const writer = new Writer(codec.capacityBytes);
  writer.int32(0);
  writer.int32(correlationId);
  if (responseHeaderVersion(api, version) === 1) writer.uvarint(0);
  codec.write(writer, body as never);
  return finish(writer, codec);
}

/** By message, version and path. */
const compiledElements = new Map<string, Codec>();

/**
 * Some elements of an array of structs of a response, for `EncodedElements`. `path` names the
 * field, within those that contain it.
 */
export function encodeElements(
  { response }: Api,
  version: number,
  path: readonly string[],
  elements: readonly unknown[],
): Buffer {
  const key = `${response.name} ${version} ${path.join('.')}`;
  const codec = compiledElements.get(key) ?? compileElements(response, version, path);
  compiledElements.set(key, codec);
  const writer = new Writer(64 * elements.length);
  for (const element of elements) codec.write(writer, element as never);
  const pieces = writer.finish();
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

function finish(writer: Writer, codec: Compiled): Buffer[] {
  const sizeBytes = writer.sizeBytes;
  const pieces = writer.finish();
  (pieces[0] as Buffer).writeInt32BE(sizeBytes - 4, 0);
  let ownBytes = (pieces[0] as Buffer).length;
  if (pieces.length > 1) ownBytes = Math.min(sizeBytes, ownBytes * pieces.length);
  codec.capacityBytes = Math.min(capacityBytesMax, Math.max(128, ownBytes + 32));
  return pieces;
}

/**
 * Reads the header of a request frame (without its size prefix). Of an unknown API the header is
 * read as version 1, which is where every later version begins too.
 * @throws MalformedError
 */
export function decodeRequestHeader(frame: Buffer): RequestHeader {
  const reader = new Reader(frame);
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const api = apiByKey(apiKey);
  const headerVersion = api === undefined ? 1 : requestHeaderVersion(api, apiVersion);
  const clientId = headerVersion > 0 ? reader.string(false) : null;
  if (headerVersion === 2) reader.skipTags();
  return { apiKey, apiVersion, correlationId, clientId, bodyPosition: reader.position };
}

/**
 * @throws MalformedError, KafkaError UNSUPPORTED_VERSION, or InexactRequest for an int64 that would
 *   be taken for its neighbour (docs/decisions/0002)
 */
export function decodeRequest<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
  bodyPosition: number,
): RequestOf<A> {
  const reader = new Reader(frame, bodyPosition);
  const request = read(api.request, version, reader) as RequestOf<A>;
  if (reader.inexact !== null) {
    const what = `${api.name} v${version}: ${reader.inexact}`;
    throw new InexactRequest(`${what} is beyond the 2^53 up to which numbers are kept`, request);
  }
  return request;
}

/** Reads a response frame without its size prefix; throws as decodeRequest does. */
export function decodeResponse<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
): { correlationId: number; body: ResponseOf<A> } {
  const reader = new Reader(frame);
  const correlationId = reader.int32();
  if (responseHeaderVersion(api, version) === 1) reader.skipTags();
  return { correlationId, body: read(api.response, version, reader) as ResponseOf<A> };
}

/** The struct alone: no size, no header, and no version number before it. */
export function encodeStruct<S extends Struct>(
  struct: S,
  version: number,
  value: StructInput<S>,
): Buffer {
  return encodeAlone(struct, version, value, null);
}

/**
 * The struct behind an int16, as records of internal topics have it: the record type before a key,
 * the version before anything else.
 */
export function encodeVersioned<S extends Struct>(
  struct: S,
  version: number,
  value: StructInput<S>,
): Buffer {
  return encodeAlone(struct, version, value, struct.recordType ?? version);
}

function encodeAlone(
  struct: Struct,
  version: number,
  value: unknown,
  prefix: number | null,
): Buffer {
  const codec = codecOf(struct, version);
  const writer = new Writer(64);
  if (prefix !== null) writer.int16(prefix);
  codec.write(writer, value as never);
  const pieces = writer.finish();
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

export function decodeStruct<S extends Struct>(
  struct: S,
  version: number,
  buffer: Buffer,
  position = 0,
): StructOf<S> {
  return read(struct, version, new Reader(buffer, position)) as StructOf<S>;
}

/**
 * Reads what encodeVersioned wrote. A version above those that we know is read as the newest one:
 * Kafka only ever adds to the end of the structs that travel between programs of different age.
 * @throws MalformedError, also for a key of another record type
 */
export function decodeVersioned<S extends Struct>(
  struct: S,
  buffer: Buffer,
): { version: number; value: StructOf<S> } {
  const reader = new Reader(buffer);
  const prefix = reader.int16();
  if (struct.recordType !== undefined) {
    if (prefix !== struct.recordType) {
      throw new MalformedError(`${struct.name} has the record type ${prefix}`);
    }
    return { version: 0, value: read(struct, 0, reader) as StructOf<S> };
  }
  if (prefix < struct.versions.min) throw new MalformedError(`${struct.name} v${prefix}`);
  const version = Math.min(prefix, struct.versions.max);
  return { version: prefix, value: read(struct, version, reader) as StructOf<S> };
}

function read(message: Schema, version: number, reader: Reader): unknown {
  const codec = codecOf(message, version);
  try {
    return codec.read(reader);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MalformedError(
      `${message.name} v${version} at byte ${reader.position}: ${error.message}`,
    );
  }
}
