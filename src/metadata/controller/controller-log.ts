// The controller's log: records encoded into the cluster store under the controller's epoch.

import type { LoggedRecords, MachineLog } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { isExpectedFailure } from '../../storage/index.ts';
import { type ClusterStore, UnknownOutcomeError } from '../cluster-store.ts';
import { decodeRecord, encodeRecord, type MetadataRecord } from '../records/index.ts';

export interface ControllerLogEvents {
  /** The store knows a newer controller, or what it was last sent has an unknown outcome. */
  readonly onTermOver: (error: Error) => void;
  readonly onAppended: (controllerEpoch: number) => void;
  /** A question was met by what no store throws: nothing that asking again would mend. */
  readonly onBug: (error: Error) => void;
}

export class ControllerLog implements MachineLog<MetadataRecord> {
  readonly #store: ClusterStore;
  readonly #events: ControllerLogEvents;
  /** Of the present term; appends of an older one are refused by the store. */
  controllerEpoch = -1;

  constructor(store: ClusterStore, events: ControllerLogEvents) {
    this.#store = store;
    this.#events = events;
  }

  get endOffset(): number {
    return this.#store.endOffset;
  }

  async append(records: readonly MetadataRecord[], expectedEnd: number): Promise<void> {
    const { controllerEpoch } = this;
    const options = { expectedEnd, controllerEpoch };
    await this.#ask(() => this.#store.append(records.map(encodeRecord), options));
    this.#events.onAppended(controllerEpoch);
  }

  async confirm(): Promise<void> {
    try {
      await this.#ask(() => this.#store.confirm(this.controllerEpoch));
    } catch (error) {
      if (!isExpectedFailure(error)) this.#events.onBug(error as Error);
      throw error;
    }
  }

  async #ask(request: () => Promise<void>): Promise<void> {
    const { controllerEpoch } = this;
    try {
      await request();
    } catch (error) {
      const isOver = error instanceof KafkaError && error.errorName === 'NOT_CONTROLLER';
      const isTermOver = isOver || error instanceof UnknownOutcomeError;
      if (isTermOver && controllerEpoch === this.controllerEpoch) this.#events.onTermOver(error);
      throw error;
    }
  }

  async *read(from: number): AsyncGenerator<LoggedRecords<MetadataRecord>, void, undefined> {
    for await (const { baseOffset, endOffset, records } of this.#store.read(from)) {
      yield { baseOffset, endOffset, records: records.map(decodeRecord) };
    }
  }
}
