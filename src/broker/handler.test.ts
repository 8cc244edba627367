// What the compiler holds a handler to; that it does is what the marks of expected errors prove.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type createTopics, deleteGroups, heartbeat, type RequestOf } from '../protocol/index.ts';
import { defineHandler, type Handler } from './handler.ts';
import { createTopicsHandler } from './handlers/create-topics.ts';

test('a handler is held to the request and the answer of its API', () => {
  const right = defineHandler(heartbeat, ({ groupId }) => ({ errorCode: groupId.length }));
  // @ts-expect-error: an answer with a field that is of another type
  const text = defineHandler(heartbeat, () => ({ errorCode: 'none' }));
  // @ts-expect-error: an answer without a field that every version has
  const empty = defineHandler(heartbeat, () => ({}));
  // @ts-expect-error: an answer to come that lacks it, too
  const late = defineHandler(heartbeat, async () => ({}));
  // @ts-expect-error: a field that the request does not have
  const unasked = defineHandler(heartbeat, ({ topics }) => ({ errorCode: topics.length }));
  const ofOther = ({ topics }: RequestOf<typeof createTopics>) => ({ errorCode: topics.length });
  // @ts-expect-error: a handler of another API
  const other = defineHandler(deleteGroups, ofOther);
  // @ts-expect-error: the same under the type of another API
  const renamed: Handler<typeof heartbeat> = createTopicsHandler;
  const list: readonly Handler[] = [right, createTopicsHandler];
  assert.ok(list && text && empty && late && unasked && other && renamed);
});
