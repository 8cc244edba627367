// What an operator asks for while a broker dies: replicas elsewhere, more partitions.
//
// Invariant: a change is asked for again until it is seen to be made: who asked may have lost the
// answer together with the broker.

import type { Admin, TopicDescription } from '../../../src/client/index.ts';
import { anyBroker, controllerOf, type Fault, sleep, startAgain } from './faults.ts';
import { placeOf } from './partita-cluster.ts';

const settleMsMax = 120_000;

async function describe(admin: Admin, topic: string): Promise<TopicDescription> {
  const [described] = await admin.describeTopics([topic]);
  if (described === undefined || described.error !== null) {
    throw described?.error ?? new Error(`${topic} is gone`);
  }
  return described;
}

/** Asks until it is so, and what was asked last did not fail. */
async function until(ask: () => Promise<void>, isSo: () => Promise<boolean>): Promise<void> {
  for (const beganMs = performance.now(); ; ) {
    try {
      if (await isSo()) return;
      await ask();
      if (await isSo()) return;
    } catch (error) {
      if (performance.now() - beganMs > settleMsMax) throw error;
    }
    if (performance.now() - beganMs > settleMsMax) throw new Error('a change is never made');
    await sleep(200);
  }
}

interface Change {
  /** Does nothing while it is under way. */
  readonly ask: () => Promise<void>;
  readonly isMade: () => Promise<boolean>;
}

function reassignment(
  admin: Admin,
  what: { readonly topic: string; readonly partition: number; readonly replicas: number[] },
): Change {
  const { topic, partition, replicas } = what;
  const underWay = async (): Promise<boolean> =>
    (await admin.cluster.listReassignments([{ topic, partition }])).length > 0;
  return {
    ask: async () => {
      if (await underWay()) return;
      const [result] = await admin.cluster.alterReassignments([what]);
      if (result?.error) throw result.error;
    },
    isMade: async () => {
      const found = (await describe(admin, topic)).partitions[partition]?.replicas;
      return `${found}` === `${replicas}` && !(await underWay());
    },
  };
}

export const changes: readonly Fault[] = [
  {
    name: 'reassignment under way',
    async play(context, say) {
      const { cluster, admin, prng, sessionMs, inSync } = context;
      await inSync();
      const topic = prng.pick(context.topics);
      const { partition } = prng.pick((await describe(admin, topic)).partitions);
      const [first, second, moved] = prng.shuffle([...cluster.brokerIds]) as [
        number,
        number,
        number,
      ];
      const victim = prng.chance(0.5) ? moved : first;
      say(`${topic}-${partition} leaves ${moved} and comes back; kill -9 of ${victim} meanwhile`);
      const two = reassignment(admin, { topic, partition, replicas: [first, second] });
      await until(two.ask, two.isMade);
      const three = reassignment(admin, { topic, partition, replicas: [second, moved, first] });
      // While it stands still it copies nothing: the reassignment is under way when it dies.
      if (victim === moved) cluster.signal(placeOf(victim), 'SIGSTOP');
      const asked = three.ask().catch(() => {});
      await Promise.race([asked, sleep(1_000)]);
      await cluster.end(victim, 'SIGKILL');
      await sleep(prng.int(2 * sessionMs));
      await startAgain(cluster, victim);
      await asked;
      await until(three.ask, three.isMade);
    },
  },
  {
    name: 'partition increase under way',
    async play(context, say) {
      const { cluster, admin, prng, sessionMs, topics } = context;
      const topic = prng.pick(topics);
      const totalCount = (await describe(admin, topic)).partitions.length + 1;
      const victim = prng.chance(0.7) ? await controllerOf(context) : anyBroker(context);
      say(`${topic} becomes ${totalCount} partitions; kill -9 of ${victim} meanwhile`);
      const ask = async (): Promise<void> => {
        const [result] = await admin.createPartitions([{ name: topic, totalCount }]);
        if (result?.error) throw result.error;
      };
      const asked = ask().catch(() => {});
      await sleep(prng.int(20));
      await cluster.end(victim, 'SIGKILL');
      await sleep(prng.int(2 * sessionMs));
      await startAgain(cluster, victim);
      await asked;
      const isSo = async (): Promise<boolean> =>
        (await describe(admin, topic)).partitions.length === totalCount;
      await until(ask, isSo);
    },
  },
];
