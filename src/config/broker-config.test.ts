// The tables hold together, values are typed, and dynamic changes lie over the static ones.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INT64_MAX } from '../base/int64.ts';
import { BrokerConfig } from './broker-config.ts';
import { type BrokerKey, brokerConfigDefinitions } from './broker-definitions.ts';
import { legacyKeys } from './broker-legacy.ts';
import { ConfigSource } from './config-entry.ts';
import type { Definition } from './definition.ts';
import { groupConfigDefinitions } from './group-definitions.ts';
import { validateDynamicBrokerConfigs } from './scoped-validation.ts';
import { topicConfigDefinitions } from './topic-definitions.ts';
import { formatValue, parseValue } from './value.ts';

function brokerWith(settings: Record<string, string>): BrokerConfig {
  const entries = Object.entries(settings);
  return new BrokerConfig({
    static: new Map(entries.map(([key, text]) => [key, { text, origin: 'file' as const }])),
  });
}

function refuses(settings: Record<string, string>, message: RegExp): void {
  assert.throws(() => brokerWith(settings), { name: 'ConfigError', message });
}

const tables: [string, Record<string, Definition>][] = [
  ['broker', brokerConfigDefinitions],
  ['topic', topicConfigDefinitions],
  ['group', groupConfigDefinitions],
];

describe('definitions', () => {
  for (const [kind, table] of tables) {
    test(`every ${kind} default is a value that its own key takes`, () => {
      for (const [name, definition] of Object.entries(table)) {
        // These are empty by default, but not when they are set.
        if (definition.notEmpty && Array.isArray(definition.default)) {
          if (definition.default.length === 0) continue;
        }
        const text = formatValue(definition, definition.default);
        if (text === null) continue;
        assert.deepEqual(parseValue(name, definition, text), definition.default, name);
      }
    });

    test(`every ${kind} key says in one line what it does`, () => {
      for (const [name, { doc, accepted }] of Object.entries(table)) {
        assert.match(doc, /^[A-Z][^\n]{10,110}\.$/, name);
        assert.match(accepted ?? 'served', /^[^\n.]{5,}$/, name);
      }
    });

    test(`every fallback of a ${kind} key is a broker key`, () => {
      for (const [name, { fallbacks }] of Object.entries(table)) {
        for (const { key } of fallbacks ?? []) {
          assert.ok(Object.hasOwn(brokerConfigDefinitions, key), `${name} -> ${key}`);
        }
      }
    });
  }

  test('a key that Kafka dropped is not among those it has', () => {
    for (const key of Object.keys(legacyKeys)) {
      assert.ok(!Object.hasOwn(brokerConfigDefinitions, key), key);
    }
  });
});

describe('broker values', () => {
  test('values have the types of their definitions', () => {
    const config = brokerWith({
      'auto.create.topics.enable': 'FALSE',
      'log.segment.bytes': ' 2000000 ',
      'log.cleaner.min.cleanable.ratio': '.25',
      'log.dirs': '/a , /b',
      'broker.rack': 'north',
      'log.flush.interval.messages': '9223372036854775807',
    });
    const typed: [boolean, number, number, readonly string[], string | null, number] = [
      config.get('auto.create.topics.enable'),
      config.get('log.segment.bytes'),
      config.get('log.cleaner.min.cleanable.ratio'),
      config.get('log.dirs'),
      config.get('broker.rack'),
      config.get('log.flush.interval.messages'),
    ];
    assert.deepEqual(typed, [false, 2_000_000, 0.25, ['/a', '/b'], 'north', INT64_MAX]);
    assert.equal(config.describe('log.flush.interval.messages').value, '9223372036854775807');
  });

  test('an invalid value is named with its key and what is allowed, in one line', () => {
    const wrong: [BrokerKey, string, RegExp][] = [
      ['num.partitions', '0', /^Invalid value 0 for configuration num\.partitions: .*at least 1$/],
      ['num.partitions', '1.5', /an int of at least 1/],
      ['num.partitions', '2147483648', /an int/],
      ['connections.max.idle.ms', '9223372036854775808', /a long/],
      ['connections.max.idle.ms', '1_000', /a long/],
      ['offsets.topic.replication.factor', '32768', /a short of at least 1/],
      ['log.cleaner.min.cleanable.ratio', '1.1', /a double from 0.0 to 1.0/],
      ['compression.gzip.level', '0', /an int from 1 to 9, or -1/],
      ['compression.type', 'GZIP', /one of uncompressed, zstd, lz4, snappy, gzip, producer/],
      ['log.cleanup.policy', 'delete,delete', /a list of distinct compact, delete/],
      ['auto.create.topics.enable', 'yes', /true or false/],
      ['log.retention.bytes', '', /a long/],
      ['process.roles', 'zookeeper', /broker, controller/],
    ];
    for (const [key, text, message] of wrong) {
      refuses({ [key]: text }, message);
      assert.throws(() => brokerWith({ [key]: text }), { key });
    }
  });

  test('the bounds of ranges are allowed', () => {
    for (const text of ['-1', '1', '9']) brokerWith({ 'compression.gzip.level': text });
    for (const text of ['-131072', '22']) brokerWith({ 'compression.zstd.level': text });
    for (const text of ['-2147483648', '+2147483647']) {
      brokerWith({ 'socket.send.buffer.bytes': text });
    }
  });

  test('the finer unit wins, and a coarser one counts while it is not set', () => {
    const retention = (settings: Record<string, string>): number =>
      brokerWith(settings).get('log.retention.ms');
    assert.equal(retention({}), 168 * 3_600_000);
    assert.equal(retention({ 'log.retention.hours': '2' }), 7_200_000);
    assert.equal(retention({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }), 180_000);
    const all = { 'log.retention.hours': '2', 'log.retention.minutes': '3' };
    assert.equal(retention({ ...all, 'log.retention.ms': '4' }), 4);
    assert.equal(retention({ 'log.retention.hours': '-1' }), -1);
    assert.equal(brokerWith({ 'log.roll.hours': '1' }).get('log.roll.ms'), 3_600_000);
    assert.equal(brokerWith({ 'log.roll.jitter.hours': '1' }).get('log.roll.jitter.ms'), 3_600_000);
    const flush = brokerWith({ 'log.flush.scheduler.interval.ms': '9' });
    assert.equal(flush.get('log.flush.interval.ms'), 9);
    assert.equal(brokerWith({}).get('log.flush.interval.ms'), INT64_MAX);
  });

  test('log.dirs wins over log.dir, and node.id may be written as broker.id', () => {
    assert.deepEqual(brokerWith({ 'log.dir': '/a' }).logDirs, ['/a']);
    assert.deepEqual(brokerWith({ 'log.dir': '/a', 'log.dirs': '/b,/c' }).logDirs, ['/b', '/c']);
    assert.equal(brokerWith({ 'broker.id': '0' }).nodeId, 0);
    assert.equal(brokerWith({ 'broker.id': '-1' }).nodeId, 1);
    assert.equal(brokerWith({ 'node.id': '4' }).get('broker.id'), 4);
    refuses({ 'node.id': '4', 'broker.id': '5' }, /broker\.id: node\.id is 4/);
  });

  test('keys that contradict each other are refused at the one that was set', () => {
    refuses({ 'log.retention.minutes': '0' }, /configuration log\.retention\.minutes: /);
    refuses({ 'log.retention.ms': '-2' }, /-1 for no limit/);
    refuses({ 'log.roll.ms': '0' }, /at least 1/);
    refuses({ 'replica.fetch.wait.max.ms': '40000' }, /at most replica\.socket\.timeout\.ms/);
    refuses({ 'replica.lag.time.max.ms': '400' }, /at least replica\.fetch\.wait\.max\.ms/);
    refuses({ 'group.consumer.session.timeout.ms': '70000' }, /at most group\.consumer\.max/);
    refuses(
      { 'log.cleaner.min.compaction.lag.ms': '5', 'log.cleaner.max.compaction.lag.ms': '4' },
      /at most/,
    );
    refuses({ 'connections.max.idle.ms': '50' }, /connections\.max\.idle\.ms, which is 50/);
  });

  test('a secret is shown nowhere', () => {
    const config = brokerWith({ 'ssl.keystore.password': 'hush' });
    assert.equal(config.get('ssl.keystore.password'), 'hush');
    const entry = config.describe('ssl.keystore.password');
    assert.ok(!JSON.stringify(entry).includes('hush'));
    assert.deepEqual([entry.value, entry.isSensitive], [null, true]);
  });

  test('an address is shown, unless there is a password in it', () => {
    for (const key of ['cluster.store', 'zookeeper.connect'] as const) {
      const shown = key === 'cluster.store' ? 'etcd://a:2379/kafka' : 'a:2181/kafka';
      const open = brokerWith({ [key]: shown }).describe(key);
      assert.deepEqual([open.value, open.isSensitive], [shown, false]);
      const secret = shown.replace('a:', 'me:hush@a:');
      const entry = brokerWith({ [key]: secret }).describe(key);
      assert.deepEqual([entry.value, entry.isSensitive], [null, true]);
      assert.ok(!JSON.stringify(entry).includes('hush'));
      const wrong = `${secret} x`;
      refuses(
        { [key]: wrong },
        new RegExp(`^Invalid value \\[hidden\\] for configuration ${key}: `),
      );
    }
  });
});

describe('dynamic broker values', () => {
  test('one broker beats all brokers, which beat the file, which beats the default', () => {
    const fixed = brokerWith({ 'message.max.bytes': '1', 'log.retention.hours': '1' });
    const clusterWide = new Map([['message.max.bytes', '2']]);
    const perBroker = new Map([['message.max.bytes', '3']]);
    const all = fixed.withDynamic(clusterWide, perBroker);
    assert.equal(all.get('message.max.bytes'), 3);
    assert.deepEqual(
      all.describe('message.max.bytes').synonyms.map(({ value, source }) => [value, source]),
      [
        ['3', ConfigSource.DYNAMIC_BROKER_CONFIG],
        ['2', ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG],
        ['1', ConfigSource.STATIC_BROKER_CONFIG],
        ['1048588', ConfigSource.DEFAULT_CONFIG],
      ],
    );
    const later = all.withDynamic(clusterWide, new Map());
    assert.equal(later.get('message.max.bytes'), 2);
    assert.equal(later.source('message.max.bytes'), ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
    assert.equal(fixed.get('message.max.bytes'), 1);
    const retention = fixed.withDynamic(new Map([['log.retention.ms', '5']]), new Map());
    assert.equal(retention.get('log.retention.ms'), 5);
  });

  test('what only a key in another unit says is not shown as set, as Kafka does', () => {
    const config = brokerWith({ 'log.retention.hours': '1' });
    assert.equal(config.describe('log.retention.ms').value, null);
    assert.deepEqual(config.describe('log.retention.ms').synonyms, []);
    const entry = config.describe('log.retention.hours');
    assert.deepEqual([entry.value, entry.configSource, entry.readOnly], ['1', 4, true]);
  });

  test('a running broker refuses what only a restart or a single broker can change', () => {
    const change = (settings: Record<string, string>, perBroker: boolean) => () =>
      validateDynamicBrokerConfigs(new Map(Object.entries(settings)), { perBroker });
    assert.throws(change({ 'log.dirs': '/x' }, true), { errorName: 'INVALID_REQUEST' });
    assert.throws(change({ listeners: 'PLAINTEXT://:1' }, false), { errorName: 'INVALID_REQUEST' });
    assert.throws(change({ 'message.max.bytes': '-1' }, false), { errorName: 'INVALID_CONFIG' });
    assert.doesNotThrow(change({ listeners: 'PLAINTEXT://:1' }, true));
    assert.doesNotThrow(change({ 'message.max.bytes': '5', 'of.a.plugin': 'x' }, false));
  });

  test('every entry that is shown has the protocol number of its type and a readable value', () => {
    const entries = [...brokerWith({}).entries()];
    assert.ok(entries.length > 340);
    assert.deepEqual(
      entries.map((entry) => entry.name),
      entries.map((entry) => entry.name).sort(),
    );
    for (const entry of entries) assert.ok(entry.configType >= 1 && entry.configType <= 9);
  });
});
