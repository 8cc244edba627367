// Topics in which records wait for another attempt: `orders-retry-5s` holds those of `orders` that
// are to be tried five seconds later. A record keeps key, value, timestamp and its own headers;
// headers of ours say where it comes from, how often it was tried, and when it is due.

import type { RetryDelay } from './run-options.ts';
import type { OutgoingRecord, RawHeader, RawRecord } from './runner-port.ts';

/** Where a record comes from, whatever retry topics it went through. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Attempts before. */
  readonly attempts: number;
  /** When it may be tried again; 0: at once. */
  readonly dueMs: number;
  /** How many retry topics it has been through. */
  readonly stage: number;
  /** Its headers without ours. */
  readonly headers: readonly RawHeader[];
}

const prefix = '__partita.retry.';

export class RetryTopics {
  readonly #delays: readonly RetryDelay[];
  /** By the name of the retry topic: the stage that it stands for. */
  readonly #stages = new Map<string, number>();

  constructor(delays: readonly RetryDelay[], topics: readonly string[]) {
    this.#delays = delays;
    for (const topic of topics) {
      for (const [index, delay] of delays.entries()) {
        this.#stages.set(retryTopicName(topic, delay), index + 1);
      }
    }
  }

  get names(): readonly string[] {
    return [...this.#stages.keys()];
  }

  originOf(record: RawRecord): Origin {
    const { topic, partition, offset } = record;
    const stage = this.#stages.get(topic);
    if (stage === undefined) {
      return {
        topic,
        partition,
        offset,
        attempts: 0,
        dueMs: 0,
        stage: 0,
        headers: [...record.headers],
      };
    }
    const own = new Map<string, string>();
    const headers: RawHeader[] = [];
    for (const { key, value } of record.headers) {
      if (key.startsWith(prefix)) own.set(key.slice(prefix.length), value?.toString() ?? '');
      else headers.push({ key, value });
    }
    const number = (name: string, missing: number): number => {
      const found = Number(own.get(name) ?? Number.NaN);
      return Number.isSafeInteger(found) ? found : missing;
    };
    // Whoever wrote it without our headers wants it to be tried: as what it is.
    return {
      topic: own.get('topic') ?? topic,
      partition: number('partition', partition),
      offset: number('offset', offset),
      attempts: number('attempts', 0),
      dueMs: number('due', 0),
      stage,
      headers,
    };
  }

  /** null: it has been through all of them. */
  next(record: RawRecord, origin: Origin, attempts: number, nowMs: number): OutgoingRecord | null {
    const delay = this.#delays[origin.stage];
    if (delay === undefined) return null;
    const { topic, partition, offset, headers } = origin;
    const own = { topic, partition, offset, attempts, due: nowMs + delay.delayMs };
    const { key, value, timestamp } = record;
    return {
      topic: retryTopicName(topic, delay),
      key,
      value,
      timestamp,
      headers: [
        ...headers,
        ...Object.entries(own).map(([name, text]) => {
          return { key: prefix + name, value: Buffer.from(String(text)) };
        }),
      ],
    };
  }
}

export function retryTopicName(topic: string, { name }: RetryDelay): string {
  return `${topic}-retry-${name}`;
}
