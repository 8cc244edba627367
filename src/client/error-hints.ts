// What to do about an error, in a sentence: one for every code of Kafka's, for the errors of the
// system that a client meets, and for our own. docs/errors.md and `partita explain error` show
// them; what a code means stands in protocol/errors.ts.

import type { ErrorName } from '../protocol/index.ts';

const again = 'The client tries again by itself; if it persists,';

export const errorHints: Readonly<Record<Exclude<ErrorName, 'NONE'>, string>> = {
  UNKNOWN_SERVER_ERROR:
    'Look into the log of the broker: it has the cause at the time of the call.',
  OFFSET_OUT_OF_RANGE:
    'Seek to an offset that is there, or set autoOffsetReset to earliest or latest.',
  CORRUPT_MESSAGE:
    'Check the network and the disks of the broker; a producer may send the record again.',
  UNKNOWN_TOPIC_OR_PARTITION:
    'Create the topic, or mend its name; a new topic is there after a moment.',
  INVALID_FETCH_SIZE: 'Set fetchMaxBytes and maxPartitionFetchBytes to positive numbers.',
  LEADER_NOT_AVAILABLE: `${again} start the brokers that hold the replicas of the partition.`,
  NOT_LEADER_OR_FOLLOWER: `${again} look whether brokers restart or partitions move all the time.`,
  REQUEST_TIMED_OUT:
    'Check that the brokers are up and in reach; raise requestTimeoutMs if they are slow.',
  BROKER_NOT_AVAILABLE: 'Start the broker, or ask another one.',
  REPLICA_NOT_AVAILABLE: `${again} look whether the broker with the replica is up.`,
  MESSAGE_TOO_LARGE:
    'Send smaller records, or raise max.message.bytes of the topic and maxRequestSizeBytes.',
  STALE_CONTROLLER_EPOCH: 'Nothing to do in a client: brokers tell each other.',
  OFFSET_METADATA_TOO_LARGE: 'Commit shorter metadata, or raise offset.metadata.max.bytes.',
  NETWORK_EXCEPTION: `${again} check bootstrapServers, advertised.listeners and the network.`,
  COORDINATOR_LOAD_IN_PROGRESS: `${again} look at the broker that leads the internal topic.`,
  COORDINATOR_NOT_AVAILABLE: `${again} check that the internal topics have leaders.`,
  NOT_COORDINATOR: `${again} look whether the internal topics move between brokers all the time.`,
  INVALID_TOPIC_EXCEPTION:
    'Use 1 to 249 letters, digits, dots, underscores and hyphens for the name of a topic.',
  RECORD_LIST_TOO_LARGE: 'Lower batchSizeBytes, or raise segment.bytes of the topic.',
  NOT_ENOUGH_REPLICAS: `${again} bring replicas back, or lower min.insync.replicas knowingly.`,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: `${again} bring replicas back; the record may be stored.`,
  INVALID_REQUIRED_ACKS: 'Set acks to all, 1 or 0.',
  ILLEGAL_GENERATION: 'Poll again: the member joins anew, and what it did not commit comes again.',
  INCONSISTENT_GROUP_PROTOCOL:
    'Give all members of the group one assignor in common, or use another groupId.',
  INVALID_GROUP_ID: 'Set groupId to a text that is not empty.',
  UNKNOWN_MEMBER_ID: 'Poll again: the member joins anew; poll more often than maxPollIntervalMs.',
  INVALID_SESSION_TIMEOUT:
    'Set sessionTimeoutMs between group.min.session.timeout.ms and group.max.session.timeout.ms.',
  REBALANCE_IN_PROGRESS: 'Poll first, then commit what is still assigned.',
  INVALID_COMMIT_OFFSET_SIZE: 'Commit fewer offsets or shorter metadata in one call.',
  TOPIC_AUTHORIZATION_FAILED:
    'Grant the principal Read or Write on the topic (kafka-acls.sh --add).',
  GROUP_AUTHORIZATION_FAILED:
    'Grant the principal Read on the group (kafka-acls.sh --add --group).',
  CLUSTER_AUTHORIZATION_FAILED: 'Grant the principal the operation on the cluster (kafka-acls.sh).',
  INVALID_TIMESTAMP: 'Send timestamps within message.timestamp.before.max.ms and .after.max.ms.',
  UNSUPPORTED_SASL_MECHANISM: 'Use a mechanism of sasl.enabled.mechanisms of the listener.',
  ILLEGAL_SASL_STATE: 'Set securityProtocol to SASL_PLAINTEXT or SASL_SSL for this listener.',
  UNSUPPORTED_VERSION: 'Use a newer broker, or leave out the option that needs the newer version.',
  TOPIC_ALREADY_EXISTS: 'Use the topic that is there, or another name.',
  INVALID_PARTITIONS:
    'Ask for at least one partition, and for more than there are when adding some.',
  INVALID_REPLICATION_FACTOR: 'Ask for at most as many replicas as there are brokers.',
  INVALID_REPLICA_ASSIGNMENT: 'Name brokers that exist, each once, and equally many a partition.',
  INVALID_CONFIG: 'Mend the key or the value that the message names (docs/configuration.md).',
  NOT_CONTROLLER: `${again} look whether the controller changes all the time.`,
  INVALID_REQUEST: 'Mend the argument that the message names; a request may name an item once.',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'Leave out headers and idempotence, or use a newer broker.',
  POLICY_VIOLATION: 'Ask for what the policy of the cluster allows; the message says what.',
  OUT_OF_ORDER_SEQUENCE_NUMBER:
    'Close the producer and make a new one; look whether the topic lost records.',
  DUPLICATE_SEQUENCE_NUMBER: 'Nothing to do: the record is stored already.',
  INVALID_PRODUCER_EPOCH: 'Abort the transaction; if that fails, another producer has taken over.',
  INVALID_TXN_STATE: 'Call beginTransaction, send, and commit or abort in this order.',
  INVALID_PRODUCER_ID_MAPPING: 'Close the producer and make a new one with the transactionalId.',
  INVALID_TRANSACTION_TIMEOUT: 'Set transactionTimeoutMs to at most transaction.max.timeout.ms.',
  CONCURRENT_TRANSACTIONS: `${again} await the end of one transaction before the next one begins.`,
  TRANSACTION_COORDINATOR_FENCED: 'Abort the transaction and begin again.',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    'Grant the principal Write on the transactional id (kafka-acls.sh --transactional-id).',
  SECURITY_DISABLED: 'Set authorizer.class.name at the brokers: without it there are no ACLs.',
  OPERATION_NOT_ATTEMPTED: 'Mend what failed in the same request, then repeat it.',
  KAFKA_STORAGE_ERROR: `${again} replace the disk that the log of the broker names.`,
  LOG_DIR_NOT_FOUND: 'Name a directory of log.dirs of that broker.',
  SASL_AUTHENTICATION_FAILED: 'Check user name, password or token, and the clock of this machine.',
  UNKNOWN_PRODUCER_ID: 'Nothing to do without transactions; else abort the transaction.',
  REASSIGNMENT_IN_PROGRESS: 'Wait for the reassignment, or cancel it first.',
  DELEGATION_TOKEN_AUTH_DISABLED: 'Set delegation.token.secret.key at all brokers.',
  DELEGATION_TOKEN_NOT_FOUND: 'Make a new token: this one has expired or was never made.',
  DELEGATION_TOKEN_OWNER_MISMATCH: 'Let the owner or a renewer of the token ask.',
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED:
    'Ask over SASL or TLS with a certificate, and not with a token.',
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: 'Grant the principal the operation on the token.',
  DELEGATION_TOKEN_EXPIRED: 'Make a new token, and renew it before it ends.',
  INVALID_PRINCIPAL_TYPE: 'Write principals as User:name.',
  NON_EMPTY_GROUP: 'Stop all members of the group, or wait until their sessions have ended.',
  GROUP_ID_NOT_FOUND: 'Check the name: a group without members and offsets is gone.',
  FETCH_SESSION_ID_NOT_FOUND: 'Nothing to do: the client opens another session.',
  INVALID_FETCH_SESSION_EPOCH: 'Nothing to do: the client opens another session.',
  LISTENER_NOT_FOUND: 'Give all brokers a listener of the name that the client connects to.',
  TOPIC_DELETION_DISABLED: 'Set delete.topic.enable to true at the brokers.',
  FENCED_LEADER_EPOCH: 'Nothing to do: the client asks for newer metadata.',
  UNKNOWN_LEADER_EPOCH: 'Nothing to do: the broker will know the epoch in a moment.',
  UNSUPPORTED_COMPRESSION_TYPE: 'Use another compressionType, or a newer broker (zstd needs 2.1).',
  STALE_BROKER_EPOCH: 'Nothing to do in a client: the broker has registered again.',
  OFFSET_NOT_AVAILABLE: `${again} look whether the partition has enough replicas in sync.`,
  MEMBER_ID_REQUIRED: 'Nothing to do: the client joins again with the id it was given.',
  PREFERRED_LEADER_NOT_AVAILABLE: 'Start the broker that is first among the replicas.',
  GROUP_MAX_SIZE_REACHED: 'Raise group.max.size, or start fewer members.',
  FENCED_INSTANCE_ID: 'Give every running member a groupInstanceId of its own.',
  ELIGIBLE_LEADERS_NOT_AVAILABLE:
    'Start a broker of the ISR; an unclean election loses what only the ISR had.',
  ELECTION_NOT_NEEDED: 'Nothing to do: the right broker leads already.',
  NO_REASSIGNMENT_IN_PROGRESS: 'Nothing to cancel: list the reassignments first.',
  GROUP_SUBSCRIBED_TO_TOPIC: 'Delete offsets only of topics that the group does not read any more.',
  INVALID_RECORD: 'Mend the record: a compacted topic needs keys, and timestamps have bounds.',
  UNSTABLE_OFFSET_COMMIT: `${again} end the transaction that commits these offsets.`,
  THROTTLING_QUOTA_EXCEEDED: `${again} ask less often, or raise the quota.`,
  PRODUCER_FENCED: 'Close this producer: another one with the same transactionalId is at work.',
  RESOURCE_NOT_FOUND: 'Check the name: there is no such user, subscription or resource.',
  DUPLICATE_RESOURCE: 'Name each resource once in a call.',
  UNACCEPTABLE_CREDENTIAL: 'Use 4096 to 16384 iterations, and a user name that is not empty.',
  INCONSISTENT_VOTER_SET: 'Nothing to do in a client: check the voters of the controllers.',
  INVALID_UPDATE_VERSION: 'Nothing to do in a client: brokers ask again with newer metadata.',
  FEATURE_UPDATE_FAILED: 'Ask for a level that all brokers support; the message says which fails.',
  PRINCIPAL_DESERIALIZATION_FAILURE: 'Let all brokers run versions that know the same principals.',
  SNAPSHOT_NOT_FOUND: 'Nothing to do in a client: the broker asks for another snapshot.',
  POSITION_OUT_OF_RANGE: 'Nothing to do in a client: the broker begins the snapshot again.',
  UNKNOWN_TOPIC_ID: `${again} the topic was deleted, or created again under the same name.`,
  DUPLICATE_BROKER_REGISTRATION: 'Give each broker a node.id of its own.',
  BROKER_ID_NOT_REGISTERED: 'Check the id: kafka-cluster.sh list-endpoints shows the brokers.',
  INCONSISTENT_TOPIC_ID: `${again} the topic was deleted and created again.`,
  INCONSISTENT_CLUSTER_ID: 'Connect to the cluster that was meant: the address belongs to another.',
  TRANSACTIONAL_ID_NOT_FOUND: 'Check the name: an id that is not used expires after a week.',
  FETCH_SESSION_TOPIC_ID_ERROR: 'Nothing to do: the client opens another session.',
  INELIGIBLE_REPLICA: 'Nothing to do in a client: the replica must catch up first.',
  NEW_LEADER_ELECTED: 'Nothing to do: the change was made.',
  OFFSET_MOVED_TO_TIERED_STORAGE: 'Read with a broker that has the remote storage.',
  FENCED_MEMBER_EPOCH: 'Poll again: the member joins anew with no partitions.',
  UNRELEASED_INSTANCE_ID:
    'Stop the other member with this groupInstanceId, or wait for its session.',
  UNSUPPORTED_ASSIGNOR: 'Use a groupRemoteAssignor of group.consumer.assignors: uniform or range.',
  STALE_MEMBER_EPOCH: 'Poll, then commit again.',
  MISMATCHED_ENDPOINT_TYPE: 'Connect to brokers, not to controllers, or the other way.',
  UNSUPPORTED_ENDPOINT_TYPE: 'Ask for brokers: this cluster shows no other endpoints.',
  UNKNOWN_CONTROLLER_ID: 'Check the id of the controller.',
  UNKNOWN_SUBSCRIPTION_ID: 'Nothing to do: the client asks for the new subscription.',
  TELEMETRY_TOO_LARGE: 'Subscribe to fewer metrics, or raise telemetry.max.bytes.',
  INVALID_REGISTRATION: 'Look into the log of the broker that was refused.',
  TRANSACTION_ABORTABLE: 'Call abortTransaction(), then begin again and repeat the work.',
  INVALID_RECORD_STATE: 'Acknowledge a record once, and while its lock lasts.',
  SHARE_SESSION_NOT_FOUND: 'Nothing to do: the client opens another session.',
  INVALID_SHARE_SESSION_EPOCH: 'Nothing to do: the client opens another session.',
  FENCED_STATE_EPOCH: 'Nothing to do in a client: another broker keeps the state now.',
  INVALID_VOTER_KEY: 'Check the directory id of the controller.',
  DUPLICATE_VOTER: 'Nothing to do: it is a voter already.',
  VOTER_NOT_FOUND: 'Check the id: kafka-metadata-quorum.sh describe shows the voters.',
  INVALID_REGULAR_EXPRESSION: 'Write the pattern in the syntax of RE2.',
  REBOOTSTRAP_REQUIRED: 'Nothing to do: the client begins again with bootstrapServers.',
  STREAMS_INVALID_TOPOLOGY: 'Mend the topology as the message says.',
  STREAMS_INVALID_TOPOLOGY_EPOCH: 'Raise the epoch of the topology by one at a time.',
  STREAMS_TOPOLOGY_FENCED: 'Stop the instances with the old topology, or take a new group.',
  SHARE_SESSION_LIMIT_REACHED: `${again} raise group.share.max.share.sessions.`,
  GROUP_DELETION_FAILED: 'Stop the members of the group and delete it again.',
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: 'Nothing to do: it is sent again.',
  CONTROLLER_ID_NOT_REGISTERED: 'Check the id of the controller.',
};

export const unknownSystemHint =
  'Look up the code of the system; the client tries again by itself.';

/** By the code of the error. */
export const systemHints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Check that a broker listens at this host and port, and bootstrapServers.',
  ECONNRESET: 'The broker, or something between, ended the connection: look into its log.',
  EPIPE: 'The broker ended the connection: look into its log.',
  ETIMEDOUT: 'Check routes and firewalls, or raise connectionSetupTimeoutMs.',
  ENOTFOUND: 'Check the host name; brokers name themselves by advertised.listeners.',
  EAI_AGAIN: 'Check the name server: it did not answer.',
  EHOSTUNREACH: 'Check the network: there is no way to this host.',
  ENETUNREACH: 'Check the network: there is no way to this host.',
  EADDRNOTAVAIL: 'Check the host name: it leads to no address of a broker.',
  EMFILE: 'Raise the limit of open files (ulimit -n), or close clients that are not used.',
  EPROTO: 'Check that the listener speaks TLS (security.protocol) in a version both allow.',
  TLS: 'Check ssl.truststoreLocation, and that the certificate is for the name of the host.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'Give the certificate of the broker as ssl.truststoreLocation.',
  SELF_SIGNED_CERT_IN_CHAIN: 'Give the authority of the broker as ssl.truststoreLocation.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'Give the authority of the broker as ssl.truststoreLocation.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'Give the authority of the broker as ssl.truststoreLocation.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Connect by a name that the certificate of the broker is for.',
  CERT_HAS_EXPIRED: 'Renew the certificate of the broker.',
};

/** Errors of ours: what they mean, and what to do. */
export const ownErrors: Readonly<Record<string, readonly [meaning: string, hint: string]>> = {
  INVALID_OPTION: [
    'an option does not exist, is of the wrong kind, or contradicts another',
    'Mend the option that the message names; docs/client-reference.md has all of them.',
  ],
  ILLEGAL_STATE: [
    'the call is not possible now: the client is closed, not subscribed, or busy',
    'Do first what the message names.',
  ],
  INVALID_ARGUMENT: [
    'a value is of the wrong kind',
    'Pass what the message asks for; the types say the same.',
  ],
  WAKEUP: ['a poll was ended by wakeup()', 'Poll again, or close the consumer.'],
  POISON_RECORD: [
    'a handler of consumer.run has failed with a record as often as it may',
    "Mend the handler, or set onPoison to 'skip' or { topic }.",
  ],
  WORK_ABORTED: [
    'the signal of a handler has fired: its time is over, or its partition has gone',
    'End the handler: what it does from now on is not committed.',
  ],
  SERDE_ERROR: [
    'a key or a value could not be turned into bytes, or bytes into a value',
    'Look at `issues` and `cause`: the value, or the schema, is not what the other side wrote.',
  ],
};
