// Whoever would create what is there is noticed, and nobody else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../src/protocol/index.ts';
import { KnownTopics } from './known-topics.ts';

test('whoever would create a topic that is there knows too little', () => {
  const topics = new KnownTopics();
  assert.equal(topics.newest, null);
  topics.onCreated('one');
  topics.onCreated('two');
  assert.equal(topics.newest, 'two');
  topics.onAnswer('broker-1', 'two', ErrorCode.TOPIC_ALREADY_EXISTS);
  topics.onAnswer('broker-1', 'two', ErrorCode.NOT_CONTROLLER);
  assert.throws(
    () => topics.onAnswer('broker-1', 'two', ErrorCode.NONE),
    /broker-1 would create two, which was there/,
  );
});
