// Topics created, changed and deleted, and producer ids handed out, while the power is cut and
// processes are killed. The cluster's metadata are what clients were told, and no id comes twice.

import { assert } from '../../src/base/assert.ts';
import { assertNothingSetAside, ClusterMetadata, ProducerIdsOnce } from '../checkers/index.ts';
import { brokerPort, Cluster, type ClusterOptions } from '../cluster.ts';
import { type Harm, Nemesis } from '../nemesis.ts';
import type { Scenario } from '../scenario.ts';
import { churnMetadata, compareMetadata, takeProducerIds } from '../workloads/index.ts';
import type { World } from '../world.ts';

export const metadata: Scenario = {
  name: 'metadata',
  about: 'acknowledged topics, deletions and configs stay; no producer id is handed out twice',
  run: (world) => runMetadata(world),
};

const harmMsMax = 10_000;
const progressMsMax = 4 * 3_600_000;

/** `options` are those of the cluster: for tests that plant a bug. */
export async function runMetadata(world: World, options: ClusterOptions = {}): Promise<void> {
  const prng = world.prng.fork('plan');
  const cluster = new Cluster(world, {
    ...options,
    config: {
      'auto.create.topics.enable': 'false',
      // A snapshot every few changes.
      'metadata.log.max.record.bytes.between.snapshots': prng.pick(['500', '4000', '20971520']),
      'log.segment.delete.delay.ms': prng.pick(['0', '100', '60000']),
      ...options.config,
    },
  });
  const { bootstrapServers, broker } = cluster;
  const checked = new ClusterMetadata();
  const ids = new ProducerIdsOnce();
  cluster.start();
  const admins = [1, 2].map((number) =>
    cluster.runClient(`admin-${number}`, (io) =>
      churnMetadata(io, {
        bootstrapServers,
        metadata: checked,
        prng: world.prng.fork(`admin ${number}`),
        topics: ['a', 'b', 'c'].map((letter) => `topic-${number}${letter}`),
        changeCount: 10 + prng.int(30),
      }),
    ),
  );
  const address = { host: broker.host.name, port: brokerPort };
  cluster.runClient('taker', (io) => takeProducerIds(io, { address, ids, prng: prng.fork('ids') }));
  const others: readonly Harm[] = ['kill', 'kill in a turn', 'clock jump'];
  const nemesis = new Nemesis(world, {
    targets: [{ host: broker.host, start: () => broker.start() }],
    harms: ['power cut', ...others.filter(() => prng.chance(0.5))],
    pauseMsMean: prng.pick([50, 200, 1_000]),
    downMsMax: prng.pick([10, 300, 2_000]),
  });
  nemesis.start();
  const isChurned = (): boolean => admins.every(({ hasReturned }) => hasReturned);
  await world.run(() => isChurned() || world.timeMs > harmMsMax);
  nemesis.stop();
  await world.run(isChurned, progressMsMax);
  const idCount = ids.count;
  await world.run(() => ids.count > idCount, progressMsMax);
  for (const harm of ['none', 'power cut', 'kill'] as const) {
    if (harm === 'power cut') broker.powerCut();
    if (harm === 'kill') broker.kill();
    cluster.start();
    const compared = { bootstrapServers, metadata: checked };
    await cluster.asClient('checker', (io) => compareMetadata(io, compared));
    assertNothingSetAside(broker.host.files, '/data');
  }
  assert(broker.isReady, 'the broker serves at the end');
}
