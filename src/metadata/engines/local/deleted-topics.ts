// The topics whose deletion is in the metadata log, as far as it reaches back: proof that a folder
// of one of them may go, whatever else is known. Read only when a folder asks for it.
//
// Invariant: a batch that cannot be read proves nothing, and costs no other batch.

import type { Uuid } from '../../../base/uuid.ts';
import { type BatchRecord, decodeRecords, isBatchCrcValid } from '../../../protocol/index.ts';
import { type OpenFiles, PooledFile, scanBatches } from '../../../storage/index.ts';
import { decodeRecord } from '../../records/index.ts';
import { listSegments } from './log-check.ts';

export async function deletedTopicsIn(files: OpenFiles, folder: string): Promise<Set<Uuid>> {
  const deletions = new Deletions();
  for (const { path, sizeBytes } of listSegments(files.disk, folder)) {
    const file = new PooledFile(files, path);
    try {
      await scanBatches(file, { from: 0, end: sizeBytes }, ({ header, buffer }) => {
        if (header.isControl) return true;
        if (!isBatchCrcValid(buffer, header)) deletions.abort();
        else for (const record of decodeRecords(buffer, header)) deletions.replay(record);
        return true;
      });
    } finally {
      file.close();
    }
  }
  return deletions.topics;
}

class Deletions {
  readonly topics = new Set<Uuid>();
  /** Those of a transaction of the log (KIP-868) that has not ended. */
  #open: Uuid[] | null = null;

  replay({ value }: BatchRecord): void {
    const record = decodeRecord(value as Buffer);
    if (record.type === 'BeginTransactionRecord') this.#open = [];
    else if (record.type === 'AbortTransactionRecord') this.abort();
    else if (record.type === 'EndTransactionRecord') {
      for (const id of this.#open ?? []) this.topics.add(id);
      this.#open = null;
    } else if (record.type === 'RemoveTopicRecord') {
      if (this.#open === null) this.topics.add(record.topicId);
      else this.#open.push(record.topicId);
    }
  }

  abort(): void {
    this.#open = null;
  }
}
