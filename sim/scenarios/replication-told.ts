// Three brokers, a partition or two, and one story told from its beginning to its end, a second or
// two long: what harm done at random comes by too seldom to say that a bug would be found. An
// answer of a leader comes when its follower has long been told of another one; a broker that
// restarts at once does not reach its leader; a log is cut under the eyes of who reads it; a clock
// runs ahead for a while; a replica moves to who reaches nobody; a controller is asked after it was
// deposed. What is held against the promises is what `replication` holds against them.

import type { Prng } from '../../src/base/prng.ts';
import { withFaults } from '../faults.ts';
import type { Reach } from '../reached.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { runTold } from './replication.ts';
import type { ReplicationPlan } from './replication-plan.ts';
import { stories } from './replication-stories.ts';
import type { Story } from './story-parts.ts';
import { lateAnswers, toldStories } from './told-stories.ts';

const line = /^never$/;
const cut = /^fetcher a log that was not one with its leader is cut$/;

const reaches: readonly Reach[] = [
  { name: lateAnswers, line },
  { name: 'truncations by epoch', line: cut },
];

export const replicationTold: Scenario = {
  name: 'replication-told',
  about: 'no answer that is late, restart, cut or clock takes anything, in stories of a few steps',
  reaches,
  run: (world) => runReplicationTold(world),
};

const { answerLate, cutWhileRead, runAhead, askTheDeposed, moveToTheDeaf } = toldStories;
const told: readonly Story[] = [
  ...[answerLate, answerLate, cutWhileRead, runAhead, askTheDeposed, moveToTheDeaf],
  stories.loseWhatItHad,
];

async function runReplicationTold(world: World): Promise<void> {
  const prng = world.prng.fork('plan');
  const story = world.prng.fork('story').pick(told);
  // Steps take their turns while everything is as quick as ever.
  const delayMsMean = Math.min(world.faults.network.delayMsMean, 5);
  const network = { delayMsMean, spikeChance: 0, resetChance: 0 };
  world.faults = withFaults(world.faults, { network, disk: { slowSyncChance: 0 } });
  await runTold(world, { plan: drawFew(prng), story, prng });
}

function drawFew(prng: Prng): ReplicationPlan {
  const sessionTimeoutMs = prng.pick([1_000, 2_000]);
  const lagTimeMs = 10_000;
  const topic = {
    name: 'topic-1',
    partitionCount: 1,
    replicationFactor: 3,
    minInSyncReplicas: 1,
    configs: { 'min.insync.replicas': '1', 'retention.ms': '-1' },
  };
  return {
    brokers: 3,
    store: {},
    topics: [topic],
    producers: [],
    mayStartLate: false,
    isSynced: false,
    wrongClockMs: 0,
    sessionTimeoutMs,
    lagTimeMs,
    logDirs: ['/data'],
    isReadNear: false,
    config: {
      'broker.session.timeout.ms': `${sessionTimeoutMs}`,
      'broker.heartbeat.interval.ms': `${sessionTimeoutMs / 4}`,
      'replica.lag.time.max.ms': `${lagTimeMs}`,
      'replica.fetch.wait.max.ms': prng.pick(['50', '500']),
      'replica.fetch.backoff.ms': '50',
      'num.replica.fetchers': '1',
      'log.retention.check.interval.ms': '100',
      'auto.create.topics.enable': 'false',
      'num.recovery.threads.per.data.dir': '1',
    },
  };
}
