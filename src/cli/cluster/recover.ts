// `partita cluster recover`: the way on when brokers refuse a store that is not the one they knew
// (it was put back to an older state, or wiped and restored). It shows what that costs, and lets
// them in only when it is told to.
//
// Invariants: without --yes nothing is changed; another cluster's directories are never let in;
// what the store gives out from then on is ahead of what it may have given out before.

import type { Io } from '../../io/index.ts';
import {
  aheadOf,
  asFingerprint,
  type LivedOn,
  type OpenedStore,
  openStoreContent,
  partitionKey,
} from '../../metadata/moving/index.ts';
import type { MetadataRecord } from '../../metadata/records/index.ts';
import { UsageError } from '../command-line.ts';
import { type KnownDirectory, knownDirectory } from './known-logs.ts';
import { type ConfigFlags, configOf, storeOf } from './named-cluster.ts';

export interface RecoverFlags extends ConfigFlags {
  readonly logDirs?: string;
  readonly yes?: true;
}

/** The exit code: 1 as long as nothing was done that is to be done. */
export async function recover(io: Io, flags: RecoverFlags): Promise<number> {
  const config = configOf(io, flags);
  const options = await storeOf(io, config);
  const paths = new Set([...config.logDirs, ...(flags.logDirs?.split(',') ?? [])]);
  const directories = Array.from(paths, (path) => knownDirectory(io, path));
  const store = await openStoreContent(io, options);
  try {
    return await new Recovery(store, directories).run(flags.yes === true);
  } finally {
    await store.close();
  }
}

class Recovery {
  readonly #store: OpenedStore;
  readonly #directories: readonly KnownDirectory[];
  /** As the store has them. */
  readonly #leaderEpochs = new Map<string, number>();

  constructor(store: OpenedStore, directories: readonly KnownDirectory[]) {
    this.#store = store;
    this.#directories = directories;
    for (const record of store.metadata.records) {
      if (record.type !== 'PartitionRecord') continue;
      const { topicId, partitionId = 0, leaderEpoch = 0 } = record;
      this.#leaderEpochs.set(partitionKey(topicId, partitionId), leaderEpoch);
    }
    const { clusterId } = store.identity;
    const other = directories.find((each) => each.clusterId !== clusterId);
    if (other === undefined) return;
    const what = `${other.path} belongs to cluster ${other.clusterId}, the store to ${clusterId}`;
    const remedy = 'correct cluster.store or log.dirs; recover never joins two clusters';
    throw new UsageError(`${what}: ${remedy}`);
  }

  async run(isMeant: boolean): Promise<number> {
    this.#show();
    if (!(await this.#isAnyRefused())) {
      say('None of these brokers is refused: there is nothing to recover.');
      return 0;
    }
    this.#showLosses();
    if (!isMeant) {
      say('Nothing was changed. To go on with the store as it is, run this again with --yes.');
      return 1;
    }
    const { identity, metadata } = this.#store;
    const known = this.#directories.flatMap(({ notes }) => notes?.historyId ?? []);
    const follows = new Set([...(identity.follows ?? []), identity.historyId, ...known]);
    await this.#store.replace(aheadOf(metadata, this.#lived()), [...follows]);
    say('Done: every broker that knew one of these histories goes on with the store. Start them.');
    return 0;
  }

  async #isAnyRefused(): Promise<boolean> {
    for (const each of this.#directories) if (await this.#isRefused(each)) return true;
    return false;
  }

  /** As a whole, or a replica of it, which is offline then. */
  async #isRefused({ notes, logs }: KnownDirectory): Promise<boolean> {
    const { identity, metadata } = this.#store;
    if (notes === null || identity.follows?.includes(notes.historyId)) return false;
    const isOther = notes.historyId !== identity.historyId;
    if (isOther || notes.metadataOffset >= metadata.endOffset) return true;
    const batch = asFingerprint(notes.metadataBatch);
    if (batch !== null && (await this.#store.hasBatch(batch)) === false) return true;
    return logs.some(({ topicId, partition, leaderEpoch }) => {
      return (
        leaderEpoch > (this.#leaderEpochs.get(partitionKey(topicId, partition)) ?? leaderEpoch)
      );
    });
  }

  #show(): void {
    const { address, identity, metadata } = this.#store;
    const { clusterId, historyId } = identity;
    say(`The store ${address}: cluster ${clusterId}, history ${historyId},`);
    say(`  metadata up to offset ${metadata.endOffset}.`);
    for (const { path, nodeId, notes } of this.#directories) {
      const knew =
        notes === null
          ? 'was used with no metadata'
          : `knew history ${notes.historyId} up to offset ${notes.metadataOffset + 1}`;
      say(`${path} of broker ${nodeId}: ${knew}.`);
    }
  }

  #showLosses(): void {
    const { endOffset } = this.#store.metadata;
    const applied = this.#lived().appliedOffset + 1;
    const range = applied > endOffset ? ` (offsets ${endOffset} to ${applied - 1} at least)` : '';
    say('What is lost if they go on with the store as it is:');
    say(`  - what was changed since: topics, partitions, configurations, users, quotas${range}`);
    say(
      '  - records of a partition whose in-sync replicas became others since, if a replica leads',
    );
    say('    that is in sync by the store and lacked records');
    const unknown = this.#unknownFolders();
    if (unknown.length > 0) {
      say(
        '  - from the place of their topics, which the store does not know, these logs; they are',
      );
      say('    set aside, and partita stray takes them back:');
      for (const folder of unknown) say(`      ${folder}`);
    }
  }

  #unknownFolders(): string[] {
    const { records } = this.#store.metadata;
    const idsIn = (record: MetadataRecord): readonly string[] =>
      record.type === 'TopicRecord' ? [record.topicId] : [];
    const topics = new Set(records.flatMap(idsIn));
    return this.#directories.flatMap(({ path, logs }) =>
      logs.filter(({ topicId }) => !topics.has(topicId)).map(({ folder }) => `${path}/${folder}`),
    );
  }

  #lived(): LivedOn {
    let appliedOffset = -1;
    const leaderEpochs = new Map<string, number>();
    for (const { notes, logs } of this.#directories) {
      appliedOffset = Math.max(appliedOffset, notes?.metadataOffset ?? -1);
      for (const { topicId, partition, leaderEpoch } of logs) {
        const key = partitionKey(topicId, partition);
        leaderEpochs.set(key, Math.max(leaderEpoch, leaderEpochs.get(key) ?? -1));
      }
    }
    return { appliedOffset, leaderEpochs };
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
