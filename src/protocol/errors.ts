// Kafka's error codes and the error that carries one. The table is the whole list of Kafka 4.4;
// a code never changes its meaning, so clients of any age agree on it. The kind says what a client
// does about it (KIP-1050): Java's clients decide by the class of the exception, we by this table.

import { branded } from '../base/brand.ts';

/** Java's clients try again by themselves. */
const retriable = 'retriable';
/** The same, after they have asked for newer metadata. */
const refresh = 'refresh-retriable';
/** The transaction must be aborted; the producer may go on. */
const abortable = 'abortable';
/** The client must be closed, and a new one may go on. */
const recoverable = 'application-recoverable';
/** Rights, settings or records must be changed first. */
const configuration = 'invalid-configuration';

/** The groups of KIP-1050; `other` for what the caller alone can judge. */
export type ErrorKind =
  | typeof retriable
  | typeof refresh
  | typeof abortable
  | typeof recoverable
  | typeof configuration
  | 'other';

const definitions = {
  UNKNOWN_SERVER_ERROR: [-1, 'unexpected failure on the broker'],
  NONE: [0, 'no error'],
  OFFSET_OUT_OF_RANGE: [1, 'the log does not hold this offset'],
  CORRUPT_MESSAGE: [2, 'a batch has a wrong checksum, size or shape', retriable],
  UNKNOWN_TOPIC_OR_PARTITION: [3, 'no such topic or partition on this broker', refresh],
  INVALID_FETCH_SIZE: [4, 'impossible fetch size'],
  LEADER_NOT_AVAILABLE: [5, 'the partition has no leader at the moment', refresh],
  NOT_LEADER_OR_FOLLOWER: [6, 'this broker does not lead or hold the partition', refresh],
  REQUEST_TIMED_OUT: [7, 'the request did not complete in time', retriable],
  BROKER_NOT_AVAILABLE: [8, 'the broker is not available'],
  REPLICA_NOT_AVAILABLE: [9, 'the replica is not available', refresh],
  MESSAGE_TOO_LARGE: [10, 'a batch is larger than the topic allows'],
  STALE_CONTROLLER_EPOCH: [11, 'the controller has an old epoch'],
  OFFSET_METADATA_TOO_LARGE: [12, 'the metadata of an offset commit is too long'],
  NETWORK_EXCEPTION: [13, 'the connection ended before the response arrived', refresh],
  COORDINATOR_LOAD_IN_PROGRESS: [14, 'the coordinator is still loading its state', retriable],
  COORDINATOR_NOT_AVAILABLE: [15, 'no coordinator is available', refresh],
  NOT_COORDINATOR: [16, 'this broker is not the coordinator', refresh],
  INVALID_TOPIC_EXCEPTION: [17, 'invalid topic name or operation', configuration],
  RECORD_LIST_TOO_LARGE: [18, 'a batch is larger than a segment', configuration],
  NOT_ENOUGH_REPLICAS: [19, 'fewer replicas in sync than min.insync.replicas', retriable],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [
    20,
    'appended, but with fewer replicas in sync than min.insync.replicas',
    retriable,
  ],
  INVALID_REQUIRED_ACKS: [21, 'acks must be -1, 0 or 1', configuration],
  ILLEGAL_GENERATION: [22, 'the generation is not the current one of the group', recoverable],
  INCONSISTENT_GROUP_PROTOCOL: [23, 'no protocol in common with the other members'],
  INVALID_GROUP_ID: [24, 'invalid group id'],
  UNKNOWN_MEMBER_ID: [25, 'the group has no such member', recoverable],
  INVALID_SESSION_TIMEOUT: [26, 'the session timeout is outside the range of the broker'],
  REBALANCE_IN_PROGRESS: [27, 'the group is rebalancing: join again'],
  INVALID_COMMIT_OFFSET_SIZE: [28, 'an offset commit is too large'],
  TOPIC_AUTHORIZATION_FAILED: [29, 'not authorized for the topic', configuration],
  GROUP_AUTHORIZATION_FAILED: [30, 'not authorized for the group', configuration],
  CLUSTER_AUTHORIZATION_FAILED: [31, 'not authorized for the cluster', configuration],
  INVALID_TIMESTAMP: [32, 'a record has a timestamp outside the allowed range'],
  UNSUPPORTED_SASL_MECHANISM: [33, 'SASL mechanism not enabled here', configuration],
  ILLEGAL_SASL_STATE: [34, 'not allowed at this step of authentication', configuration],
  UNSUPPORTED_VERSION: [35, 'API or version not supported', configuration],
  TOPIC_ALREADY_EXISTS: [36, 'the topic exists already'],
  INVALID_PARTITIONS: [37, 'invalid number of partitions'],
  INVALID_REPLICATION_FACTOR: [
    38,
    'invalid replication factor, or not enough brokers for it',
    configuration,
  ],
  INVALID_REPLICA_ASSIGNMENT: [39, 'invalid replica assignment'],
  INVALID_CONFIG: [40, 'invalid configuration'],
  NOT_CONTROLLER: [41, 'this broker is not the controller', retriable],
  INVALID_REQUEST: [42, 'malformed or contradictory request'],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, 'the message format cannot express this', configuration],
  POLICY_VIOLATION: [44, 'refused by a policy'],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [45, 'the sequence number is not the next one'],
  DUPLICATE_SEQUENCE_NUMBER: [46, 'the sequence number was used before'],
  INVALID_PRODUCER_EPOCH: [47, 'the producer has an old epoch', recoverable],
  INVALID_TXN_STATE: [48, 'not allowed in this state of the transaction'],
  INVALID_PRODUCER_ID_MAPPING: [
    49,
    'the producer id does not belong to the transactional id',
    recoverable,
  ],
  INVALID_TRANSACTION_TIMEOUT: [50, 'the transaction timeout is above the maximum of the broker'],
  CONCURRENT_TRANSACTIONS: [51, 'another operation on the transaction is under way', retriable],
  TRANSACTION_COORDINATOR_FENCED: [52, 'the transaction coordinator has been replaced'],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [
    53,
    'not authorized for the transactional id',
    configuration,
  ],
  SECURITY_DISABLED: [54, 'security is not enabled'],
  OPERATION_NOT_ATTEMPTED: [55, 'not attempted because another part of the request failed'],
  KAFKA_STORAGE_ERROR: [56, 'the disk of the partition failed', refresh],
  LOG_DIR_NOT_FOUND: [57, 'no such log directory'],
  SASL_AUTHENTICATION_FAILED: [58, 'authentication failed', configuration],
  UNKNOWN_PRODUCER_ID: [59, 'nothing is known of this producer id'],
  REASSIGNMENT_IN_PROGRESS: [60, 'a reassignment of the partition is under way'],
  DELEGATION_TOKEN_AUTH_DISABLED: [61, 'delegation tokens are not enabled'],
  DELEGATION_TOKEN_NOT_FOUND: [62, 'no such delegation token'],
  DELEGATION_TOKEN_OWNER_MISMATCH: [63, 'the principal neither owns nor may renew the token'],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [64, 'not allowed over this kind of connection'],
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: [
    65,
    'not authorized for the delegation token',
    configuration,
  ],
  DELEGATION_TOKEN_EXPIRED: [66, 'the delegation token has expired'],
  INVALID_PRINCIPAL_TYPE: [67, 'unknown type of principal'],
  NON_EMPTY_GROUP: [68, 'the group still has members'],
  GROUP_ID_NOT_FOUND: [69, 'no such group'],
  FETCH_SESSION_ID_NOT_FOUND: [70, 'no such fetch session', retriable],
  INVALID_FETCH_SESSION_EPOCH: [71, 'the fetch session is at another epoch', retriable],
  LISTENER_NOT_FOUND: [72, 'the leader has no listener of this name', refresh],
  TOPIC_DELETION_DISABLED: [73, 'deletion of topics is disabled'],
  FENCED_LEADER_EPOCH: [74, 'the leader epoch is older than the current one', refresh],
  UNKNOWN_LEADER_EPOCH: [75, 'the leader epoch is newer than this broker knows', retriable],
  UNSUPPORTED_COMPRESSION_TYPE: [76, 'the compression cannot be used with this version'],
  STALE_BROKER_EPOCH: [77, 'the broker has registered again since'],
  OFFSET_NOT_AVAILABLE: [78, 'the new leader has not confirmed its offsets yet', retriable],
  MEMBER_ID_REQUIRED: [79, 'join again with the member id of this answer'],
  PREFERRED_LEADER_NOT_AVAILABLE: [80, 'the preferred leader is not available', refresh],
  GROUP_MAX_SIZE_REACHED: [81, 'the group is full'],
  FENCED_INSTANCE_ID: [82, 'another member uses this group.instance.id', recoverable],
  ELIGIBLE_LEADERS_NOT_AVAILABLE: [83, 'no replica may become leader', refresh],
  ELECTION_NOT_NEEDED: [84, 'the leader is already the right one', refresh],
  NO_REASSIGNMENT_IN_PROGRESS: [85, 'no reassignment to cancel'],
  GROUP_SUBSCRIBED_TO_TOPIC: [86, 'the group is subscribed to the topic'],
  INVALID_RECORD: [87, 'a record breaks a rule of the broker', configuration],
  UNSTABLE_OFFSET_COMMIT: [88, 'an offset commit of an open transaction is pending', retriable],
  THROTTLING_QUOTA_EXCEEDED: [89, 'quota exceeded', retriable],
  PRODUCER_FENCED: [90, 'a newer producer with this transactional id exists', recoverable],
  RESOURCE_NOT_FOUND: [91, 'no such resource'],
  DUPLICATE_RESOURCE: [92, 'the same resource twice in one request'],
  UNACCEPTABLE_CREDENTIAL: [93, 'the credential breaks a rule'],
  INCONSISTENT_VOTER_SET: [94, 'not one of the expected voters'],
  INVALID_UPDATE_VERSION: [95, 'invalid update version'],
  FEATURE_UPDATE_FAILED: [96, 'a feature could not be updated'],
  PRINCIPAL_DESERIALIZATION_FAILURE: [97, 'a forwarded principal cannot be read'],
  SNAPSHOT_NOT_FOUND: [98, 'no such snapshot'],
  POSITION_OUT_OF_RANGE: [99, 'the snapshot does not reach this position'],
  UNKNOWN_TOPIC_ID: [100, 'no topic with this id on this broker', refresh],
  DUPLICATE_BROKER_REGISTRATION: [101, 'the broker id is taken'],
  BROKER_ID_NOT_REGISTERED: [102, 'no broker is registered with this id'],
  INCONSISTENT_TOPIC_ID: [103, 'the log belongs to another topic id', refresh],
  INCONSISTENT_CLUSTER_ID: [104, 'the request is for another cluster'],
  TRANSACTIONAL_ID_NOT_FOUND: [105, 'no such transactional id'],
  FETCH_SESSION_TOPIC_ID_ERROR: [106, 'the fetch session mixes topic ids and names', retriable],
  INELIGIBLE_REPLICA: [107, 'a replica may not join the ISR'],
  NEW_LEADER_ELECTED: [108, 'the update was made and moved the leadership'],
  OFFSET_MOVED_TO_TIERED_STORAGE: [109, 'the offset is in remote storage only'],
  FENCED_MEMBER_EPOCH: [110, 'the member was fenced: give up its partitions and join again'],
  UNRELEASED_INSTANCE_ID: [111, 'the previous member with this instance id has not left'],
  UNSUPPORTED_ASSIGNOR: [112, 'the group does not support this assignor'],
  STALE_MEMBER_EPOCH: [113, 'the member epoch is old: heartbeat first'],
  MISMATCHED_ENDPOINT_TYPE: [114, 'sent to the wrong type of endpoint'],
  UNSUPPORTED_ENDPOINT_TYPE: [115, 'unsupported type of endpoint'],
  UNKNOWN_CONTROLLER_ID: [116, 'no such controller'],
  UNKNOWN_SUBSCRIPTION_ID: [117, 'the telemetry subscription has changed'],
  TELEMETRY_TOO_LARGE: [118, 'too much telemetry in one push'],
  INVALID_REGISTRATION: [119, 'the registration of the broker was refused'],
  TRANSACTION_ABORTABLE: [
    120,
    'the transaction must be aborted; the producer may go on',
    abortable,
  ],
  INVALID_RECORD_STATE: [121, 'the record cannot be acknowledged in its state'],
  SHARE_SESSION_NOT_FOUND: [122, 'no such share session', retriable],
  INVALID_SHARE_SESSION_EPOCH: [123, 'the share session is at another epoch', retriable],
  FENCED_STATE_EPOCH: [124, 'the state epoch is old'],
  INVALID_VOTER_KEY: [125, 'the voter key is not that of the replica'],
  DUPLICATE_VOTER: [126, 'already a voter'],
  VOTER_NOT_FOUND: [127, 'not a voter'],
  INVALID_REGULAR_EXPRESSION: [128, 'invalid regular expression'],
  REBOOTSTRAP_REQUIRED: [129, 'the metadata of the client is obsolete: bootstrap again'],
  STREAMS_INVALID_TOPOLOGY: [130, 'invalid topology'],
  STREAMS_INVALID_TOPOLOGY_EPOCH: [131, 'invalid topology epoch'],
  STREAMS_TOPOLOGY_FENCED: [132, 'the topology epoch is old'],
  SHARE_SESSION_LIMIT_REACHED: [133, 'too many share sessions', retriable],
  GROUP_DELETION_FAILED: [134, 'the group could not be deleted'],
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: [135, 'the topology description was not updated'],
  CONTROLLER_ID_NOT_REGISTERED: [136, 'no controller is registered with this id'],
} as const satisfies Record<string, readonly [code: number, message: string, kind?: ErrorKind]>;

/** Kafka's name of an error, such as OFFSET_OUT_OF_RANGE; errors.md has all of them. */
export type ErrorName = keyof typeof definitions;

/** Name to code: `ErrorCode.OFFSET_OUT_OF_RANGE === 1`. */
export const ErrorCode = Object.fromEntries(
  Object.entries(definitions).map(([name, [code]]) => [name, code]),
) as { readonly [Name in ErrorName]: (typeof definitions)[Name][0] };

const byCode = new Map<number, ErrorName>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name as ErrorName]),
);

/** The name of a code; a code that nobody knows yet reads as UNKNOWN_SERVER_ERROR. */
export function errorName(code: number): ErrorName {
  return byCode.get(code) ?? 'UNKNOWN_SERVER_ERROR';
}

/** What the code means, in a few words. */
export function errorMessage(code: number): string {
  return definitions[errorName(code)][1];
}

export function errorKind(code: number): ErrorKind {
  const [, , kind]: readonly [number, string, ErrorKind?] = definitions[errorName(code)];
  return kind ?? 'other';
}

/** Whether the same request may succeed later, perhaps after a refresh of metadata. */
export function isRetriable(code: number): boolean {
  const kind = errorKind(code);
  return kind === retriable || kind === refresh;
}

/** Where an error happened, as far as that is known. */
export interface ErrorPlace {
  /** The name of the request. */
  readonly api?: string;
  /** A node id, or host:port. */
  readonly broker?: number | string;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  /** How often it was tried, and for how long altogether. */
  readonly attempts?: number;
  readonly elapsedMs?: number;
}

/**
 * The same error, saying where it happened. One that says otherwise already, because it failed
 * several requests at once, is copied.
 */
export function withPlace<E extends Error>(error: E, place: ErrorPlace): E {
  const known = error as E & ErrorPlace;
  const isOther = (Object.keys(place) as (keyof ErrorPlace)[]).some(
    (name) => known[name] !== undefined && known[name] !== place[name],
  );
  return Object.assign(isOther ? copyOf(error) : error, place);
}

/** With the stack of the first; an object of another shape would have none when it is printed. */
function copyOf<E extends Error>(error: E): E {
  const copy = new Error(error.message, 'cause' in error ? { cause: error.cause } : undefined);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error));
  copy.stack = error.stack ?? '';
  return Object.assign(copy as E, error);
}

/** The remedy for an error, in a sentence. A broker has none to give; clients know them. */
let hintOf: (error: KafkaError) => string = () => '';

/** Called once, by the client. */
export function setErrorHints(hints: (error: KafkaError) => string): void {
  hintOf = hints;
}

/** One record of a refused batch (KIP-467): its index within the batch, and why. */
export interface RecordError {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string | null;
}

/**
 * An error that Kafka has a name (`errorName`) and a number (`code`) for, from a broker or from
 * this client.
 */
export class KafkaError extends Error implements ErrorPlace {
  static {
    branded(KafkaError, 'KafkaError');
  }
  readonly code: number;
  readonly errorName: ErrorName;
  /** The records at fault, when a produce request is refused because of some of them. */
  readonly recordErrors: readonly RecordError[];
  // Only where somebody knows: a broker makes many errors, and needs none of this.
  declare readonly api?: string;
  declare readonly broker?: number | string;
  declare readonly topic?: string;
  declare readonly partition?: number;
  declare readonly offset?: number;
  declare readonly attempts?: number;
  declare readonly elapsedMs?: number;

  constructor(name: ErrorName, message?: string, recordErrors: readonly RecordError[] = []) {
    super(message ?? definitions[name][1]);
    this.name = 'KafkaError';
    this.code = definitions[name][0];
    this.errorName = name;
    this.recordErrors = recordErrors;
  }

  /** The error of a code as received from a broker, with the broker's message if it sent one. */
  static fromCode(code: number, message?: string | null): KafkaError {
    return new KafkaError(errorName(code), message ?? undefined);
  }

  get errorKind(): ErrorKind {
    return errorKind(this.code);
  }

  /** The same call may succeed later. */
  get retriable(): boolean {
    return isRetriable(this.code);
  }

  /** The transaction must be aborted; the producer may go on. */
  get abortable(): boolean {
    return this.errorKind === abortable;
  }

  /** This client cannot go on: replace it, or change its rights, settings or records first. */
  get fatal(): boolean {
    return this.errorKind === recoverable || this.errorKind === configuration;
  }

  /** What to do, in a sentence. Empty in a broker. */
  get hint(): string {
    return hintOf(this);
  }
}

/** A request that is what the schema says, but for an int64 that is no number of ours. */
export class InexactRequest extends KafkaError {
  /** By the names of the fields. */
  readonly request: Readonly<Record<string, unknown>>;

  constructor(message: string, request: Readonly<Record<string, unknown>>) {
    super('INVALID_REQUEST', message);
    this.request = request;
  }
}

/** Bytes that are not what the schema says. The connection that sent them cannot be resumed. */
export class MalformedError extends KafkaError {
  constructor(message: string) {
    super('INVALID_REQUEST', message);
    this.name = 'MalformedError';
  }
}
