// An operator who reassigns partitions to other brokers, again and again: replicas are added, taken
// out and replaced, in another order, while the reassignment before may be under way yet; or that
// one is cancelled.

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

const cancelChance = 0.25;

/** Never ends: its process is killed. */
export async function moveReplicas(io: Io, options: MoverOptions): Promise<void> {
  const { bootstrapServers, places, prng, pauseMsMean } = options;
  const client = { requestTimeoutMs: 2_000, defaultApiTimeoutMs: 4_000, retryBackoffMs: 100 };
  const admin = new Admin({ bootstrapServers, clientId: 'mover', ...client }, io);
  for (;;) {
    await io.clock.sleep(2 * prng.float() * pauseMsMean);
    const place = prng.pick(places);
    const replicas = prng.chance(cancelChance) ? null : drawTarget(options, place);
    try {
      // What it answers is not judged here: there may be nothing to cancel.
      await admin.cluster.alterReassignments([{ ...place, replicas }]);
    } catch (error) {
      const isLost = error instanceof KafkaError || (error as Error).name === 'IoError';
      if (!isLost) throw error;
    }
  }
}

function drawTarget({ brokerIds, replicasMin, prng }: MoverOptions, place: Place): number[] {
  const min = replicasMin(place);
  const count = min + prng.int(Math.min(brokerIds.length, min + 2) - min + 1);
  return prng.shuffle([...brokerIds]).slice(0, count);
}
