// What may be concluded from the metadata log of a store that several brokers share: which topics
// were deleted, as far as the log reaches back. It is read only when a folder asks for it.

import type { Uuid } from '../base/uuid.ts';
import { KafkaError } from '../protocol/index.ts';
import { type ClusterStore, type StoreBatch, StoreRolledBackError } from './cluster-store.ts';
import type { MetadataHistory } from './open-metadata.ts';
import { decodeRecord } from './records/index.ts';

export function historyOfStore(store: ClusterStore): MetadataHistory {
  return {
    get id() {
      return store.historyId;
    },
    // Others go on from what is in the store: this broker cannot begin another history alone.
    beginAnew: async (applied) => {
      const { endOffset, historyId } = store;
      throw new StoreRolledBackError({ kind: 'shorter', applied, endOffset, historyId });
    },
    deletedTopics: () => deletedTopicsIn(store),
  };
}

async function deletedTopicsIn(store: ClusterStore): Promise<Set<Uuid>> {
  const topics = new Set<Uuid>();
  for await (const { records } of wholeLog(store)) {
    for (const each of records) {
      const record = decodeRecord(each);
      if (record.type === 'RemoveTopicRecord') topics.add(record.topicId);
    }
  }
  return topics;
}

async function* wholeLog(store: ClusterStore): AsyncGenerator<StoreBatch, void, undefined> {
  try {
    yield* store.read(0);
  } catch (error) {
    if (!(error instanceof KafkaError) || error.errorName !== 'OFFSET_OUT_OF_RANGE') throw error;
    const snapshot = await store.newestSnapshot();
    if (snapshot !== null) yield* store.read(snapshot.endOffset);
  }
}
