// The controller's log: records encoded into the cluster store under the controller's epoch.

import type { LoggedRecords, MachineLog } from '../../machine/index.ts';
import type { ClusterStore } from '../cluster-store.ts';
import { decodeRecord, encodeRecord, type MetadataRecord } from '../records/index.ts';

export class ControllerLog implements MachineLog<MetadataRecord> {
  readonly #store: ClusterStore;
  /** Of the present term; appends of an older one are refused by the store. */
  controllerEpoch = -1;

  constructor(store: ClusterStore) {
    this.#store = store;
  }

  get endOffset(): number {
    return this.#store.endOffset;
  }

  append(records: readonly MetadataRecord[], expectedEnd: number): Promise<void> {
    const { controllerEpoch } = this;
    return this.#store.append(records.map(encodeRecord), { expectedEnd, controllerEpoch });
  }

  async *read(from: number): AsyncGenerator<LoggedRecords<MetadataRecord>, void, undefined> {
    for await (const { baseOffset, endOffset, records } of this.#store.read(from)) {
      yield { baseOffset, endOffset, records: records.map(decodeRecord) };
    }
  }
}
