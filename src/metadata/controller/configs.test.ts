// What AlterConfigs, IncrementalAlterConfigs and AlterClientQuotas decide.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorNameOf, TestController } from '../../../tests/doubles/metadata/controllers.ts';
import type { ConfigOp } from './api.ts';
import { alterConfigs, incrementalAlterConfigs } from './configs.ts';
import { updateFeatures } from './features.ts';
import { alterClientQuotas, findQuotas } from './quotas.ts';
import { createTopics } from './topics.ts';

const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];

function withTopic(): TestController {
  const controller = new TestController();
  controller.addBroker(1);
  controller.decide((m) => createTopics(m, { topics: [{ name: 't' }] }));
  return controller;
}

function incremental(controller: TestController, type: number, name: string, ops: ConfigOp[]) {
  const resources = [{ type, name, ops }];
  const [result] = controller.decide((m) => incrementalAlterConfigs(m, { resources }));
  return errorNameOf(result);
}

const op = (op: number, name: string, value: string | null): ConfigOp => ({ op, name, value });

describe('incrementalAlterConfigs', () => {
  test('sets and deletes one key and leaves the others', () => {
    const controller = withTopic();
    incremental(controller, 2, 't', [op(SET!, 'retention.ms', '5'), op(SET!, 'segment.ms', '6')]);
    incremental(controller, 2, 't', [op(DELETE!, 'retention.ms', null)]);
    assert.deepEqual([...controller.image.configOf(2, 't')], [['segment.ms', '6']]);
    const { length } = controller.log;
    incremental(controller, 2, 't', [op(SET!, 'segment.ms', '6')]);
    assert.equal(controller.log.length, length, 'what is so already is not written again');
  });

  test('appends to and subtracts from lists, beginning with the default', () => {
    const controller = withTopic();
    const policy = () => controller.image.configOf(2, 't').get('cleanup.policy');
    incremental(controller, 2, 't', [op(APPEND!, 'cleanup.policy', 'compact')]);
    assert.equal(policy(), 'delete,compact');
    incremental(controller, 2, 't', [op(APPEND!, 'cleanup.policy', 'compact,delete')]);
    assert.equal(policy(), 'delete,compact');
    incremental(controller, 2, 't', [op(SUBTRACT!, 'cleanup.policy', 'delete')]);
    assert.equal(policy(), 'compact');
    for (const verb of [APPEND!, SUBTRACT!]) {
      const error = incremental(controller, 2, 't', [op(verb, 'retention.ms', '1')]);
      assert.equal(error, 'INVALID_CONFIG');
    }
  });

  test('a resource with one wrong key keeps everything as it was', () => {
    const controller = withTopic();
    const ops = [op(SET!, 'segment.ms', '6'), op(SET!, 'retention.ms', 'soon')];
    assert.equal(incremental(controller, 2, 't', ops), 'INVALID_CONFIG');
    const twice = [op(SET!, 'segment.ms', '6'), op(DELETE!, 'segment.ms', null)];
    assert.equal(incremental(controller, 2, 't', twice), 'INVALID_REQUEST');
    assert.equal(incremental(controller, 2, 't', [op(9, 'segment.ms', '1')]), 'INVALID_REQUEST');
    assert.equal(
      incremental(controller, 2, 't', [op(SET!, 'segment.ms', null)]),
      'INVALID_REQUEST',
    );
    assert.equal(controller.image.configOf(2, 't').size, 0);
  });

  test('resources that are not there or have no configs are refused', () => {
    const controller = withTopic();
    const cases: [number, string, string | undefined][] = [
      [2, 'none', 'UNKNOWN_TOPIC_OR_PARTITION'],
      [2, '', 'INVALID_REQUEST'],
      [4, 'x', 'INVALID_REQUEST'],
      [4, '7', 'BROKER_ID_NOT_REGISTERED'],
      [8, '1', 'INVALID_REQUEST'],
      [32, '', 'INVALID_REQUEST'],
      [4, '', undefined],
      [4, '1', undefined],
    ];
    for (const [type, name, expected] of cases) {
      const ops = [op(SET!, type === 2 ? 'retention.ms' : 'log.retention.ms', '5')];
      assert.equal(incremental(controller, type, name, ops), expected, `${type}/${name}`);
    }
    const groupOps = [op(SET!, 'consumer.session.timeout.ms', '50000')];
    assert.equal(incremental(controller, 32, 'g', groupOps), undefined);
  });

  test('a broker key that needs a restart cannot be set', () => {
    const controller = withTopic();
    const error = incremental(controller, 4, '1', [op(SET!, 'log.dirs', '/elsewhere')]);
    assert.equal(error, 'INVALID_REQUEST');
  });

  test('validating writes nothing; a resource named twice is refused', () => {
    const controller = withTopic();
    const resource = { type: 2, name: 't', ops: [op(SET!, 'retention.ms', '5')] };
    const decide = (validateOnly: boolean, ...resources: (typeof resource)[]) =>
      controller.decide((m) => incrementalAlterConfigs(m, { resources, validateOnly }));
    assert.equal(decide(true, resource)[0]?.error, null);
    const twice = decide(false, resource, resource);
    assert.deepEqual(twice.map(errorNameOf), ['INVALID_REQUEST']);
    assert.equal(controller.image.configOf(2, 't').size, 0);
  });
});

test('the legacy alterConfigs replaces all overrides of a resource', () => {
  const controller = withTopic();
  incremental(controller, 2, 't', [op(SET!, 'retention.ms', '5'), op(SET!, 'segment.ms', '6')]);
  const configs = [{ name: 'retention.ms', value: '7' }];
  const resources = [{ type: 2, name: 't', configs }];
  const [result] = controller.decide((m) => alterConfigs(m, { resources }));
  assert.equal(result?.error, null);
  assert.deepEqual([...controller.image.configOf(2, 't')], [['retention.ms', '7']]);
});

describe('alterClientQuotas', () => {
  const alter = (
    controller: TestController,
    entity: Record<string, string | null>,
    key: string,
    value: number | null,
  ) =>
    errorNameOf(
      controller.decide((m) =>
        alterClientQuotas(m, { entries: [{ entity, ops: [{ key, value }] }] }),
      )[0],
    );

  test('values are kept by entity and found by what is asked', () => {
    const controller = new TestController();
    alter(controller, { user: 'a', 'client-id': null }, 'producer_byte_rate', 10);
    alter(controller, { user: 'a' }, 'producer_byte_rate', 20);
    alter(controller, { user: null }, 'request_percentage', 0.5);
    const find = (match: string | null | undefined, strict: boolean) =>
      findQuotas(controller.image, [{ entityType: 'user', match }], strict)
        .map(({ entity }) => JSON.stringify(entity))
        .sort();
    assert.deepEqual(find('a', false), ['{"user":"a","client-id":null}', '{"user":"a"}'].sort());
    assert.deepEqual(find('a', true), ['{"user":"a"}']);
    assert.deepEqual(find(null, true), ['{"user":null}']);
    assert.equal(find(undefined, false).length, 3);
    alter(controller, { 'client-id': null, user: 'a' }, 'producer_byte_rate', null);
    assert.equal(find(undefined, false).length, 2);
  });

  test('entities, keys and values that cannot be are refused', () => {
    const controller = new TestController();
    const rate = 'producer_byte_rate';
    assert.equal(alter(controller, {}, rate, 1), 'INVALID_REQUEST');
    assert.equal(alter(controller, { planet: 'x' }, rate, 1), 'INVALID_REQUEST');
    assert.equal(alter(controller, { user: '' }, rate, 1), 'INVALID_REQUEST');
    assert.equal(alter(controller, { ip: '1.1.1.1', user: 'a' }, rate, 1), 'INVALID_REQUEST');
    assert.equal(alter(controller, { ip: '1.1.1.1' }, rate, 1), 'INVALID_REQUEST');
    assert.equal(alter(controller, { user: 'a' }, 'speed', 1), 'INVALID_REQUEST');
    assert.equal(alter(controller, { user: 'a' }, rate, 0), 'INVALID_REQUEST');
    assert.equal(alter(controller, { user: 'a' }, rate, 1.5), 'INVALID_REQUEST');
    assert.equal(controller.image.quotas.size, 0);
  });
});

test('features move within what is supported, all of a request or none', () => {
  const controller = new TestController({ isElrEnabled: false });
  const update = (feature: string, maxVersionLevel: number) =>
    ({ feature, maxVersionLevel, upgradeType: 'upgrade' }) as const;
  const decide = (...updates: ReturnType<typeof update>[]) =>
    controller.decide((m) => updateFeatures(m, { updates })).map(errorNameOf);
  assert.deepEqual(decide(update('metadata.version', 20), update('no.such', 1)), [
    undefined,
    'INVALID_UPDATE_VERSION',
  ]);
  assert.equal(controller.image.features.size, 0);
  assert.deepEqual(decide(update('metadata.version', 20)), [undefined]);
  assert.deepEqual(decide(update('metadata.version', 34)), ['INVALID_UPDATE_VERSION']);
  assert.deepEqual(decide(update('metadata.version', 19)), ['INVALID_UPDATE_VERSION']);
  assert.equal(controller.image.features.get('metadata.version'), 20);
});
