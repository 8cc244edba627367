// Partita's clients: producer, consumer and admin for any broker that speaks Kafka's protocol.
//
// producer/  consumer/  admin/   the three clients, each behind its own index.ts
// connect.ts              several clients that share what they can (shared-parts.ts)
// client.ts               what they share: requests to the right broker, with retries
// broker-connections.ts   one connection per broker, made and made again
// metadata-cache.ts       brokers, topics, leaders
// coordinator-requests.ts who coordinates a group or a transactional id, and a connection to it
// leader-access.ts        connections to leaders, and news of them, for those who work in rounds
// leader-requests.ts      requests about partitions, grouped by leader
// offset-queries.ts       ListOffsets
// client-options.ts       options of every client, Java's property names
// security-options.ts     those of protected connections; client-security.ts, client-tls.ts,
//                         client-sasl.ts: what is made of them; client-config-error.ts: one that
//                         makes no sense
// serde/                  keys and values to bytes and back
// value-guide/            what each type is in JavaScript: docs/values.md; loaded by no client
// headers.ts              the headers of a record
// topics.ts               topics with types
// java-names.ts           Java's names in the place of ours, and files of properties;
//                         java-name-types.ts: those names as types;
//                         environment-options.ts: KAFKA_* variables
// option-checks.ts        options that do not exist, values of the wrong kind
// client-io.ts            what a client stands on, and whether the process stays for it
// clock-gaps.ts           whether this process stood still
// client-log.ts           what a client says, to a logger of pino's shape
// diagnostics.ts          tracing channels; telemetry.ts: spans and metrics made of
//                         them by opentelemetry.ts (opentelemetry-api.ts)
// metrics/                what clients measure, under Java's names
// errors.ts               what every error has that a client throws; error-hints.ts: the remedies
// error-guide/            errors explained, for documents and `partita explain`
// runner/                 consumer.run, loaded by the first run; shutdown.ts: ends at a signal
// backoff.ts              pauses between attempts
export { Decimal, type Rounding } from '../base/decimal.ts';
export type { Uuid } from '../base/uuid.ts';
export {
  ErrorCode,
  type ErrorKind,
  type ErrorName,
  type ErrorPlace,
  KafkaError,
} from '../protocol/index.ts';
export * from './admin/index.ts';
export type { CallOptions } from './client.ts';
export type { ClientLogger } from './client-log.ts';
export { ClientConfigError, type ClientOptions, type PropertiesResult } from './client-options.ts';
export { Connection, connect, type OwnOptions } from './connect.ts';
export * from './consumer/index.ts';
export type { CoordinatorAddress } from './coordinator-requests.ts';
export { optionsFromEnvironment } from './environment-options.ts';
export {
  type ClientError,
  IllegalStateError,
  InvalidArgumentError,
  isClientError,
} from './errors.ts';
export { type Header, Headers, type HeadersInput, type HeaderValue } from './headers.ts';
export type { TopicPartition } from './leader-requests.ts';
export type { PartitionMetadata, TopicMetadata } from './metadata-cache.ts';
export type { ClientMetric } from './metrics/index.ts';
export {
  type FoundOffset,
  type IsolationLevel,
  type OffsetQuery,
  OffsetSpec,
} from './offset-queries.ts';
export type { OpenTelemetryApi } from './opentelemetry-api.ts';
export * from './producer/index.ts';
export type {
  BatchOptions,
  DeadLetterHeaders,
  DeadLetterOptions,
  OnPoison,
  Ordering,
  RetryOptions,
  RunBatchOptions,
  RunOptions,
  StopOptions,
} from './runner/index.ts';
export { PoisonRecordError } from './runner/poison-record-error.ts';
export {
  type Closeable,
  type Shutdown,
  type ShutdownOptions,
  shutdownOn,
} from './runner/shutdown.ts';
export { WorkAbortedError, type WorkContext } from './runner/work-context.ts';
export type {
  ClientSecurityProtocol,
  OAuthToken,
  SaslOptions,
  SecurityOptions,
  SslOptions,
} from './security-options.ts';
export * from './serde/index.ts';
export { traceWithOpenTelemetry } from './telemetry.ts';
export {
  defineTopics,
  type Received,
  type ReceivedRecord,
  type Sent,
  type SentRecord,
  type TopicDefinition,
  type TopicTable,
  type Untyped,
} from './topics.ts';
