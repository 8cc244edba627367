// The controller's log: records encoded into the cluster store under the controller's epoch.

import type { LoggedRecords, MachineLog } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { ClusterStore } from '../cluster-store.ts';
import { decodeRecord, encodeRecord, type MetadataRecord } from '../records/index.ts';

export class ControllerLog implements MachineLog<MetadataRecord> {
  readonly #store: ClusterStore;
  readonly #onDeposed: (error: Error) => void;
  /** Of the present term; appends of an older one are refused by the store. */
  controllerEpoch = -1;

  /** @param onDeposed the store knows a newer controller than the one that writes here */
  constructor(store: ClusterStore, onDeposed: (error: Error) => void) {
    this.#store = store;
    this.#onDeposed = onDeposed;
  }

  get endOffset(): number {
    return this.#store.endOffset;
  }

  append(records: readonly MetadataRecord[], expectedEnd: number): Promise<void> {
    const { controllerEpoch } = this;
    const options = { expectedEnd, controllerEpoch };
    return this.#ask(() => this.#store.append(records.map(encodeRecord), options));
  }

  confirm(): Promise<void> {
    return this.#ask(() => this.#store.confirm(this.controllerEpoch));
  }

  async #ask(request: () => Promise<void>): Promise<void> {
    const { controllerEpoch } = this;
    try {
      await request();
    } catch (error) {
      const isOver = error instanceof KafkaError && error.errorName === 'NOT_CONTROLLER';
      if (isOver && controllerEpoch === this.controllerEpoch) this.#onDeposed(error);
      throw error;
    }
  }

  async *read(from: number): AsyncGenerator<LoggedRecords<MetadataRecord>, void, undefined> {
    for await (const { baseOffset, endOffset, records } of this.#store.read(from)) {
      yield { baseOffset, endOffset, records: records.map(decodeRecord) };
    }
  }
}
