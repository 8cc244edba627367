// Sessions of brokers: what the contract of all engines leaves open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { broker } from '../../cluster-store-contract.ts';
import { BrokerSessions } from './broker-sessions.ts';

const notLost = (error: Error): void => assert.fail(error);

test('a process that has a successor is refused, whatever has become of that one', async () => {
  const sessions = new BrokerSessions();
  const refused = { errorName: 'DUPLICATE_BROKER_REGISTRATION', message: /was started again/ };
  await sessions.begin(broker(1, 1), notLost).close();
  const successor = sessions.begin(broker(1, 2), notLost);
  assert.throws(() => sessions.begin(broker(1, 1), notLost), refused);
  assert.ok(sessions.isHeldBy(broker(1, 2)));
  await successor.close();
  assert.throws(() => sessions.begin(broker(1, 1), notLost), refused);
  sessions.begin(broker(1, 2), notLost);
  assert.ok(sessions.isHeldBy(broker(1, 2)), 'the successor may come back');
});

test('a process on other directories is nobody’s successor', async () => {
  const sessions = new BrokerSessions();
  await sessions.begin(broker(1, 1), notLost).close();
  await sessions.begin(broker(1, 2, 'elsewhere'), notLost).close();
  sessions.begin(broker(1, 1), notLost);
  assert.ok(sessions.isHeldBy(broker(1, 1)));
});
