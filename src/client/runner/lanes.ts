// Records in hand that wait for their turn. Those of one lane are handled one after the other: of
// a key, of a partition, or each record has a lane of its own.
//
// Invariant: a lane is ready (in `#ready`, once), or at work with what was taken from it last. One
// that has nothing to do is forgotten.

import { Queue } from '../../base/queue.ts';

export interface LaneWork {
  /** Works of one lane are taken one after the other; null: a lane of its own. */
  readonly laneId: string | null;
  readonly sizeBytes: number;
  readonly arrivedMs: number;
  /** Nobody wants it any more: it is passed over. */
  readonly isDropped: boolean;
}

export interface BatchLimits {
  readonly countMax: number;
  readonly bytesMax: number;
  /** How long a batch that is not full waits for more. */
  readonly waitMs: number;
  /** A batch has works of one lane only. */
  readonly isOfOneLane: boolean;
}

/** What is handled together, and the lanes that wait for it. */
export interface Taken<Work> {
  readonly works: Work[];
  readonly lanes: readonly Lane<Work>[];
}

export class Lane<Work> {
  readonly id: string | null;
  readonly queue = new Queue<Work>();
  isReady = false;
  queuedBytes = 0;

  constructor(id: string | null) {
    this.id = id;
  }
}

export class Lanes<Work extends LaneWork> {
  readonly #limits: BatchLimits;
  readonly #lanes = new Map<string, Lane<Work>>();
  readonly #ready = new Queue<Lane<Work>>();
  /** Of the ready lanes; dropped works count until they are passed over. */
  #readyCount = 0;
  #readyBytes = 0;
  /** When a batch that waits for more is to be taken as it is; null: none waits. */
  ripeAtMs: number | null = null;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  add(work: Work): void {
    const { laneId } = work;
    let lane = laneId === null ? undefined : this.#lanes.get(laneId);
    if (lane === undefined) {
      lane = new Lane(laneId);
      if (laneId !== null) this.#lanes.set(laneId, lane);
      this.#makeReady(lane);
    }
    lane.queue.push(work);
    lane.queuedBytes += work.sizeBytes;
    if (!lane.isReady) return;
    this.#readyCount++;
    this.#readyBytes += work.sizeBytes;
  }

  /** What is to be handled next, together; null: nothing now, see `ripeAtMs`. */
  take(nowMs: number): Taken<Work> | null {
    this.ripeAtMs = null;
    const { isOfOneLane } = this.#limits;
    for (let looks = this.#ready.length; looks > 0; looks--) {
      const lane = this.#ready.first as Lane<Work>;
      this.#passDropped(lane);
      if (lane.queue.length === 0) {
        this.#ready.shift();
        this.#forget(lane);
        continue;
      }
      if (this.#isRipe(lane, nowMs)) return this.#takeFromFirst();
      if (!isOfOneLane) return null;
      this.#ready.shift();
      this.#ready.push(lane);
    }
    return null;
  }

  /** What was taken from the lane is over. */
  release(lane: Lane<Work>): void {
    this.#passDropped(lane);
    if (lane.queue.length === 0) {
      this.#forget(lane);
      return;
    }
    this.#makeReady(lane);
    this.#readyCount += lane.queue.length;
    this.#readyBytes += lane.queuedBytes;
  }

  #takeFromFirst(): Taken<Work> {
    const { countMax, bytesMax, isOfOneLane } = this.#limits;
    const works: Work[] = [];
    const lanes: Lane<Work>[] = [];
    let bytes = 0;
    while (works.length < countMax && this.#ready.length > 0) {
      const lane = this.#ready.first as Lane<Work>;
      const before = works.length;
      for (let next = lane.queue.first; next !== undefined; next = lane.queue.first) {
        const isFull = works.length >= countMax || bytes + next.sizeBytes > bytesMax;
        if (isFull && works.length > 0 && !next.isDropped) break;
        this.#shift(lane);
        if (next.isDropped) continue;
        works.push(next);
        bytes += next.sizeBytes;
      }
      if (works.length === before && lane.queue.length > 0) break;
      this.#ready.shift();
      lane.isReady = false;
      this.#readyCount -= lane.queue.length;
      this.#readyBytes -= lane.queuedBytes;
      if (works.length === before) this.#forget(lane);
      else lanes.push(lane);
      if (isOfOneLane) break;
    }
    return { works, lanes };
  }

  #isRipe(lane: Lane<Work>, nowMs: number): boolean {
    const { countMax, bytesMax, waitMs, isOfOneLane } = this.#limits;
    const count = isOfOneLane ? lane.queue.length : this.#readyCount;
    const bytes = isOfOneLane ? lane.queuedBytes : this.#readyBytes;
    if (count >= countMax || bytes >= bytesMax) return true;
    const atMs = (lane.queue.first as Work).arrivedMs + waitMs;
    if (nowMs >= atMs) return true;
    this.ripeAtMs = Math.min(this.ripeAtMs ?? atMs, atMs);
    return false;
  }

  #passDropped(lane: Lane<Work>): void {
    while (lane.queue.first?.isDropped === true) this.#shift(lane);
  }

  #shift(lane: Lane<Work>): void {
    const { sizeBytes } = lane.queue.shift() as Work;
    lane.queuedBytes -= sizeBytes;
    if (!lane.isReady) return;
    this.#readyCount--;
    this.#readyBytes -= sizeBytes;
  }

  #makeReady(lane: Lane<Work>): void {
    lane.isReady = true;
    this.#ready.push(lane);
  }

  #forget(lane: Lane<Work>): void {
    lane.isReady = false;
    if (lane.id !== null) this.#lanes.delete(lane.id);
  }
}
