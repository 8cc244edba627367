// What befalls the brokers of a cluster, one thing at a time, drawn from a seed. Each fault lasts
// longer than a session, so that it is noticed; whoever plays it heals it, too.
//
// Invariant: what a fault destroys (a directory) it destroys of one broker only, while the other
// two are in sync: more than that no cluster of three survives.

import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '../../../src/base/prng.ts';
import type { Admin } from '../../../src/client/index.ts';
import { type PartitaCluster, placeOf } from './partita-cluster.ts';

export interface FaultContext {
  readonly cluster: PartitaCluster;
  readonly admin: Admin;
  /** Whose records are judged. */
  readonly topics: readonly string[];
  readonly prng: Prng;
  readonly sessionMs: number;
  /** Every replica is in its ISR again. */
  readonly inSync: () => Promise<void>;
}

export interface Fault {
  readonly name: string;
  /** Names what it does, before it does it. */
  play(context: FaultContext, say: (what: string) => void): Promise<void>;
  /** Lines must be cut. */
  readonly needsCuts?: true;
  /** Directories are small file systems of their own. */
  readonly needsSmallDisks?: true;
  /** The store has a member beside each broker. */
  readonly needsMembers?: true;
}

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

export function anyBroker({ cluster, prng }: FaultContext): number {
  return cluster.brokerIds[prng.int(cluster.brokerIds.length)] as number;
}

/** Longer than the session, by up to two of them. */
export function longMs({ prng, sessionMs }: FaultContext): number {
  return sessionMs + 500 + prng.int(2 * sessionMs);
}

export async function cutWhile(
  context: FaultContext,
  lines: readonly (readonly [from: string, to: string])[],
): Promise<void> {
  for (const [from, to] of lines) context.cluster.network.cut(from, to);
  await sleep(longMs(context));
  context.cluster.network.heal();
}

/** Lines from all that is at one machine to all that is at the other. */
function linesBetween(
  cluster: PartitaCluster,
  from: number,
  to: number,
): (readonly [string, string])[] {
  return machineOf(cluster, from).flatMap((here) =>
    machineOf(cluster, to).map((there) => [here, there] as const),
  );
}

function machineOf(cluster: PartitaCluster, id: number): string[] {
  const member = cluster.memberBeside(id);
  return member === null ? [placeOf(id)] : [placeOf(id), member];
}

export function bothWays(
  some: readonly string[],
  others: readonly string[],
): (readonly [string, string])[] {
  return some.flatMap((one) =>
    others.flatMap((other) => [[one, other] as const, [other, one] as const]),
  );
}

function twoBrokers({ cluster, prng }: FaultContext): [number, number] {
  const from = prng.int(3);
  const to = (from + 1 + prng.int(2)) % 3;
  return [cluster.brokerIds[from] as number, cluster.brokerIds[to] as number];
}

/** One that leads a partition. */
async function anyLeader(context: FaultContext): Promise<number> {
  const topics = await context.admin.describeTopics([context.prng.pick(context.topics)]);
  const { leader } = context.prng.pick(topics.flatMap(({ partitions }) => partitions));
  return leader < 0 ? anyBroker(context) : leader;
}

export async function controllerOf(context: FaultContext): Promise<number> {
  const { controllerId } = await context.admin.describeCluster();
  return controllerId < 0 ? anyBroker(context) : controllerId;
}

async function freeze(context: FaultContext, places: readonly string[]): Promise<void> {
  for (const place of places) context.cluster.signal(place, 'SIGSTOP');
  await sleep(longMs(context));
  for (const place of places) context.cluster.signal(place, 'SIGCONT');
}

/** It may have ended because of what befell it. */
export async function startAgain(
  cluster: PartitaCluster,
  id: number,
  flags?: string[],
): Promise<void> {
  if (cluster.pidsOf(id).length === 0) await cluster.startBroker(id, flags);
}

function fill(directory: string): string {
  const path = join(directory, 'filler');
  const { bavail, bsize } = statfsSync(directory);
  try {
    writeFileSync(path, Buffer.alloc(Math.max(1, bavail * bsize)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  return path;
}

export const faults: readonly Fault[] = [
  {
    name: 'kill',
    async play(context, say) {
      const id = anyBroker(context);
      say(`kill -9 of ${id}`);
      await context.cluster.end(id, 'SIGKILL');
      await sleep(context.prng.int(2 * context.sessionMs));
      await context.cluster.startBroker(id);
    },
  },
  {
    name: 'freeze of a leader',
    async play(context, say) {
      const id = await anyLeader(context);
      say(`SIGSTOP of ${id}, which leads`);
      await freeze(context, [placeOf(id)]);
    },
  },
  {
    name: 'freeze of the controller',
    async play(context, say) {
      const id = await controllerOf(context);
      say(`SIGSTOP of ${id}, the controller`);
      await freeze(context, [placeOf(id)]);
    },
  },
  {
    name: 'store away',
    async play(context, say) {
      say('SIGSTOP of the store');
      await freeze(context, context.cluster.store.places);
    },
  },
  {
    name: 'one-way cut',
    needsCuts: true,
    async play(context, say) {
      const [from, to] = twoBrokers(context);
      say(`nothing from ${from} reaches ${to}`);
      await cutWhile(context, linesBetween(context.cluster, from, to));
    },
  },
  {
    name: 'two-way cut',
    needsCuts: true,
    async play(context, say) {
      const [one, other] = twoBrokers(context);
      say(`${one} and ${other} do not hear each other`);
      const { cluster } = context;
      const lines = [...linesBetween(cluster, one, other), ...linesBetween(cluster, other, one)];
      await cutWhile(context, lines);
    },
  },
  {
    name: 'cut from the store',
    needsCuts: true,
    async play(context, say) {
      const place = placeOf(anyBroker(context));
      say(`${place} and the store do not hear each other`);
      await cutWhile(context, bothWays([place], context.cluster.store.places));
    },
  },
  {
    name: 'full disk',
    needsSmallDisks: true,
    async play(context, say) {
      const id = anyBroker(context);
      say(`the disk of ${id} is full`);
      const path = fill(context.cluster.dataOf(id));
      await sleep(longMs(context));
      rmSync(path, { force: true });
      await context.cluster.end(id, 'SIGKILL');
      await startAgain(context.cluster, id);
    },
  },
  {
    name: 'lost directory',
    async play(context, say) {
      const id = anyBroker(context);
      await context.inSync();
      say(`kill -9 of ${id}, whose directory is gone then`);
      await context.cluster.end(id, 'SIGKILL');
      const directory = context.cluster.dataOf(id);
      for (const name of readdirSync(directory)) {
        rmSync(join(directory, name), { recursive: true });
      }
      await startAgain(context.cluster, id, ['--accept-lost-log-dirs']);
    },
  },
  {
    name: 'all at once',
    async play({ cluster, prng }, say) {
      const ids = [...cluster.brokerIds];
      for (let left = ids.length; left > 1; left--) {
        const at = prng.int(left);
        [ids[left - 1], ids[at]] = [ids[at] as number, ids[left - 1] as number];
      }
      say(`kill -9 of all, back as ${ids.join(', ')}`);
      await Promise.all(ids.map((id) => cluster.end(id, 'SIGKILL')));
      const started: Promise<void>[] = [];
      for (const id of ids) {
        started.push(cluster.startBroker(id));
        await sleep(prng.int(1_500));
      }
      await Promise.all(started);
    },
  },
  {
    name: 'rolling restart',
    async play({ cluster, inSync }, say) {
      say('a rolling restart');
      for (const id of cluster.brokerIds) {
        await cluster.end(id, 'SIGTERM');
        await cluster.startBroker(id);
        await inSync();
      }
    },
  },
];
