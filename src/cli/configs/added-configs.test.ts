// The values of --add-config, and which entity the flags of kafka-configs are about.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddedConfigs } from './added-configs.ts';
import { entityOf } from './entity.ts';

const parse = (text: string): Record<string, string> => Object.fromEntries(parseAddedConfigs(text));

describe('--add-config', () => {
  test('takes pairs with commas between them', () => {
    assert.deepEqual(parse('a=1, b = 2 ,c='), { a: '1', b: '2', c: '' });
  });

  test('keeps the commas inside of brackets', () => {
    assert.deepEqual(parse('a=[x,y],b=1'), { a: 'x,y', b: '1' });
    assert.deepEqual(parse('cleanup.policy=[compact,delete]'), {
      'cleanup.policy': 'compact,delete',
    });
  });

  test('keeps further equal signs in the value', () => {
    assert.deepEqual(parse('a=b=c'), { a: 'b=c' });
  });

  test('refuses what is no pair', () => {
    assert.throws(() => parse('a=1,b'), /Invalid entity config 'b'.*"key=val"/);
    assert.throws(() => parse('=1'), /Invalid entity config/);
  });
});

describe('the entity of kafka-configs', () => {
  test('is named by type and name, or by a shortcut', () => {
    const topic = { type: 'topic', name: 't', isAll: false };
    assert.deepEqual(entityOf({ entityType: 'topics', entityName: 't' }), topic);
    assert.deepEqual(entityOf({ topic: 't' }), topic);
    assert.deepEqual(entityOf({ broker: '1' }), { type: 'broker', name: '1', isAll: false });
  });

  test('is all of a type without a name, and the default of brokers when asked for', () => {
    assert.deepEqual(entityOf({ entityType: 'topics' }), { type: 'topic', name: '', isAll: true });
    const defaults = { type: 'broker', name: '', isAll: false };
    assert.deepEqual(entityOf({ entityType: 'brokers', entityDefault: true }), defaults);
    assert.deepEqual(entityOf({ brokerDefaults: true }), defaults);
  });

  test('is refused in one line if it cannot be configured', () => {
    assert.throws(() => entityOf({ entityType: 'groups' }), /groups is not there yet/);
    assert.throws(() => entityOf({ entityType: 'topic' }), /must be one of topics, brokers/);
    assert.throws(() => entityOf({ broker: 'one' }), /whole number, not 'one'/);
    assert.throws(() => entityOf({}), /Missing required argument/);
  });
});
