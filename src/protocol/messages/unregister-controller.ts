// UnregisterController (key 94): forgets a controller that will not come back.

import { defineApi, int16, int32, string } from '../schema.ts';

export const unregisterController = defineApi({
  name: 'UnregisterController',
  key: 94,
  versions: '0',
  flexible: '0+',
  request: {
    controllerId: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  },
});
