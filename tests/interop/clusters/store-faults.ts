// What befalls a store of several members beside the brokers: their leader, a machine with a broker
// and a member, a member that the others do not hear.

import { bothWays, cutWhile, type Fault, type FaultContext, longMs, sleep } from './faults.ts';

/** Whoever leads the store; a member drawn when nobody says. */
async function leaderOf({ cluster, prng }: FaultContext): Promise<string> {
  return (await cluster.store.leader()) ?? prng.pick(cluster.store.places);
}

export const storeFaults: readonly Fault[] = [
  {
    name: "freeze of the store's leader",
    needsMembers: true,
    async play(context, say) {
      const place = await leaderOf(context);
      say(`SIGSTOP of ${place}, which leads the store`);
      context.cluster.signal(place, 'SIGSTOP');
      await sleep(longMs(context));
      context.cluster.signal(place, 'SIGCONT');
    },
  },
  {
    name: 'machine lost',
    needsMembers: true,
    async play(context, say) {
      const { cluster, prng, sessionMs } = context;
      const place = await leaderOf(context);
      const id = cluster.brokerIds.find((each) => cluster.memberBeside(each) === place) as number;
      say(`kill -9 of ${id} and of ${place} beside it, which leads the store`);
      await Promise.all([cluster.end(id, 'SIGKILL'), cluster.endMember(place, 'SIGKILL')]);
      await sleep(prng.int(3 * sessionMs));
      await Promise.all([cluster.startMember(place), cluster.startBroker(id)]);
    },
  },
  {
    name: 'member cut off',
    needsMembers: true,
    needsCuts: true,
    async play(context, say) {
      const { cluster, prng } = context;
      const place = prng.pick(cluster.store.places);
      const others = cluster.store.places.filter((each) => each !== place);
      say(`${place} and the other members do not hear each other; the brokers hear all`);
      await cutWhile(context, bothWays([place], others));
    },
  },
];
