// Java's names of options, as types; what becomes of them: java-names.ts.

interface JavaSecurityNames {
  readonly 'security.protocol'?: string;
  readonly 'sasl.mechanism'?: string;
  readonly 'sasl.jaas.config'?: string;
  readonly 'sasl.oauthbearer.token.endpoint.url'?: string;
  readonly 'sasl.oauthbearer.client.credentials.client.id'?: string;
  readonly 'sasl.oauthbearer.client.credentials.client.secret'?: string;
  readonly 'sasl.oauthbearer.scope'?: string;
  readonly 'sasl.kerberos.service.name'?: string;
  readonly 'sasl.kerberos.kinit.cmd'?: string;
  readonly 'ssl.keystore.location'?: string;
  readonly 'ssl.keystore.password'?: string;
  readonly 'ssl.keystore.type'?: string;
  readonly 'ssl.keystore.key'?: string;
  readonly 'ssl.keystore.certificate.chain'?: string;
  readonly 'ssl.key.password'?: string;
  readonly 'ssl.truststore.location'?: string;
  readonly 'ssl.truststore.password'?: string;
  readonly 'ssl.truststore.type'?: string;
  readonly 'ssl.truststore.certificates'?: string;
  readonly 'ssl.enabled.protocols'?: string;
  readonly 'ssl.cipher.suites'?: string;
  readonly 'ssl.endpoint.identification.algorithm'?: string;
}

/** Java's names of the options of every client. */
export interface JavaClientNames extends JavaSecurityNames {
  readonly 'bootstrap.servers'?: string | readonly string[];
  readonly 'client.id'?: string;
  readonly 'request.timeout.ms'?: number;
  readonly 'default.api.timeout.ms'?: number;
  readonly 'socket.connection.setup.timeout.ms'?: number;
  readonly 'reconnect.backoff.ms'?: number;
  readonly 'reconnect.backoff.max.ms'?: number;
  readonly 'retry.backoff.ms'?: number;
  readonly 'retry.backoff.max.ms'?: number;
  readonly 'metadata.max.age.ms'?: number;
  readonly 'connections.max.idle.ms'?: number;
  readonly 'metadata.recovery.strategy'?: 'rebootstrap' | 'none';
  readonly 'metadata.recovery.rebootstrap.trigger.ms'?: number;
}

/** Java's names of a producer's own options. */
export interface JavaProducerNames {
  readonly 'linger.ms'?: number;
  readonly 'batch.size'?: number;
  readonly 'buffer.memory'?: number;
  readonly 'max.block.ms'?: number;
  readonly 'max.request.size'?: number;
  readonly 'max.in.flight.requests.per.connection'?: number;
  readonly 'enable.idempotence'?: boolean;
  readonly 'delivery.timeout.ms'?: number;
  readonly 'transactional.id'?: string;
  readonly 'transaction.timeout.ms'?: number;
  readonly 'partitioner.class'?: string;
  readonly 'partitioner.ignore.keys'?: boolean;
  readonly 'partitioner.adaptive.partitioning.enable'?: boolean;
  readonly 'compression.type'?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  readonly 'compression.gzip.level'?: number;
  readonly 'compression.lz4.level'?: number;
  readonly 'compression.zstd.level'?: number;
}

/** Java's names of a consumer's own options. */
export interface JavaConsumerNames {
  readonly 'fetch.min.bytes'?: number;
  readonly 'fetch.max.wait.ms'?: number;
  readonly 'fetch.max.bytes'?: number;
  readonly 'max.partition.fetch.bytes'?: number;
  readonly 'max.poll.records'?: number;
  readonly 'auto.offset.reset'?: string;
  readonly 'isolation.level'?: 'read_uncommitted' | 'read_committed';
  readonly 'check.crcs'?: boolean;
  readonly 'client.rack'?: string;
  readonly 'allow.auto.create.topics'?: boolean;
  readonly 'group.id'?: string;
  readonly 'group.instance.id'?: string;
  readonly 'group.protocol'?: 'classic' | 'consumer';
  readonly 'group.remote.assignor'?: string;
  readonly 'partition.assignment.strategy'?: string;
  readonly 'session.timeout.ms'?: number;
  readonly 'heartbeat.interval.ms'?: number;
  readonly 'max.poll.interval.ms'?: number;
  readonly 'enable.auto.commit'?: boolean;
  readonly 'auto.commit.interval.ms'?: number;
  readonly 'exclude.internal.topics'?: boolean;
}
