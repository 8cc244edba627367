// Entities and layouts of quotas, against what Kafka 4.3.1's own tool takes and prints.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admin, QuotaAlteration, QuotaDescription } from '../../client/index.ts';
import { alterQuotas, asDouble, nameOf } from './quotas.ts';

test('names and values are printed as Kafka does', () => {
  assert.equal(
    nameOf({ user: 'alice', 'client-id': 'c1' }),
    "user-principal 'alice', client-id 'c1'",
  );
  assert.equal(
    nameOf({ 'client-id': null, user: null }),
    'the default user-principal, the default client-id',
  );
  assert.equal(nameOf({ ip: null }), 'the default ip');
  assert.deepEqual([1024, 12.5, 1e7, 12_345_678, 9_999_999].map(asDouble), [
    '1024.0',
    '12.5',
    '1.0E7',
    '1.2345678E7',
    '9999999.0',
  ]);
});

test('an alteration names one entity and known quotas, and removes what is there', async () => {
  const asked: QuotaAlteration[] = [];
  const admin = {
    describeClientQuotas: async (): Promise<QuotaDescription[]> => [
      { entity: { user: 'bob' }, values: { producer_byte_rate: 1 } },
    ],
    alterClientQuotas: async (alterations: QuotaAlteration[]) => {
      asked.push(...alterations);
      return [];
    },
  } as unknown as Admin;
  const set = (name: string, value: string) => ({ name, operation: 'set' as const, value });
  const remove = (name: string) => ({ name, operation: 'delete' as const });
  const bob = [{ type: 'users', name: 'bob' }] as const;
  const alter = (config: ReturnType<typeof set>) => alterQuotas(admin, bob, [config]);
  await assert.rejects(alter(set('bogus', '0')), /Unexpected config names: Set\(bogus\)/);
  await assert.rejects(alter(set('producer_byte_rate', 'abc')), /Cannot parse quota.*: abc/);
  await assert.rejects(
    alterQuotas(admin, bob, [remove('request_percentage')]),
    /Invalid config\(s\): request_percentage/,
  );
  await assert.rejects(
    alterQuotas(admin, [{ type: 'users', name: undefined }], [set('producer_byte_rate', '1')]),
    /An entity name must be specified for every/,
  );
  await alterQuotas(admin, bob, [set('consumer_byte_rate', '5'), remove('producer_byte_rate')]);
  const values = { consumer_byte_rate: 5, producer_byte_rate: null };
  assert.deepEqual(asked, [{ entity: { user: 'bob' }, values }]);
});
