// How badly a world behaves: delays, chances and sizes for network, disk and clock. `calm` is for
// unit tests; `swarmFaults` draws a mix from the seed, each fault often absent and sometimes
// extreme, because bugs hide behind faults that mask each other when all are always on.

import type { Prng } from '../src/base/prng.ts';

export interface NetworkFaults {
  /** One-way delay between hosts: the least, and the mean of what is added to it. */
  readonly delayMsMin: number;
  readonly delayMsMean: number;
  /** Chance that a segment takes `spikeMs` longer (and holds up those behind it). */
  readonly spikeChance: number;
  readonly spikeMs: number;
  /** Chance that a reader gets only a part of what has arrived, the rest a moment later. */
  readonly chunkChance: number;
  /** Chance per segment that it is not delivered but the connection is reset. */
  readonly resetChance: number;
  /** Chance that a connection which is destroyed says so with a reset, not an orderly end. */
  readonly closeByResetChance: number;
  /** Bytes that fit between writer and reader: what the two systems buffer. */
  readonly windowBytes: number;
}

export interface DiskFaults {
  readonly readMsMean: number;
  readonly syncMsMean: number;
  readonly slowSyncChance: number;
  readonly slowSyncMs: number;
  /** A sync fails with EIO; the pages count as clean afterwards and may be lost, as on Linux. */
  readonly syncFailChance: number;
  readonly readFailChance: number;
  readonly writeFailChance: number;
}

export interface ClockFaults {
  /** Each host's wall clock is off by up to this much, either way. */
  readonly skewMsMax: number;
  /** Timers fire up to this much late. */
  readonly timerLatenessMsMax: number;
}

export interface Faults {
  readonly network: NetworkFaults;
  readonly disk: DiskFaults;
  readonly clock: ClockFaults;
}

/** Nothing fails; small delays; readers still get the stream in random pieces now and then. */
export const calm: Faults = {
  network: {
    delayMsMin: 0.05,
    delayMsMean: 0.05,
    spikeChance: 0,
    spikeMs: 0,
    chunkChance: 0.1,
    resetChance: 0,
    closeByResetChance: 0,
    windowBytes: 256 * 1024,
  },
  disk: {
    readMsMean: 0.05,
    syncMsMean: 1,
    slowSyncChance: 0,
    slowSyncMs: 0,
    syncFailChance: 0,
    readFailChance: 0,
    writeFailChance: 0,
  },
  clock: { skewMsMax: 0, timerLatenessMsMax: 0 },
};

export interface PartialFaults {
  readonly network?: Partial<NetworkFaults>;
  readonly disk?: Partial<DiskFaults>;
  readonly clock?: Partial<ClockFaults>;
}

export function withFaults(faults: Faults, changes: PartialFaults): Faults {
  return {
    network: { ...faults.network, ...changes.network },
    disk: { ...faults.disk, ...changes.disk },
    clock: { ...faults.clock, ...changes.clock },
  };
}

/**
 * A mix drawn from the seed. Disk errors (EIO) are left out: what a process does about them (most
 * stop) differs, so scenarios that want them add them.
 */
export function swarmFaults(prng: Prng): Faults {
  const sometimes = (chance: number, value: () => number): number =>
    prng.chance(chance) ? value() : 0;
  return {
    network: {
      delayMsMin: prng.pick([0.01, 0.05, 0.5]),
      delayMsMean: prng.pick([0.05, 0.5, 5, 50]),
      spikeChance: sometimes(0.5, () => prng.float() * 0.02),
      spikeMs: prng.pick([50, 500, 5_000]),
      chunkChance: prng.pick([0, 0.1, 0.8]),
      resetChance: sometimes(0.5, () => prng.float() * 0.005),
      closeByResetChance: prng.pick([0, 0.5, 1]),
      windowBytes: prng.pick([1_024, 16 * 1024, 256 * 1024, 4 * 1024 * 1024]),
    },
    disk: {
      readMsMean: prng.pick([0.05, 1, 10]),
      syncMsMean: prng.pick([0.1, 1, 10]),
      slowSyncChance: sometimes(0.5, () => prng.float() * 0.05),
      slowSyncMs: prng.pick([100, 1_000, 10_000]),
      syncFailChance: 0,
      readFailChance: 0,
      writeFailChance: 0,
    },
    clock: {
      skewMsMax: sometimes(0.5, () => prng.pick([10, 1_000, 3_600_000])),
      timerLatenessMsMax: sometimes(0.5, () => prng.pick([1, 20, 200])),
    },
  };
}
