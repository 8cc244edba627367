// What topics, groups and metrics subscriptions may set, and what they get from their broker.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INT64_MAX } from '../base/int64.ts';
import { ConfigSource } from './config-entry.ts';
import {
  effectiveClientMetricsConfig,
  effectiveGroupConfig,
  validateClientMetricsConfigs,
  validateGroupConfigs,
} from './group-config.ts';
import { loadBrokerConfig } from './load-broker-config.ts';
import { effectiveTopicConfig, validateTopicConfigs } from './topic-config.ts';

const broker = (settings: Record<string, string> = {}) =>
  loadBrokerConfig({ overrides: Object.entries(settings) }).config;
const topic = (own: Record<string, string> = {}, settings: Record<string, string> = {}) =>
  effectiveTopicConfig(broker(settings), new Map(Object.entries(own)));

function refuses(own: Record<string, string | null>, message: RegExp): void {
  assert.throws(() => validateTopicConfigs(new Map(Object.entries(own))), {
    errorName: 'INVALID_CONFIG',
    message,
  });
}

describe('topic configuration', () => {
  test('a topic follows its broker, whatever the unit there, until it has its own value', () => {
    assert.equal(topic().get('retention.ms'), 604_800_000);
    assert.equal(topic({}, { 'log.retention.minutes': '2' }).get('retention.ms'), 120_000);
    assert.equal(topic({}, { 'log.roll.hours': '2' }).get('segment.ms'), 7_200_000);
    assert.equal(topic({}, { 'log.flush.scheduler.interval.ms': '8' }).get('flush.ms'), 8);
    assert.equal(topic({}, { 'message.max.bytes': '77' }).get('max.message.bytes'), 77);
    const own = topic({ 'retention.ms': '-1' }, { 'log.retention.ms': '5' });
    assert.equal(own.get('retention.ms'), -1);
    assert.equal(topic().get('flush.messages'), INT64_MAX);
    assert.deepEqual(topic({ 'cleanup.policy': 'compact,delete' }).get('cleanup.policy'), [
      'compact',
      'delete',
    ]);
  });

  test('a key that brokers do not have falls back to its own default', () => {
    assert.equal(topic().get('remote.storage.enable'), false);
    assert.deepEqual(topic().get('leader.replication.throttled.replicas'), []);
    assert.equal(topic().get('internal.segment.bytes'), null);
  });

  test('an entry names the layers a value comes from, the binding one first', () => {
    const config = effectiveTopicConfig(
      broker({ 'message.max.bytes': '2' }).withDynamic(
        new Map([['message.max.bytes', '3']]),
        new Map(),
      ),
      new Map([['max.message.bytes', '4']]),
    );
    const entry = config.describe('max.message.bytes');
    assert.deepEqual(
      [entry.value, entry.configSource, entry.configType, entry.readOnly],
      ['4', ConfigSource.DYNAMIC_TOPIC_CONFIG, 3, false],
    );
    assert.deepEqual(
      entry.synonyms.map(({ name, value, source }) => `${source} ${name}=${value}`),
      [
        '1 max.message.bytes=4',
        '3 message.max.bytes=3',
        '4 message.max.bytes=2',
        '5 message.max.bytes=1048588',
      ],
    );
    assert.equal(topic().source('max.message.bytes'), ConfigSource.DEFAULT_CONFIG);
    assert.equal(
      topic({}, { 'log.segment.bytes': '2000000' }).source('segment.bytes'),
      ConfigSource.STATIC_BROKER_CONFIG,
    );
  });

  test('all keys but the internal ones are listed, in order of name', () => {
    const names = [...topic().entries()].map((entry) => entry.name);
    assert.equal(names.length, 37);
    assert.deepEqual(names, [...names].sort());
    const own = [...topic({ 'internal.segment.bytes': '100' }).entries()];
    assert.equal(own.find((entry) => entry.name === 'internal.segment.bytes')?.value, '100');
  });

  test('what a client may not set is refused with key, value and what is allowed', () => {
    refuses({ 'retention.sm': '1' }, /^Unknown topic config name: retention\.sm$/);
    refuses({ constructor: '1' }, /Unknown topic config name/);
    refuses({ 'retention.ms': null }, /Null value not supported/);
    refuses({ 'retention.ms': '-2' }, /Invalid value -2 for configuration retention\.ms: .* -1$/);
    refuses({ 'min.insync.replicas': '0' }, /at least 1/);
    refuses({ 'segment.bytes': '100' }, /at least 1048576/);
    refuses({ 'cleanup.policy': 'purge' }, /compact, delete/);
    refuses({ 'message.timestamp.type': 'createtime' }, /CreateTime, LogAppendTime/);
    refuses({ 'leader.replication.throttled.replicas': '1-2' }, /partition:broker/);
    refuses({ 'remote.storage.enable': 'true' }, /tiered storage is not offered/);
  });

  test('what a client may set is taken', () => {
    const own = {
      'cleanup.policy': '',
      'retention.ms': '-1',
      'segment.bytes': '1048576',
      'internal.segment.bytes': '100',
      'leader.replication.throttled.replicas': '0:1,1:2',
      'follower.replication.throttled.replicas': '*',
      // Smaller than the largest batch: Kafka takes it, so do we.
      'max.message.bytes': '2097152',
    };
    assert.doesNotThrow(() => validateTopicConfigs(new Map(Object.entries(own))));
  });

  test('lags of compaction must not cross, also against what the broker says', () => {
    refuses({ 'min.compaction.lag.ms': '6', 'max.compaction.lag.ms': '5' }, /\(6\) > .*\(5\)/);
    const strict = broker({ 'log.cleaner.max.compaction.lag.ms': '5' });
    const own = new Map([['min.compaction.lag.ms', '6']]);
    assert.throws(() => validateTopicConfigs(own, strict), { errorName: 'INVALID_CONFIG' });
    assert.doesNotThrow(() => validateTopicConfigs(own));
  });
});

describe('group and client metrics configuration', () => {
  test('a group follows its broker until it has its own value', () => {
    const config = effectiveGroupConfig(
      broker({ 'group.consumer.session.timeout.ms': '50000' }),
      new Map([['share.auto.offset.reset', 'earliest']]),
    );
    assert.equal(config.get('consumer.session.timeout.ms'), 50_000);
    assert.equal(config.get('share.auto.offset.reset'), 'earliest');
    assert.equal(config.source('share.auto.offset.reset'), ConfigSource.DYNAMIC_GROUP_CONFIG);
  });

  test('unknown keys and impossible values are refused', () => {
    const set = (key: string, value: string) => () => validateGroupConfigs(new Map([[key, value]]));
    assert.throws(set('consumer.timeout', '1'), { message: /Unknown group config name/ });
    assert.throws(set('share.delivery.count.limit', '1'), { message: /at least 2/ });
    assert.throws(set('share.auto.offset.reset', 'by_duration:yesterday'), { message: /PnDT/ });
    assert.throws(set('share.auto.offset.reset', 'by_duration:-PT1H'), { message: /PnDT/ });
    assert.doesNotThrow(set('share.auto.offset.reset', 'by_duration:P1DT2H3M4.5S'));
    const metrics = new Map([['interval.ms', 'x']]);
    assert.throws(() => validateClientMetricsConfigs(metrics), {
      message: /Not a number of type INT/,
    });
    const config = effectiveClientMetricsConfig(broker(), new Map([['interval.ms', '100']]));
    assert.equal(config.get('interval.ms'), 100);
  });

  test('a group stays within the bounds of the broker', () => {
    const refused = (own: Record<string, string>, message: string): void => {
      const error = { errorName: 'INVALID_CONFIG', message };
      assert.throws(() => validateGroupConfigs(new Map(Object.entries(own))), error);
    };
    const session = 'consumer.session.timeout.ms';
    refused(
      { [session]: '1' },
      `${session} must be greater than or equal to group.consumer.min.session.timeout.ms`,
    );
    refused(
      { [session]: '60001' },
      `${session} must be less than or equal to group.consumer.max.session.timeout.ms`,
    );
    const copies = 'streams.num.standby.replicas';
    const most = 'group.streams.max.standby.replicas';
    refused({ [copies]: '5' }, `${copies} must be less than or equal to ${most}`);
    const tight = broker({
      'group.consumer.max.heartbeat.interval.ms': '60000',
      'group.consumer.max.session.timeout.ms': '70000',
    });
    const crossed = new Map([['consumer.heartbeat.interval.ms', '50000']]);
    assert.throws(() => validateGroupConfigs(crossed, tight), {
      message: 'consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms',
    });
    assert.doesNotThrow(() => validateGroupConfigs(new Map([[session, '60000']])));
  });

  test('a subscription matches by what is known of clients, at intervals that can be', () => {
    const set = (key: string, value: string) => () =>
      validateClientMetricsConfigs(new Map([[key, value]]));
    assert.throws(set('interval.ms', '99'), {
      errorName: 'INVALID_REQUEST',
      message: /between 100 and 3600000/,
    });
    assert.throws(set('nope', '1'), { errorName: 'INVALID_REQUEST' });
    for (const pattern of ['nope', 'nope=x', 'client_id=*']) {
      assert.throws(set('match', pattern), {
        errorName: 'INVALID_CONFIG',
        message: `Illegal client matching pattern: ${pattern}`,
      });
    }
    assert.doesNotThrow(set('match', 'client_id=a.*,client_software_name=kafka'));
  });
});
