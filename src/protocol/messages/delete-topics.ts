// DeleteTopics (key 20).
//
// Versions: 3 may answer TOPIC_DELETION_DISABLED. 4 is flexible. 5 adds messages, and may be
// throttled (KIP-599). 6 names topics by name or by id.

import { array, defineApi, int16, int32, string, uuid } from '../schema.ts';

export const deleteTopics = defineApi({
  name: 'DeleteTopics',
  key: 20,
  versions: '0-6',
  flexible: '4+',
  request: {
    topics: array('6+', {
      name: string('0+', { nullable: '0+', default: null }),
      topicId: uuid('0+'),
    }),
    topicNames: array('0-5', 'string', { ignorable: true }),
    timeoutMs: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    responses: array('0+', {
      name: string('0+', { nullable: '6+' }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
});
