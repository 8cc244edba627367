// Keys that Kafka has dropped, or that belong to other distributions, and that are still found in
// people's files: each with what became of it. They are understood, said in one line, and ignored.

const zooKeeper = 'it is not served';
const versions = 'the formats and versions of the current release are always used';
const advertisedInstead = 'use advertised.listeners';
const encoder = 'password.encoder.secret encrypts by AES-256-GCM and PBKDF2';

export const legacyKeys: Readonly<Record<string, string>> = {
  brokerid: 'use node.id',
  'broker.id.generation.enable': 'ids are given in node.id',
  'reserved.broker.max.id': 'ids are given in node.id',
  'advertised.host.name': advertisedInstead,
  'advertised.port': advertisedInstead,
  'control.plane.listener.name': 'the controller is reached through the cluster store',
  'inter.broker.protocol.version': versions,
  'log.message.format.version': versions,
  'message.format.version': versions,
  'log.message.downconversion.enable': 'fetches of old clients are converted when they come',
  'log.message.timestamp.difference.max.ms':
    'use log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms',
  'log.cleaner.io.max.bytes.per.second.per.thread': 'use log.cleaner.io.max.bytes.per.second',
  'log.file.size': 'use log.segment.bytes',
  'log.retention.size': 'use log.retention.bytes',
  'log.cleanup.interval.mins': 'use log.retention.check.interval.ms',
  'log.flush.interval': 'use log.flush.interval.messages',
  'max.socket.request.bytes': 'use socket.request.max.bytes',
  'replica.lag.max.messages': 'replicas leave the in-sync set by time: replica.lag.time.max.ms',
  'controlled.shutdown.max.retries': 'a stopping broker hands over once and then stops',
  'controlled.shutdown.retry.backoff.ms': 'a stopping broker hands over once and then stops',
  'quota.producer.default': 'default quotas are set with kafka-configs.sh',
  'quota.consumer.default': 'default quotas are set with kafka-configs.sh',
  'offsets.commit.required.acks': 'a commit is acknowledged by all replicas in sync',
  'auto.include.jmx.reporter': 'there is no JMX',
  'group.coordinator.new.enable': 'use group.coordinator.rebalance.protocols',
  'unstable.metadata.versions.enable': versions,
  'eligible.leader.replicas.enable': 'it is a feature of the cluster, not a key',
  'log.message.timestamp.difference': 'use log.message.timestamp.before.max.ms',
};

const legacyPrefixes: readonly (readonly [prefix: string, what: string])[] = [
  ['zookeeper.', zooKeeper],
  ['password.encoder.', encoder],
  ['kafka.zookeeper.', zooKeeper],
  ['confluent.', 'it belongs to the Confluent distribution'],
];

/** What became of a key that Kafka has dropped; null when it never was one that we know. */
export function legacyExplanation(key: string): string | null {
  if (Object.hasOwn(legacyKeys, key)) return legacyKeys[key] as string;
  return legacyPrefixes.find(([prefix]) => key.startsWith(prefix))?.[1] ?? null;
}
