// The Kafka protocol: bytes to values and back. Pure and synchronous; nothing here knows a socket.
//
//   errors.ts      the error codes, and KafkaError, which carries one
//   schema.ts      the language of the schemas, and the types inferred from them
//   messages/      one schema per API
//   structs/       schemas outside of any API: internal topics, consumer protocol, control records
//   compile.ts     schema and version to a pair of closures; on reader.ts and writer.ts
//   codec.ts       frames: headers and bodies
//   records/       record batches, message sets, compression

export type { RequestHeader } from './codec.ts';
export {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeStruct,
  decodeVersioned,
  encodeElements,
  encodeRequest,
  encodeResponse,
  encodeStruct,
  encodeVersioned,
  isVersionSupported,
  requestHeaderVersion,
  responseHeaderVersion,
} from './codec.ts';
export type { ErrorKind, ErrorName, ErrorPlace, RecordError } from './errors.ts';
export {
  ErrorCode,
  errorKind,
  errorMessage,
  errorName,
  InexactRequest,
  isRetriable,
  KafkaError,
  MalformedError,
  setErrorHints,
  withPlace,
} from './errors.ts';
export * from './messages/index.ts';
export * from './records/index.ts';
export * from './schema.ts';
export * from './structs/index.ts';
