// The scenarios of replication with the metadata in the models of etcd and ZooKeeper.
// `metadata-on-etcd` and `metadata-on-zookeeper`: what `replication` does.
// `metadata-on-etcd-faults` and `metadata-on-zookeeper-faults`: the store comes to all the harm
// that a store of several members can come to; or a backup of it is put back.

import { memberHarms } from '../cluster-nemesis.ts';
import { calm, withFaults } from '../faults.ts';
import { type ModelKind, storeReaches } from '../modelled-store.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { type Change, replicationReaches, runReplication, runTold } from './replication.ts';
import { drawReplication, type ReplicationPlan } from './replication-plan.ts';
import { stories } from './replication-stories.ts';
import type { Story } from './story-parts.ts';

function replicationOn(kind: ModelKind, what: string): Scenario {
  return {
    name: `metadata-on-${kind}`,
    about: `what replication promises, with the metadata in ${what}`,
    reaches: replicationReaches.map((reach) => ({ ...reach, isRare: true })),
    run: (world) => runReplication(world, onStore(kind, world)),
  };
}

export const replicationEtcd = replicationOn('etcd', 'a small etcd of three members');
export const replicationZooKeeper = replicationOn('zookeeper', 'a small ZooKeeper of three');

/** What comes of a store that comes to harm. */
const wanted = ['controller changes', 'unknown appends', 'resumed watches', 'renewed sessions'];

function faultsOn(kind: ModelKind): Scenario {
  return {
    name: `metadata-on-${kind}-faults`,
    about: `what replication promises, while the ${kind} that has the metadata comes to harm`,
    reaches: [
      ...storeReaches,
      ...replicationReaches.map((reach) => ({ ...reach, isRare: !wanted.includes(reach.name) })),
    ],
    run: (world) => runStoreFaults(world, onStore(kind, world)),
  };
}

export const etcdFaults = faultsOn('etcd');
export const zookeeperFaults = faultsOn('zookeeper');

/**
 * The same plan with the store that it names. It is asked a dozen small questions where the shared
 * store tells everything by itself, so sessions are longer, and no answer is late for all of one.
 */
function onStore(kind: ModelKind, world: World): Change {
  const spikeMs = Math.min(world.faults.network.spikeMs, 500);
  world.faults = withFaults(world.faults, { network: { spikeMs } });
  const sessionTimeoutMs = 6_000;
  const session = {
    'broker.session.timeout.ms': `${sessionTimeoutMs}`,
    'broker.heartbeat.interval.ms': '500',
  };
  return (plan) => ({
    ...plan,
    store: { kind },
    sessionTimeoutMs,
    config: { ...plan.config, ...session },
  });
}

/** What is told. null: harm at random. */
const toldOfStores: readonly (Story | null)[] = [
  ...[null, null, null, null, null, null],
  ...[stories.putStoreBack, stories.putStoreBack, stories.keepLeaders],
];

async function runStoreFaults(world: World, change: Change): Promise<void> {
  const prng = world.prng.fork('plan');
  const story = world.prng.fork('story').pick(toldOfStores);
  // Where every message may be late, so may be a broker that has to say that it lives.
  if (story === stories.keepLeaders) {
    world.faults = withFaults(world.faults, { network: calm.network });
  }
  const drawn = change(drawReplication(prng, { brokers: 3 }));
  // With many snapshots whoever is away for a while begins anew with one.
  const plan = keepingQuiet(drawn, prng.pick(['300', '300', '20971520']));
  await runTold(world, { plan, story, harms: memberHarms, prng });
}

/** It is the store that is looked at: brokers ask each other for records less often. */
function keepingQuiet(plan: ReplicationPlan, snapshotBytes: string): ReplicationPlan {
  const config = {
    'replica.fetch.wait.max.ms': '500',
    'num.replica.fetchers': '1',
    'metadata.log.max.record.bytes.between.snapshots': snapshotBytes,
  };
  return { ...plan, config: { ...plan.config, ...config } };
}
