// Which entities the flags name, and what is refused before the cluster is asked. The lines are
// those of Kafka 4.3.1's own tool.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EntityFlags, entitiesOf } from './entity.ts';
import { filtersOf, quotaPartsOf } from './quota-entity.ts';
import { scramAlterations } from './scram.ts';

const long = (text: string, isDescribe = true) => entitiesOf(text.split(' '), {}, isDescribe);
const short = (flags: EntityFlags, isDescribe = true) => entitiesOf([], flags, isDescribe);

describe('the entities of kafka-configs', () => {
  test('are named by type and name, or by a shortcut', () => {
    const topic = [{ type: 'topics', name: 't' }];
    assert.deepEqual(long('--entity-type topics --entity-name t'), topic);
    assert.deepEqual(long('--entity-type=topics --entity-name=t'), topic);
    assert.deepEqual(short({ topic: 't' }), topic);
    assert.deepEqual(short({ clientMetrics: 'm' }), [{ type: 'client-metrics', name: 'm' }]);
    assert.deepEqual(short({ brokerLogger: '1' }), [{ type: 'broker-loggers', name: '1' }]);
  });

  test('are all of a type without a name, and the default when asked for', () => {
    assert.deepEqual(long('--entity-type groups'), [{ type: 'groups', name: undefined }]);
    const defaults = [{ type: 'brokers', name: null }];
    assert.deepEqual(long('--entity-type brokers --entity-default'), defaults);
    assert.deepEqual(short({ brokerDefaults: true }), defaults);
  });

  test('take names and defaults in the order of their types', () => {
    const args = '--entity-type users --entity-name alice --entity-type clients --entity-default';
    assert.deepEqual(quotaPartsOf(long(args)), [
      { type: 'users', name: 'alice' },
      { type: 'clients', name: null },
    ]);
    assert.deepEqual(filtersOf(quotaPartsOf(long('--entity-type ips')) ?? []), [
      { entityType: 'ip', match: undefined },
    ]);
    assert.equal(quotaPartsOf(long('--entity-type topics')), null);
  });

  const refused: readonly [() => unknown, string][] = [
    [() => short({}), 'At least one entity type must be specified'],
    [
      () => long('--entity-type nope'),
      'Invalid entity type nope, the entity type must be one of topics, clients, users, brokers, ' +
        'ips, client-metrics, groups, broker-loggers with a --bootstrap-server or ' +
        '--bootstrap-controller argument',
    ],
    [
      () => long('--entity-type users --entity-type users'),
      'Duplicate entity type(s) specified: users',
    ],
    [
      () => short({ ip: '1.1.1.1', user: 'x' }),
      "Only 'users' and 'clients' entity types may be specified together",
    ],
    [
      () => short({ topic: 't', entityName: 't' }),
      '--entity-{type,name,default} should not be used in conjunction with specific entity flags',
    ],
    [
      () => long('--entity-type groups --entity-default'),
      '--entity-default must not be specified with --describe of groups',
    ],
    [
      () => long('--entity-type broker-loggers'),
      'An entity name must be specified with --describe of broker-loggers',
    ],
    [
      () => long('--entity-type client-metrics', false),
      'An entity name must be specified with --alter of client-metrics',
    ],
    [
      () => long('--entity-type ips', false),
      'An entity-name or default entity must be specified with --alter of users, clients, ' +
        'brokers or ips',
    ],
    [
      () => short({ broker: 'x' }),
      'The entity name for brokers must be a valid integer broker id, but it is: x',
    ],
    [
      () => short({ ip: 'no.where' }),
      'The entity name for ips must be a valid IP or resolvable host, but it is: no.where',
    ],
  ];
  for (const [name, message] of refused) {
    test(`are refused: ${message}`, () => assert.throws(name, { message }));
  }
});

describe('SCRAM credentials', () => {
  const alice = [{ type: 'users', name: 'alice' }] as const;
  const set = (value: string, name = 'SCRAM-SHA-256') =>
    scramAlterations(alice, [{ name, operation: 'set', value }]);

  test('are read from brackets, with Kafka’s default of iterations', () => {
    const mechanism = 'SCRAM-SHA-256';
    assert.deepEqual(set('iterations=8192,password=a,b=c'), [
      { user: 'alice', mechanism, password: 'a,b=c', iterations: 8192 },
    ]);
    assert.equal(set('password=x')?.[0]?.iterations, 4096);
    assert.equal(set('5', 'producer_byte_rate'), null);
    assert.deepEqual(scramAlterations(alice, [{ name: mechanism, operation: 'delete' }]), [
      { user: 'alice', mechanism, password: null },
    ]);
  });

  test('are refused for nobody in particular, beside quotas, and with few iterations', () => {
    const configs = [{ name: 'SCRAM-SHA-256', operation: 'set', value: 'password=x' }] as const;
    const anybody = [{ type: 'users', name: null }] as const;
    assert.throws(() => scramAlterations(anybody, configs), /is not allowed with User SCRAM/);
    const quota = { name: 'producer_byte_rate', operation: 'set', value: '1' } as const;
    assert.throws(() => scramAlterations(alice, [...configs, quota]), /Cannot alter both quota/);
    assert.throws(() => set('iterations=1,password=x'), /Iterations 1 is less than the minimum/);
    assert.throws(() => set('secret'), /Invalid credential property/);
  });
});
