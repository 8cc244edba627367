// Interceptors: code of others that sees every record before it is sent, and what became of it.
//
// Invariant: one that throws is logged, and the record goes on as the one before it left it (as in
// Java); every record that passed `onSend` is acknowledged once.

import type { Log } from '../../io/index.ts';
import { ClientConfigError } from '../client-config-error.ts';
import type { DeliveryCallback, ProducerRecord, RecordMetadata } from './producer-record.ts';

/**
 * Sees every record before it is sent, and what became of it (KIP-42). What it throws is logged.
 */
export interface ProducerInterceptor {
  /** Called once, with the producer's options. */
  configure?(options: object): void;
  /**
   * The record as the program gave it, before it is serialized. Answers the record to be sent
   * instead, or nothing.
   */
  // biome-ignore lint/suspicious/noExplicitAny: records of a typed producer have any key and value
  onSend?(record: ProducerRecord<any, any>): ProducerRecord<any, any> | undefined | void;
  /** Where the record was stored; with an error, `offset` is -1, and `partition` if it had none. */
  onAcknowledgement?(metadata: RecordMetadata, error: Error | null): void;
  /** Called when the producer is closed. */
  close?(): void;
}

export class Interceptors {
  readonly #list: readonly ProducerInterceptor[];
  readonly #log: Log;

  /** Throws a ClientConfigError for what is no interceptor, and what `configure` throws. */
  constructor(list: readonly ProducerInterceptor[], options: object, log: Log) {
    if (!Array.isArray(list) || list.some((each) => typeof each !== 'object' || each === null)) {
      throw new ClientConfigError(
        'interceptors is not a list of objects with onSend or onAcknowledgement',
      );
    }
    this.#list = list;
    this.#log = log;
    for (const each of list) each.configure?.(options);
  }

  onSend(record: ProducerRecord): ProducerRecord {
    let current = record;
    for (const each of this.#list) {
      this.#guarded('onSend', () => {
        current = each.onSend?.(current) ?? current;
      });
    }
    return current;
  }

  onAcknowledgement(metadata: RecordMetadata, error: Error | null): void {
    for (const each of this.#list) {
      this.#guarded('onAcknowledgement', () => each.onAcknowledgement?.(metadata, error));
    }
  }

  /** The record was refused before it had a partition, or given up. */
  onFailed({ topic, partition }: ProducerRecord, error: Error): void {
    const metadata = { topic, partition: partition ?? -1, offset: -1, timestamp: -1 };
    this.onAcknowledgement(metadata, error);
  }

  /** `callback` behind the interceptors; `onUntold` has a failure that no callback is told of. */
  around(
    record: ProducerRecord,
    callback: DeliveryCallback | null,
    onUntold: (error: Error) => void,
  ): DeliveryCallback {
    return (error, metadata) => {
      if (error === null) this.onAcknowledgement(metadata as RecordMetadata, null);
      else this.onFailed(record, error);
      if (callback !== null) callback(error, metadata);
      else if (error !== null) onUntold(error);
    };
  }

  close(): void {
    for (const each of this.#list) this.#guarded('close', () => each.close?.());
  }

  #guarded(what: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#log.warn(`${what} of an interceptor threw`, { error: text });
    }
  }
}
