// Offsets of partitions as a consumer asks for them: where they begin and end, and by time.

import { KafkaError } from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import type { TopicPartition } from '../leader-requests.ts';
import { type FoundOffset, type IsolationLevel, queryOffsets } from '../offset-queries.ts';

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

export interface TimestampedOffset extends TopicPartition {
  /** null: there is no record at or after the time. */
  readonly found: FoundOffset | null;
}

export interface TimestampQuery extends TopicPartition {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

export interface AssignedOffset extends TopicPartition {
  /** Default: where the group stopped, else where autoOffsetReset says. */
  readonly offset?: number | 'earliest' | 'latest';
}

/** Of a record that was handed out. */
export interface RecordPlace extends TopicPartition {
  readonly offset: number;
  readonly leaderEpoch: number;
}

export class PartitionOffsets {
  readonly #client: Client;
  readonly #isolationLevel: IsolationLevel;

  constructor(client: Client, isolationLevel: IsolationLevel) {
    this.#client = client;
    this.#isolationLevel = isolationLevel;
  }

  async at(
    places: readonly TopicPartition[],
    timestamp: number,
    options: CallOptions,
  ): Promise<PartitionOffset[]> {
    const queries = places.map(({ topic, partition }) => ({ topic, partition, timestamp }));
    const answers = await this.#query(queries, options);
    return answers.map(({ topic, partition, found }) => {
      return { topic, partition, offset: found.offset };
    });
  }

  async forTimes(
    queries: readonly TimestampQuery[],
    options: CallOptions,
  ): Promise<TimestampedOffset[]> {
    const answers = await this.#query(queries, options);
    return answers.map(({ topic, partition, found }) => {
      return { topic, partition, found: found.offset < 0 ? null : found };
    });
  }

  async #query(
    queries: readonly TimestampQuery[],
    options: CallOptions,
  ): Promise<(TopicPartition & { found: FoundOffset })[]> {
    const isolationLevel = this.#isolationLevel;
    const answers = await queryOffsets(this.#client, queries, { ...options, isolationLevel });
    return answers.map(({ topic, partition, errorCode, answer }) => {
      if (answer === null) {
        const reason = KafkaError.fromCode(errorCode).message;
        throw KafkaError.fromCode(errorCode, `${topic}-${partition}: ${reason}`);
      }
      return { topic, partition, found: answer };
    });
  }
}
