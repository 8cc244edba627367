// Who this node is and how its metadata is kept: identity, roles, the KRaft keys that a stock
// server.properties carries, the metadata log, and the way to a ZooKeeper.

import { INT64_MAX } from '../base/int64.ts';
import {
  boolean,
  className,
  type Definitions,
  from,
  int,
  list,
  long,
  password,
  string,
} from './definition.ts';
import { reasons } from './reasons.ts';

/** What follows the engine's name is read by the engine. */
const storeAddress = /^(shared:\/\/[^\s/:]+:\d{1,5}|(etcd|zookeeper):\/\/\S+)$/;

/** A user and password stand before the hosts, well formed or not. */
const hasLogin = (value: string): boolean => value.includes('@');

export const brokerNode = {
  'node.id': int(1, 'Number of this node, unique in the cluster. Without it, broker.id.', {
    importance: 'high',
    min: 0,
    fallbacks: [from('broker.id')],
  }),
  'broker.id': int(-1, 'Old name of node.id. -1 means that it is not set.', {
    importance: 'high',
    fallbacks: [from('node.id')],
  }),
  'process.roles': list(
    ['broker', 'controller'],
    'Roles of this process: broker, controller or both.',
    {
      importance: 'high',
      oneOf: ['broker', 'controller'],
      notEmpty: true,
      accepted: 'every process is a broker and may become controller',
    },
  ),
  'broker.rack': string(
    null,
    'Name of the rack or zone this broker stands in; told to clients, and used to spread replicas.',
  ),
  'controller.listener.names': list(
    [],
    "Listeners that only Kafka's controllers use: they are not opened here.",
    { importance: 'high' },
  ),
  'controller.quorum.bootstrap.servers': list(
    [],
    'Addresses from which a Kafka node finds the Raft controllers.',
    { importance: 'high', accepted: reasons.kraft },
  ),
  'controller.quorum.voters': list([], 'Fixed members of the Raft quorum as id@host:port.', {
    importance: 'high',
    accepted: reasons.kraft,
  }),
  'controller.quorum.election.timeout.ms': int(
    1000,
    'Time without word from the Raft leader before an election, in ms.',
    { importance: 'high', min: 0, accepted: reasons.kraft },
  ),
  'controller.quorum.election.backoff.max.ms': int(
    1000,
    'Longest random wait before the next Raft election, in ms.',
    { importance: 'high', min: 0, accepted: reasons.kraft },
  ),
  'controller.quorum.fetch.timeout.ms': int(
    2000,
    'Time without a successful fetch from the Raft leader before a voter becomes candidate, in ms.',
    { importance: 'high', min: 0, accepted: reasons.kraft },
  ),
  'controller.quorum.fetch.max.bytes': int(1_048_576, 'Most bytes of one fetch of the Raft log.', {
    importance: 'low',
    min: 1,
    accepted: reasons.kraft,
  }),
  'controller.quorum.fetch.snapshot.max.bytes': int(
    1_048_576,
    'Most bytes of one fetch of a metadata snapshot.',
    { importance: 'low', min: 1, accepted: reasons.kraft },
  ),
  'controller.quorum.append.linger.ms': int(
    25,
    'Time for which the Raft leader gathers appends before it syncs them, in ms.',
    { min: 0, accepted: reasons.kraft },
  ),
  'controller.quorum.request.timeout.ms': int(
    2000,
    'Time within which a Raft request must be answered, in ms.',
    { min: 0, accepted: reasons.kraft },
  ),
  'controller.quorum.retry.backoff.ms': int(
    20,
    'First wait before a Raft request is repeated, in ms.',
    { importance: 'low', min: 0, accepted: reasons.kraft },
  ),
  'controller.quorum.auto.join.enable': boolean(
    false,
    'Whether a new Raft controller joins the voters by itself.',
    { importance: 'low', accepted: reasons.kraft },
  ),
  'controller.socket.timeout.ms': int(
    30_000,
    'Time within which the controller must answer a broker, in ms.',
    { accepted: 'requests to the controller wait as long as those to any broker' },
  ),
  'controller.performance.sample.period.ms': long(
    60_000,
    "Time between two lines about the controller's speed, in ms.",
    { min: 100, internal: true, accepted: reasons.kraft },
  ),
  'controller.performance.always.log.threshold.ms': long(
    2000,
    'A controller event that takes longer than this many ms is logged.',
    { min: 0, internal: true, accepted: reasons.kraft },
  ),
  'broker.heartbeat.interval.ms': int(
    2000,
    'Time between two heartbeats of the broker to the controller, in ms.',
  ),
  'broker.session.timeout.ms': int(
    9000,
    'Time without heartbeat after which a broker counts as dead, in ms.',
    { min: 1 },
  ),
  'initial.broker.registration.timeout.ms': int(
    60_000,
    'Time a starting broker tries to register before it gives up, in ms.',
  ),
  'server.max.startup.time.ms': long(INT64_MAX, 'Longest start of the server, in ms.', {
    min: 0,
    internal: true,
    accepted: 'a start is never cut short',
  }),
  'controlled.shutdown.enable': boolean(
    true,
    'Whether a broker that stops hands its leaderships over first.',
  ),
  'cluster.store': string(
    null,
    'Where several brokers keep their metadata; without it this one is alone: metadata.log.dir.',
    {
      importance: 'high',
      shape:
        'shared://host:port, as partita start --brokers serves it; ' +
        'etcd://host:port,host:port/prefix; zookeeper://host:port,host:port/chroot',
      check: (value) => storeAddress.test(value),
      holdsSecret: hasLogin,
    },
  ),
  'cluster.store.username': string(
    null,
    'User as whom this broker asks an etcd, or a ZooKeeper (scheme digest).',
  ),
  'cluster.store.password': password('Password of that user.'),
  'cluster.store.ssl.enable': boolean(
    false,
    'Whether connections to an etcd are encrypted; a key or trusted certificates imply it.',
  ),
  'cluster.store.ssl.truststore.location': string(
    null,
    'PEM file with the certificates that are trusted at an etcd; else the well-known authorities.',
  ),
  'cluster.store.ssl.keystore.location': string(
    null,
    'PEM file with the private key and certificate that this broker shows an etcd.',
  ),
  'cluster.store.ssl.key.password': password('Password of that private key.'),
  'cluster.store.ssl.endpoint.identification.algorithm': string(
    'https',
    'How the certificate of an etcd must fit its host name; empty: not at all.',
    { oneOf: ['https', ''] },
  ),
  'etcd.compaction': string(
    'none',
    'Who lets an etcd forget old revisions: its owner, or with auto this broker after 5 minutes.',
    { oneOf: ['none', 'auto'] },
  ),
  'zookeeper.connect': string(
    null,
    'The ZooKeeper that keeps the metadata; cluster.store and process.roles go before it.',
    {
      importance: 'high',
      shape: 'host:2181,host:2181/chroot',
      check: (text) => !/\s/.test(text),
      holdsSecret: hasLogin,
    },
  ),
  'zookeeper.session.timeout.ms': int(
    null,
    'With zookeeper.connect: broker.session.timeout.ms, unless that is set, too.',
    { importance: 'high', min: 1 },
  ),
  'zookeeper.connection.timeout.ms': int(
    null,
    'Time a starting broker tries to reach ZooKeeper, in ms; without it, 30 seconds.',
    { importance: 'high', min: 1 },
  ),
  'zookeeper.max.in.flight.requests': int(10, 'Questions to ZooKeeper that wait at once.', {
    importance: 'high',
    min: 1,
    accepted: 'as many as there are wait at once',
  }),
  port: int(
    9092,
    'Old name of listeners. In a file with broker.id: there is a ZooKeeper at localhost:2181.',
    { importance: 'high', min: 0, max: 65_535 },
  ),
  'host.name': string('', 'Address to listen on, beside port. Empty: every interface.', {
    importance: 'high',
  }),
  'metadata.log.dir': string(
    null,
    'Folder of the metadata log; without it the first of log.dirs.',
    { importance: 'high' },
  ),
  'metadata.log.segment.bytes': int(
    1_073_741_824,
    'Size at which the metadata log starts a new file, in bytes.',
    { importance: 'high', min: 8_388_608 },
  ),
  'metadata.log.segment.ms': long(
    604_800_000,
    'Age at which the metadata log starts a new file, in ms.',
    { importance: 'high', accepted: reasons.metadataLog },
  ),
  'metadata.log.max.record.bytes.between.snapshots': long(
    20_971_520,
    'Bytes of metadata records after which a snapshot is written.',
    { importance: 'high', min: 1 },
  ),
  'metadata.log.max.snapshot.interval.ms': long(
    3_600_000,
    'Longest time between two metadata snapshots while there are new records, in ms; 0 for none.',
    { importance: 'high', min: 0, accepted: reasons.metadataLog },
  ),
  'metadata.max.retention.bytes': long(
    104_857_600,
    'Size of metadata log and snapshots above which old ones are deleted, in bytes.',
    { importance: 'high', accepted: reasons.metadataLog },
  ),
  'metadata.max.retention.ms': long(
    604_800_000,
    'Age above which old metadata snapshots are deleted, in ms.',
    { importance: 'high', accepted: reasons.metadataLog },
  ),
  'metadata.max.idle.interval.ms': int(
    500,
    'Time between two empty records of an idle Kafka controller, in ms.',
    { importance: 'low', min: 0, accepted: reasons.kraft },
  ),
  'internal.metadata.log.segment.bytes': int(
    null,
    "For Kafka's own tests: size of a file of the metadata log, in bytes.",
    { importance: 'low', internal: true, accepted: reasons.metadataLog },
  ),
  'internal.metadata.delete.delay.millis': long(
    60_000,
    "For Kafka's own tests: wait before metadata files are deleted, in ms.",
    { importance: 'low', internal: true, accepted: reasons.metadataLog },
  ),
  'internal.metadata.max.batch.size.in.bytes': int(
    8_388_608,
    "For Kafka's own tests: largest batch of metadata records, in bytes.",
    { importance: 'low', internal: true, accepted: reasons.metadataLog },
  ),
  'unstable.api.versions.enable': boolean(
    false,
    'Whether versions of requests that Kafka has not released are offered.',
    { importance: 'high', internal: true, accepted: 'only released versions are offered' },
  ),
  'unstable.feature.versions.enable': boolean(
    false,
    'Whether feature levels that Kafka has not released are offered.',
    { importance: 'high', internal: true, accepted: 'only released levels are offered' },
  ),
  'background.threads': int(10, 'Threads for work in the background.', {
    importance: 'high',
    update: 'cluster-wide',
    min: 1,
    accepted: reasons.threads,
  }),
  'config.providers': list(
    [],
    'Names under which values refer to files and variables; file and env need not be named.',
    { importance: 'low', update: 'cluster-wide' },
  ),
  'alter.config.policy.class.name': className(
    null,
    'Java class that decides whether a change of configuration is allowed.',
    { importance: 'low', accepted: reasons.java },
  ),
  'create.topic.policy.class.name': className(
    null,
    'Java class that decides whether a topic may be created.',
    { importance: 'low', accepted: reasons.java },
  ),
} satisfies Definitions;

const pem = 'the file is PEM: openssl pkcs12 and keytool -importkeystore make PEM of other formats';

/**
 * How a broker reaches a ZooKeeper that wants to know who it is. (User and password stand in the
 * section Client of a JAAS file.)
 */
export const brokerZooKeeper = {
  'zookeeper.set.acl': boolean(
    false,
    'Whether only this user may change the nodes this broker makes; others read a few of them.',
    { importance: 'high' },
  ),
  'zookeeper.ssl.client.enable': boolean(false, 'Whether connections to ZooKeeper are encrypted.'),
  'zookeeper.clientCnxnSocket': string(null, "Java class of ZooKeeper's connections.", {
    accepted: 'the client needs no class to encrypt',
  }),
  'zookeeper.ssl.truststore.location': string(
    null,
    'PEM file with the certificates trusted at a ZooKeeper; else the well-known authorities.',
  ),
  'zookeeper.ssl.truststore.password': password('Password of that file.', { accepted: pem }),
  'zookeeper.ssl.truststore.type': string(null, 'Format of that file.', { accepted: pem }),
  'zookeeper.ssl.keystore.location': string(
    null,
    'PEM file with the private key and certificate that this broker shows a ZooKeeper.',
  ),
  'zookeeper.ssl.keystore.password': password('Password of that private key.'),
  'zookeeper.ssl.keystore.type': string(null, 'Format of that file.', { accepted: pem }),
  'zookeeper.ssl.protocol': string('TLSv1.2', 'TLS version a connection starts with.', {
    accepted: 'both sides take the newest of the protocols that are enabled',
  }),
  'zookeeper.ssl.enabled.protocols': list(
    null,
    'TLS versions that are allowed; without it TLSv1.2 and TLSv1.3.',
    { oneOf: ['TLSv1.2', 'TLSv1.3'], notEmpty: true },
  ),
  'zookeeper.ssl.cipher.suites': list(null, 'Cipher suites that are allowed.', {
    accepted: "they are the library's own",
  }),
  'zookeeper.ssl.endpoint.identification.algorithm': string(
    'HTTPS',
    'How the certificate of a ZooKeeper must fit its host name; empty: not at all.',
    { oneOf: ['HTTPS', ''], isCaseInsensitive: true },
  ),
  'zookeeper.ssl.crl.enable': boolean(false, 'Whether lists of revoked certificates are asked.', {
    accepted: 'revoked certificates are not looked for',
  }),
  'zookeeper.ssl.ocsp.enable': boolean(false, 'Whether the authority is asked of revocations.', {
    accepted: 'revoked certificates are not looked for',
  }),
} satisfies Definitions;
