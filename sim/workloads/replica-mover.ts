// An operator who reassigns partitions to other brokers, again and again: replicas are added, taken
// out and replaced, in another order; and who cancels a reassignment that is under way, or wants
// something else before it is complete.

import type { Prng } from '../../src/base/prng.ts';
import { Admin } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { KafkaError } from '../../src/protocol/index.ts';
import type { Place } from '../checkers/index.ts';

export interface MoverOptions {
  readonly bootstrapServers: string;
  readonly places: readonly Place[];
  readonly brokerIds: readonly number[];
  /** As many replicas each partition has at least. */
  readonly replicasMin: (place: Place) => number;
  readonly pauseMsMean: number;
  readonly prng: Prng;
}

/** Of all reassignments, so many are cut short if they take so long. */
const changedMindChance = 0.6;
const cancelChance = 0.5;

/** So long whoever asks, and whoever passes the question on, tries. */
export const reassignMsMax = 2_000;

/** Never ends: its process is killed. What it asked last may be decided until `reassignMsMax`. */
export async function moveReplicas(io: Io, options: MoverOptions): Promise<void> {
  const { bootstrapServers, places, prng, pauseMsMean } = options;
  for (;;) {
    await io.clock.sleep(2 * prng.float() * pauseMsMean);
    const place = prng.pick(places);
    await reassign(io, bootstrapServers, { ...place, replicas: drawTarget(options, place) });
    if (!prng.chance(changedMindChance)) continue;
    await io.clock.sleep(prng.float() * prng.pick([5, 100, 1_000]));
    const replicas = prng.chance(cancelChance) ? null : drawTarget(options, place);
    await reassign(io, bootstrapServers, { ...place, replicas });
  }
}

/**
 * `replicas` null: cancels. What it answers is not judged: there may be nothing to cancel, or
 * nobody to answer.
 */
export async function reassign(
  io: Io,
  bootstrapServers: string,
  wanted: Place & { readonly replicas: readonly number[] | null },
): Promise<void> {
  await ask(io, bootstrapServers, (admin) => admin.cluster.alterReassignments([wanted]));
}

/** The first of its replicas is to lead it. What it answers is not judged, either. */
export async function electPreferred(
  io: Io,
  bootstrapServers: string,
  place: Place,
): Promise<void> {
  await ask(io, bootstrapServers, (admin) => admin.cluster.electLeaders('preferred', [place]));
}

async function ask(
  io: Io,
  bootstrapServers: string,
  question: (admin: Admin) => Promise<unknown>,
): Promise<void> {
  const client = {
    requestTimeoutMs: 1_000,
    defaultApiTimeoutMs: reassignMsMax,
    retryBackoffMs: 50,
  };
  const admin = new Admin({ bootstrapServers, clientId: 'mover', ...client }, io);
  try {
    await question(admin);
  } catch (error) {
    const isLost = error instanceof KafkaError || (error as Error).name === 'IoError';
    if (!isLost) throw error;
  } finally {
    await admin.close();
  }
}

function drawTarget({ brokerIds, replicasMin, prng }: MoverOptions, place: Place): number[] {
  const min = replicasMin(place);
  const count = min + prng.int(Math.min(brokerIds.length, min + 2) - min + 1);
  return prng.shuffle([...brokerIds]).slice(0, count);
}
