// What one poll has brought to an iteration, and how far that has come. Records that the loop has
// not seen count as not read: leaving the loop or closing the consumer must not commit them.

import { keyOf, type TopicPartition } from '../leader-requests.ts';
import type { ConsumerRecord } from './consumer-record.ts';

export class RecordIteration {
  readonly #records: readonly ConsumerRecord[];
  #next = 0;

  constructor(records: readonly ConsumerRecord[]) {
    this.#records = records;
  }

  next(): ConsumerRecord | undefined {
    return this.#records[this.#next++];
  }

  /** The next ones of one partition; none at the end. */
  nextOfOne(): ConsumerRecord[] {
    const first = this.#records[this.#next];
    const begin = this.#next;
    for (let next = first; next !== undefined; next = this.#records[this.#next]) {
      if (next.partition !== first?.partition || next.topic !== first.topic) break;
      this.#next++;
    }
    return this.#records.slice(begin, this.#next);
  }

  /** The first record of each partition that was not seen. */
  unseen(): ConsumerRecord[] {
    const first = new Map<string, ConsumerRecord>();
    for (const record of this.#records.slice(this.#next)) {
      if (!first.has(keyOf(record))) first.set(keyOf(record), record);
    }
    return [...first.values()];
  }

  unseenOffset(place: TopicPartition): number | null {
    return this.unseen().find((each) => keyOf(each) === keyOf(place))?.offset ?? null;
  }
}
