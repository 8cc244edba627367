// Sessions of brokers: what the contract of all engines leaves open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { broker } from '../../cluster-store-contract.ts';
import { BrokerSessions } from './broker-sessions.ts';

const notLost = (error: Error): void => assert.fail(error);

const refused = { errorName: 'DUPLICATE_BROKER_REGISTRATION', message: /was started again/ };

test('a process that has a successor is refused, whatever has become of that one', async () => {
  const sessions = new BrokerSessions();
  await sessions.begin(broker(1, 1), notLost, 1).close();
  const successor = sessions.begin(broker(1, 2), notLost, 2);
  assert.throws(() => sessions.begin(broker(1, 1), notLost, 1), refused);
  assert.ok(sessions.isHeldBy(broker(1, 2)));
  await successor.close();
  assert.throws(() => sessions.begin(broker(1, 1), notLost, 1), refused);
  sessions.begin(broker(1, 2), notLost, 3);
  assert.ok(sessions.isHeldBy(broker(1, 2)), 'the successor may come back');
});

test('a process that never had a session does not end the one of its successor', () => {
  const sessions = new BrokerSessions();
  sessions.begin(broker(1, 2), notLost, 2);
  assert.throws(() => sessions.begin(broker(1, 1), notLost, 1), refused);
  assert.ok(sessions.isHeldBy(broker(1, 2)));
});

test('a process on other directories is nobody’s successor', async () => {
  const sessions = new BrokerSessions();
  await sessions.begin(broker(1, 1), notLost, 1).close();
  await sessions.begin(broker(1, 2, 'elsewhere'), notLost, 2).close();
  sessions.begin(broker(1, 1), notLost, 1);
  assert.ok(sessions.isHeldBy(broker(1, 1)));
});
