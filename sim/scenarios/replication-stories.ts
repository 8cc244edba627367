// What harm done at random seldom comes by, since it takes several steps in their order: how a
// cluster comes to elect somebody who has less than the one before, or to have logs that part over
// several epochs. Nothing else happens meanwhile; when and to whom is drawn from the seed.

import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { Io } from '../../src/io/index.ts';
import { openStore } from '../../src/metadata/index.ts';
import type { ClusterNemesis } from '../cluster-nemesis.ts';
import type { SimBroker } from '../sim-broker.ts';
import { withMinInSync } from './replication-plan.ts';
import type { ReplicationRun } from './replication-run.ts';
import {
  allReady,
  cast,
  harmAtRandom,
  hasteMs,
  hastyProducer,
  isGrowing,
  type Story,
  shuffled,
  steadyProducer,
} from './story-parts.ts';

const notes = '/directory-notes';

/** A story is not as long as the longest bound. */
const lagMsMax = 2_000;
/** Who looks whether others are behind does it once in this time. */
const checkMs = 1_000;
/** Where it is not all of a story. */
const someHarmMs = 2_000;
/** Brokers have noted by then how far they have read (replica.high.watermark.checkpoint…). */
const notedMs = 6_000;
/** What they say of a store that has less. */
const refusal = /was put back|the store ends at offset/;

/** After some harm all brokers die in the same moment, and come back in an order of their own. */
async function endAllAtOnce(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, cluster, plan } = run;
  await harmAtRandom(run, nemesis, someHarmMs);
  nemesis.stop();
  const harm = prng.pick(['kill', 'power cut'] as const);
  await allReady(run);
  await world.advance(prng.int(2_000));
  world.note(`all brokers: ${harm}`);
  nemesis.leave();
  for (const broker of cluster.brokers) nemesis.takeDown(broker, harm);
  const order = shuffled(cluster.brokers, prng);
  const late = prng.chance(0.5) ? order.pop() : undefined;
  for (const broker of order) {
    await world.advance(prng.float() * prng.pick([10, 2_000, 3 * plan.sessionTimeoutMs]));
    nemesis.maybeStart(broker);
  }
  // Without it only what can be proven to be everything may be served; what is read must be right.
  if (late !== undefined) await world.advance(3 * plan.sessionTimeoutMs);
}

/**
 * One falls out of sync and comes back; while it catches up those who are ahead of it die, one
 * after the other.
 */
async function succeed(run: ReplicationRun, nemesis: ClusterNemesis, prng: Prng): Promise<void> {
  const { world, plan } = run;
  const { network } = world;
  for (let round = 1 + prng.int(2); round > 0; round--) {
    const [behind, ...ahead] = await cast(run, prng);
    const { name } = behind.host;
    const others = ahead.map(({ host }) => host.name);
    world.note(`succession: ${name} falls behind`);
    network.partition([name], others);
    const lagMs = Math.min(plan.lagTimeMs, lagMsMax) + checkMs;
    await world.advance(lagMs * (0.5 + prng.float()));
    network.heal();
    // What it lacks comes at once, or slowly.
    if (prng.chance(0.5)) network.slowDown(name, prng.pick([10, 100]));
    const pauseMs = prng.pick([5, 50, 500, 2_000]);
    for (const broker of ahead.slice(0, 2)) {
      await world.advance(prng.float() * pauseMs);
      nemesis.takeDown(broker, prng.pick(['kill', 'kill', 'kill in a turn'] as const));
    }
    await world.advance(prng.float() * prng.pick([100, 2 * plan.sessionTimeoutMs]));
    network.slowDown(name, undefined);
    for (const broker of shuffled(ahead, prng)) {
      await world.advance(prng.float() * prng.pick([10, 1_000]));
      nemesis.maybeStart(broker);
    }
  }
}

/**
 * All die; one leads alone, in one epoch after the other, and takes what nobody else has; then the
 * others lead, before it is back: its log and theirs part over all of these epochs.
 */
async function leadAlone(run: ReplicationRun, nemesis: ClusterNemesis, prng: Prng): Promise<void> {
  const { world, cluster, plan } = run;
  const [first, ...others] = await cast(run, prng);
  world.note(`${first.host.name} leads alone`);
  for (const broker of cluster.brokers) nemesis.takeDown(broker, 'kill');
  for (let life = 2 + prng.int(2); life > 0; life--) {
    nemesis.maybeStart(first);
    // It leads when the sessions of the others are over.
    await world.advance(1.2 * plan.sessionTimeoutMs + prng.float() * 1_000);
    run.addProducer(hastyProducer(run, prng, `alone-${life}`));
    await world.advance(hasteMs);
    nemesis.takeDown(first, 'kill');
  }
  for (const broker of others) nemesis.maybeStart(broker);
  await world.advance(1.2 * plan.sessionTimeoutMs + prng.float() * 2_000);
}

/**
 * One falls behind; all die, and it comes back with one that was ahead, which leads by itself and
 * knows of the watermark only what it wrote down long ago. That one dies as soon as the other is in
 * sync again.
 */
async function returnBehind(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, cluster, plan } = run;
  const { network } = world;
  const [behind, first, ...others] = await cast(run, prng);
  const ahead = [first, ...others];
  world.note(`${behind.host.name} returns behind ${first.host.name}`);
  network.partition(
    [behind.host.name],
    ahead.map(({ host }) => host.name),
  );
  run.addProducer(steadyProducer(run, prng, 'ahead'));
  await world.advance((Math.min(plan.lagTimeMs, lagMsMax) + checkMs) * (1 + prng.float()));
  for (const broker of cluster.brokers) nemesis.takeDown(broker, 'kill');
  network.heal();
  network.slowDown(first.host.name, prng.pick([50, 500]));
  nemesis.maybeStart(first);
  await world.advance(prng.float() * plan.sessionTimeoutMs);
  nemesis.maybeStart(behind);
  const entered = await isGrowing(run, first, 5 * plan.sessionTimeoutMs);
  if (entered) await world.advance(prng.float() * prng.pick([2, 50]));
  nemesis.takeDown(first, 'kill');
  network.slowDown(first.host.name, undefined);
  await world.advance(1.2 * plan.sessionTimeoutMs + prng.float() * 1_000);
  for (const broker of shuffled([first, ...others], prng)) {
    await world.advance(prng.float() * 1_000);
    nemesis.maybeStart(broker);
  }
}

/**
 * One leads alone; when another one has entered its in-sync set, it never hears so: answers to it
 * are lost, while clients reach it. Then it dies.
 */
async function enterUnheard(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, cluster, plan } = run;
  const { network } = world;
  const [alone, ...others] = await cast(run, prng);
  const { name } = alone.host;
  world.note(`${name} does not hear who enters`);
  for (const broker of others) nemesis.takeDown(broker, 'kill');
  // A new controller gives each of them a whole session before it fences it.
  await world.advance(2.5 * plan.sessionTimeoutMs);
  for (const broker of shuffled(others, prng)) nemesis.maybeStart(broker);
  if (await isGrowing(run, alone, 5 * plan.sessionTimeoutMs)) {
    const peers = [...others.map(({ host }) => host), ...(cluster.store?.hosts ?? [])];
    for (const peer of peers) {
      network.cut(peer.name, name);
      network.resetConnections(peer.name, name);
    }
    run.addProducer(steadyProducer(run, prng, 'unheard'));
    await world.advance((0.3 + 0.7 * prng.float()) * plan.sessionTimeoutMs);
  }
  nemesis.takeDown(alone, 'kill');
  network.heal();
  await world.advance(1.2 * plan.sessionTimeoutMs + prng.float() * 1_000);
}

/**
 * One loses power and comes back, and does not reach one of those who lead; that one dies. What it
 * fetched before the power went is not what it has now.
 */
async function loseWhatItHad(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, plan } = run;
  const { network } = world;
  run.addProducer(steadyProducer(run, prng, 'steady'));
  for (let round = 2; round > 0; round--) {
    await allReady(run);
    await world.advance(1_000);
    const [back, leader] = await cast(run, prng, 2_000);
    world.note(`${back.host.name} loses what it had, and does not reach ${leader.host.name}`);
    nemesis.takeDown(back, 'power cut');
    network.partition([back.host.name], [leader.host.name]);
    nemesis.maybeStart(back);
    // If that one is the controller, it does not come to serve.
    const endMs = world.timeMs + 2 * plan.sessionTimeoutMs;
    await world.run(() => back.isReady || world.timeMs > endMs);
    await world.advance(prng.float() * 1_000);
    nemesis.takeDown(leader, 'kill');
    network.heal();
    await world.advance(1.2 * plan.sessionTimeoutMs + prng.float() * 1_000);
    nemesis.maybeStart(leader);
  }
}

/**
 * Somebody puts a backup of the store back that is older than what brokers have applied: each
 * refuses to start, until the store is as it was.
 */
async function putStoreBack(
  run: ReplicationRun,
  nemesis: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { world, cluster, plan } = run;
  const { store } = cluster;
  if (store?.keep === undefined) return;
  const [first] = await cast(run, prng, 2_000);
  const toBackup = store.keep();
  nemesis.takeDown(first, 'kill');
  await world.advance(2 * plan.sessionTimeoutMs + prng.float() * 2_000);
  nemesis.maybeStart(first);
  await allReady(run);
  await world.advance(notedMs);
  for (const broker of cluster.brokers) nemesis.takeDown(broker, 'kill');
  const toNewest = store.keep();
  world.note('the store is put back');
  world.reached.onReached('stores put back');
  toBackup();
  store.start();
  const noted = new Map(cluster.brokers.map((broker) => [broker, notedOffset(broker)]));
  // Whoever knew no more than the backup has may go on with it, so that its end tells nothing.
  const growsTo = prng.chance(0.5) ? Math.max(...noted.values()) + 1 : 0;
  const endOffset = await cluster.asClient('somebody', (io) => grown(io, store.address, growsTo));
  const knew = (broker: SimBroker): boolean => (noted.get(broker) as number) >= endOffset;
  for (const broker of cluster.brokers) if (knew(broker)) nemesis.maybeStart(broker);
  const exitCount = run.exits.length;
  await world.advance(3 * plan.sessionTimeoutMs);
  const served = cluster.brokers.filter(({ isReady }) => isReady).map(({ host }) => host.name);
  assert(served.length === 0, `${served.join(' and ')} serve with a store that was put back`);
  const because = run.exits.slice(exitCount);
  const isNamed = because.every(({ error }) => refusal.test(error.message));
  assert(because.length > 0 && isNamed, `they say: ${because[0]?.error.message}`);
  toNewest();
  store.start();
  for (const broker of cluster.brokers) if (!knew(broker)) nemesis.maybeStart(broker);
}

/**
 * Controllers begin their terms, and do nothing else, until the log is so long.
 * @returns where it ended before
 */
async function grown(io: Io, address: string, toOffset: number): Promise<number> {
  const sessionTimeoutMs = 1_000;
  const known = { clusterId: null, hasData: true };
  const store = await openStore(io, { address, clusterId: null, sessionTimeoutMs, known });
  const { endOffset } = store;
  while (store.endOffset < toOffset) {
    const term = await store.elect({ nodeId: 1, onLost: () => {} }).term;
    await term.resign();
  }
  await store.close();
  return endOffset;
}

/** Of the metadata, in any of its directories; -1: none notes it. */
function notedOffset({ host }: SimBroker): number {
  let offset = -1;
  for (const [path, { content }] of host.files.files()) {
    if (!path.endsWith(notes)) continue;
    const bytes = Buffer.alloc(content.sizeBytes);
    content.read(bytes, 0);
    const [, digits] = /"metadataOffset":(\d+)/.exec(bytes.toString('utf8')) ?? [];
    offset = Math.max(offset, Number(digits ?? -1));
  }
  return offset;
}

/**
 * All sessions end, then all of the store is away, and every broker lives: whoever leads leads on,
 * also when the store is back.
 */
async function keepLeaders(
  { world, cluster, plan }: ReplicationRun,
  _: ClusterNemesis,
  prng: Prng,
): Promise<void> {
  const { store } = cluster;
  if (store?.endAllSessions === undefined || store.killAll === undefined) return;
  const { sessionTimeoutMs } = plan;
  const electionCount = (): number => world.reached.counts.get('elections') ?? 0;
  await world.advance(prng.int(2_000));
  const before = electionCount();
  for (let round = 1 + prng.int(2); round > 0; round--) {
    store.endAllSessions();
    await world.advance(prng.float() * sessionTimeoutMs);
  }
  store.killAll();
  await world.advance(prng.pick([0.2, 0.8, 2]) * sessionTimeoutMs);
  world.note('the store is back');
  store.start();
  await world.advance(1.5 * sessionTimeoutMs);
  const moved = electionCount() - before;
  assert(moved === 0, `${moved} partitions have another leader, and no broker has died`);
}

export const stories = {
  endAllAtOnce: { tell: endAllAtOnce },
  succeed: { tell: succeed },
  leadAlone: { tell: leadAlone },
  returnBehind: {
    tell: returnBehind,
    plan: (plan) => ({
      ...withMinInSync(plan, 2),
      config: {
        ...plan.config,
        'replica.fetch.max.bytes': '1000',
        'replica.high.watermark.checkpoint.interval.ms': '60000',
      },
    }),
  },
  putStoreBack: { tell: putStoreBack },
  keepLeaders: { tell: keepLeaders },
  enterUnheard: { tell: enterUnheard, plan: (plan) => withMinInSync(plan, 1) },
  // While one is missing the watermark stands still: who had everything seems to have it yet.
  loseWhatItHad: { tell: loseWhatItHad, plan: (plan) => withMinInSync(plan, 3) },
} satisfies Readonly<Record<string, Story>>;
