// One partition that a consumer reads: where it stands, what is fetched and not yet handed out.
//
// Invariants: `position` is the offset of the next record to hand out, `fetchOffset` of the next
// one to fetch, never before it; between them lies exactly what `fetched` holds. `generation`
// changes with every jump, so that an answer to a question from before it is recognised.

import { type Uuid, ZERO_UUID } from '../../base/uuid.ts';
import type { TopicPartition } from '../leader-requests.ts';
import type { FetchedRecords } from './fetched-records.ts';

export class AssignedPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** null while it is not known: a reset is under way. */
  position: number | null = null;
  fetchOffset: number | null = null;
  /** The OffsetSpec that the position is being looked up for. */
  resetTo: number | null = null;
  /** The position is what the group committed: to be asked for. */
  awaitsCommitted = false;
  /** Leader epoch of the record before the position; -1 unknown. */
  positionEpoch = -1;
  isPaused = false;
  /** Rests as if it were paused: the runner has enough of it. */
  isHeld = false;
  /** The same: its serdes look up what they need. */
  awaitsSerdes = false;
  /** The commit of the group that the position is from, until it is set to another. */
  beganAt: { readonly offset: number; readonly metadata: string } | null = null;
  isFetching = false;
  /** Of the topic as it was fetched last: another one has been created anew. */
  topicId: Uuid = ZERO_UUID;
  isResetting = false;
  generation = 0;
  readonly fetched: FetchedRecords[] = [];
  /** -1: not known yet. */
  highWatermark = -1;
  lastStableOffset = -1;
  logStartOffset = -1;
  /** A replica nearer than the leader (KIP-392); -1: read from the leader. */
  preferredReplica = -1;
  failures = 0;
  /** Not to be asked for before this time. */
  notBeforeMs = 0;

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic;
    this.partition = partition;
  }

  get isResting(): boolean {
    return this.isPaused || this.isHeld || this.awaitsSerdes;
  }

  seek(offset: number): void {
    this.generation++;
    this.position = offset;
    this.fetchOffset = offset;
    this.resetTo = null;
    this.awaitsCommitted = false;
    this.positionEpoch = -1;
    this.beganAt = null;
    this.topicId = ZERO_UUID;
    this.fetched.length = 0;
    this.notBeforeMs = 0;
    this.failures = 0;
  }

  /** Forgets the position; it becomes what the spec (or time) stands for. */
  reset(spec: number): void {
    this.generation++;
    this.position = null;
    this.fetchOffset = null;
    this.resetTo = spec;
    this.awaitsCommitted = false;
    this.positionEpoch = -1;
    this.beganAt = null;
    this.topicId = ZERO_UUID;
    this.fetched.length = 0;
  }

  /** Forgets the position; it becomes what the group has committed. */
  awaitCommitted(): void {
    this.reset(0);
    this.resetTo = null;
    this.awaitsCommitted = true;
  }
}
