// What a leader sends to followers that are out of sync.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { ReplicationQuota } from './replication-quota.ts';

const window = { samples: 11, sampleMs: 1000 };

test('replicas out of sync get nothing while more was sent than the rate allows', async () => {
  await simulate(async ({ clock }) => {
    let limit: number | null = 1000;
    let throttled: string | undefined = '1:1,0:1';
    const quota = new ReplicationQuota(clock, {
      ...{ nodeId: 1, window },
      bytesPerSecondMax: () => limit,
      throttledReplicas: () => throttled,
    });
    const partition = { topic: 't', partition: 0, isr: [1, 3] };
    assert.equal(quota.holdsBack(partition, 2), false);
    quota.record(partition, 20_000);
    assert.equal(quota.holdsBack(partition, 2), true);
    assert.equal(quota.holdsBack(partition, 3), false, 'it is in sync');
    assert.equal(quota.holdsBack({ ...partition, partition: 2 }, 2), false);
    throttled = '*';
    assert.equal(quota.holdsBack({ ...partition, partition: 2 }, 2), true);
    throttled = undefined;
    assert.equal(quota.holdsBack(partition, 2), false);
    throttled = '*';
    limit = null;
    assert.equal(quota.holdsBack(partition, 2), false);
    limit = 1000;
    await clock.sleep(20_000);
    assert.equal(quota.holdsBack(partition, 2), false);
  });
});
