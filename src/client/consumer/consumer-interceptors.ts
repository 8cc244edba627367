// Interceptors of a consumer (KIP-42): they see records before the program does, and commits after
// they were acknowledged. One that throws is logged, and everything goes on.

import type { Log } from '../../io/index.ts';
import { messageOf } from '../client.ts';
import type { ConsumerRecord } from './consumer-record.ts';
import type { OffsetToCommit } from './group-offsets.ts';

export interface ConsumerInterceptor {
  /** Called once, with the consumer's options. */
  configure?(options: Readonly<Record<string, unknown>>): void;
  /** What it returns is handed on instead: fewer records, or others. Nothing: the same. */
  onConsume?(records: ConsumerRecord[]): ConsumerRecord[] | void;
  /** These were committed. */
  onCommit?(offsets: readonly OffsetToCommit[]): void;
  /** The consumer is closed. */
  close?(): void;
}

export class ConsumerInterceptors {
  readonly #log: Log;
  readonly #list: readonly ConsumerInterceptor[];

  constructor(log: Log, list: readonly ConsumerInterceptor[], options: object) {
    this.#log = log;
    this.#list = list;
    const given = options as Readonly<Record<string, unknown>>;
    for (const each of list) each.configure?.(given);
  }

  onConsume(records: ConsumerRecord[]): ConsumerRecord[] {
    if (records.length === 0) return records;
    let seen = records;
    for (const each of this.#list) {
      this.#guard('onConsume', () => {
        seen = each.onConsume?.(seen) ?? seen;
      });
    }
    return seen;
  }

  onCommit(offsets: readonly OffsetToCommit[]): void {
    for (const each of this.#list) this.#guard('onCommit', () => each.onCommit?.(offsets));
  }

  close(): void {
    for (const each of this.#list) this.#guard('close', () => each.close?.());
  }

  #guard(name: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.warn(`an interceptor's ${name} failed`, { error: messageOf(error) });
    }
  }
}
