// From the files, variables and flags that people have to a broker's configuration.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemProperties } from '../base/kafka-variables.ts';
import { ConfigSource } from './config-entry.ts';
import { type BrokerConfigInput, loadBrokerConfig } from './load-broker-config.ts';

const file = (text: string): BrokerConfigInput => ({ file: { path: 'server.properties', text } });

/** The keys and values of the file that Kafka 4.x ships for a node in both roles. */
const stock = `
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,\\
    SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`;

/** What is usually found in a file of the ZooKeeper years. */
const zooKeeperYears = `
broker.id=7
listeners=PLAINTEXT://:9092
log.dirs=/tmp/kafka-logs
zookeeper.connect=localhost:2181/kafka
zookeeper.connection.timeout.ms=18000
inter.broker.protocol.version=2.8
log.message.format.version=2.8
port=9092
advertised.host.name=kafka
log.cleaner.enable=true
group.initial.rebalance.delay.ms=0
`;

describe('loading a broker configuration', () => {
  test('without a file the broker is for this machine only, with its data beside it', () => {
    const { config, warnings, notes } = loadBrokerConfig();
    assert.deepEqual(
      [config.listeners[0]?.host, config.listeners[0]?.port, config.logDirs, config.nodeId],
      ['127.0.0.1', 9092, ['./data'], 1],
    );
    assert.deepEqual([warnings, notes], [[], []]);
  });

  test('a file that names no listener means every interface, as with Kafka', () => {
    const { config } = loadBrokerConfig(file('num.partitions=3'));
    assert.deepEqual(
      [config.listeners[0]?.host, config.listeners[0]?.port, config.logDirs],
      ['', 9092, ['/tmp/kafka-logs']],
    );
    assert.equal(config.get('num.partitions'), 3);
  });

  test('the file of a Kafka 4 distribution starts a broker without its controller listener', () => {
    const { config, warnings, notes } = loadBrokerConfig(file(stock));
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      config.listeners.map(({ name, port }) => `${name}:${port}`),
      ['PLAINTEXT:9092'],
    );
    assert.deepEqual(
      config.advertisedListeners.map(({ host }) => host),
      ['localhost'],
    );
    const about = notes.filter((note) => note.includes('CONTROLLER://:9093'));
    assert.equal(about.length, 1);
    assert.match(about[0] as string, /not opened: controller\.listener\.names/);
    assert.ok(notes.every((note) => !note.includes('\n')));
    // Equal to the default, so nobody needs to hear of it.
    assert.ok(!notes.some((note) => note.includes('num.io.threads')));
    assert.ok(notes.some((note) => note.startsWith('controller.quorum.bootstrap.servers has no')));
  });

  test('a file of the ZooKeeper years names a store, and hears what became of its keys', () => {
    const { config, warnings } = loadBrokerConfig(file(zooKeeperYears));
    assert.equal(config.nodeId, 7);
    assert.equal(config.get('cluster.store'), 'zookeeper://localhost:2181/kafka');
    assert.equal(config.get('zookeeper.connection.timeout.ms'), 18_000);
    assert.equal(config.get('broker.session.timeout.ms'), 9_000);
    assert.deepEqual(
      warnings.map((warning) => warning.split(' ')[1]),
      ['inter.broker.protocol.version', 'log.message.format.version', 'advertised.host.name'],
    );
    assert.match(warnings.at(-1) as string, /use advertised\.listeners$/);
  });

  test('broker.id, port and log.dirs alone mean a member at localhost:2181', () => {
    const old = 'broker.id=1\nport=9093\nlog.dirs=./logs/kafka-1\n';
    const { config, warnings, notes } = loadBrokerConfig(file(old));
    assert.equal(config.get('cluster.store'), 'zookeeper://localhost:2181');
    assert.deepEqual([config.listeners[0]?.host, config.listeners[0]?.port], ['', 9093]);
    assert.deepEqual([config.nodeId, config.logDirs, warnings], [1, ['./logs/kafka-1'], []]);
    assert.match(notes[0] as string, /port mean a ZooKeeper at localhost:2181: take port out/);
  });

  test('what today says goes before what a file of the ZooKeeper years says', () => {
    const storeOf = (text: string): string | null =>
      loadBrokerConfig(file(text)).config.get('cluster.store');
    const old = 'broker.id=1\nport=9093\nlog.dirs=/tmp/a\n';
    assert.equal(storeOf(`${old}listeners=PLAINTEXT://:9094`), null);
    assert.equal(storeOf(`${old}process.roles=broker`), null);
    assert.equal(storeOf('broker.id=1\nlog.dirs=/tmp/a'), null);
    assert.equal(storeOf('node.id=1\nport=9093\nlog.dirs=/tmp/a'), null);
    assert.equal(storeOf('zookeeper.connect=a:1\nprocess.roles=broker'), null);
    assert.equal(storeOf('zookeeper.connect='), null);
    assert.equal(storeOf(`${old}zookeeper.connect=a:1,b:2/c`), 'zookeeper://a:1,b:2/c');
    const both = 'cluster.store=shared://127.0.0.1:1\nzookeeper.connect=a:1';
    assert.equal(storeOf(both), 'shared://127.0.0.1:1');
    const { notes } = loadBrokerConfig(file(both));
    assert.deepEqual(notes, ['zookeeper.connect is not used: cluster.store is set']);
    const flags = { overrides: [['broker.id', '1'] as const, ['port', '9093'] as const] };
    assert.equal(loadBrokerConfig(flags).config.get('cluster.store'), null);
  });

  test('the session lasts as long as the file of the ZooKeeper years says', () => {
    const text = 'zookeeper.connect=a:1\nzookeeper.session.timeout.ms=4000';
    const sessionOf = (more: string): number =>
      loadBrokerConfig(file(text + more)).config.get('broker.session.timeout.ms');
    assert.equal(sessionOf(''), 4_000);
    assert.equal(sessionOf('\nbroker.session.timeout.ms=5000'), 5_000);
  });

  test('a process that is only a controller has nothing to open', () => {
    const text = 'listeners=CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER';
    assert.throws(() => loadBrokerConfig(file(text)), { message: /clients need one/ });
  });

  test('the environment of a container is mapped as by the apache/kafka image', () => {
    const { config, warnings } = loadBrokerConfig({
      env: {
        KAFKA_NODE_ID: '5',
        KAFKA_PROCESS_ROLES: 'broker,controller',
        KAFKA_LISTENERS: 'PLAINTEXT_HOST://:9092,CONTROLLER://:9093,PLAINTEXT://:19092',
        KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT_HOST://localhost:9092,PLAINTEXT://broker:19092',
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP:
          'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT',
        KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
        KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
        KAFKA_CONTROLLER_QUORUM_VOTERS: '5@broker:9093',
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
        KAFKA_LOG_DIRS: '/tmp/kraft-combined-logs',
        KAFKA_HEAP_OPTS: '-Xmx1G',
        KAFKA_OPTS: '-Dx=y',
        KAFKA_LOG4J_LOGGERS: 'kafka=WARN',
        KAFKA_JMX_OPTS: '-Dj',
        KAFKA_VERSION: '4.4.0',
        CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw',
        PATH: '/bin',
      },
    });
    assert.deepEqual(warnings, []);
    assert.equal(config.clusterId, '4L6g3nShT-eMCtK--X86sw');
    assert.deepEqual([config.nodeId, config.logDirs], [5, ['/tmp/kraft-combined-logs']]);
    assert.deepEqual(
      config.listeners.map((listener) => listener.name),
      ['PLAINTEXT_HOST', 'PLAINTEXT'],
    );
    assert.equal(config.origin('log.dirs'), 'environment');
  });

  test('two underscores are one, three are a dash', () => {
    const { config } = loadBrokerConfig({
      env: { KAFKA_LISTENER_NAME_MY__OWN_SASL_SCRAM___SHA___256_SASL_ENABLED_MECHANISMS: 'X' },
    });
    const key = 'listener.name.my_own.sasl.scram-sha-256.sasl.enabled.mechanisms';
    assert.deepEqual([...config.staticKeys], [key]);
  });

  test('an override beats the environment, which beats the file, which beats the default', () => {
    const input: BrokerConfigInput = {
      ...file('num.partitions=2\nmin.insync.replicas=2\nmessage.max.bytes=2'),
      env: { KAFKA_NUM_PARTITIONS: '3', KAFKA_MIN_INSYNC_REPLICAS: '3' },
      overrides: [
        ['num.partitions', '4'],
        ['num.partitions', '5'],
      ],
    };
    const { config } = loadBrokerConfig(input);
    assert.deepEqual([config.get('num.partitions'), config.get('min.insync.replicas')], [5, 3]);
    assert.equal(config.get('message.max.bytes'), 2);
    assert.equal(config.get('default.replication.factor'), 1);
    assert.deepEqual(
      [config.origin('num.partitions'), config.origin('message.max.bytes')],
      ['override', 'file'],
    );
    assert.equal(config.source('num.partitions'), ConfigSource.STATIC_BROKER_CONFIG);
    assert.equal(config.source('default.replication.factor'), ConfigSource.DEFAULT_CONFIG);
  });

  test('an unknown key is a warning that proposes the nearest known one', () => {
    const { warnings } = loadBrokerConfig(file('num.partitoins=1\nnothing.like.it.at.all=1'));
    assert.deepEqual(warnings, [
      'configuration num.partitoins is unknown and ignored; did you mean num.partitions?',
      'configuration nothing.like.it.at.all is unknown and ignored',
    ]);
  });

  test('keys of plugins and of single listeners are no mistakes', () => {
    const text = 'rsm.config.bucket=b\nlistener.name.plaintext.connections.max.idle.ms=5000';
    const { config, warnings } = loadBrokerConfig(file(text));
    assert.deepEqual(warnings, []);
    assert.equal(config.getForListener('PLAINTEXT', 'connections.max.idle.ms'), 5000);
    assert.equal(config.getForListener('OTHER', 'connections.max.idle.ms'), 600_000);
    assert.deepEqual([...config.withPrefix('rsm.config.')], [['bucket', 'b']]);
  });

  test('a key without effect is mentioned once per reason, if it asks for a change', () => {
    const { notes } = loadBrokerConfig(
      file('num.io.threads=16\nnum.network.threads=9\nlog.cleaner.threads=1'),
    );
    assert.equal(notes.length, 1);
    assert.match(notes[0] as string, /^num\.io\.threads, num\.network\.threads have no effect: /);
  });

  test('access control that is asked for and not there is refused', () => {
    assert.throws(() => loadBrokerConfig(file('authorizer.class.name=a.b.Authorizer')), {
      message: /authorizer\.class\.name.*StandardAuthorizer/,
    });
    assert.throws(() => loadBrokerConfig(file('super.users=User:a;bob')), {
      message: /super\.users.*User:alice/,
    });
  });

  test('a guard that is asked for and not there is a warning, not a note', () => {
    const { warnings, notes } = loadBrokerConfig(file('principal.builder.class=a.b.Builder'));
    assert.deepEqual(notes, []);
    assert.match(warnings[0] as string, /^principal\.builder\.class has no effect: /);
  });

  test('a file that cannot be read as properties is named', () => {
    assert.throws(() => loadBrokerConfig(file('a=\\u00')), { message: /^server\.properties: / });
  });
});

test('the system properties of KAFKA_OPTS are its words -Dname=value, the later winning', () => {
  const text = '-Xmx1G -Da=1  -Djava.security.auth.login.config=/etc/k.conf\n-Da=2=3 -Dflag';
  assert.deepEqual(Object.fromEntries(systemProperties(text)), {
    a: '2=3',
    'java.security.auth.login.config': '/etc/k.conf',
    flag: '',
  });
  assert.equal(systemProperties(undefined).size, 0);
});
