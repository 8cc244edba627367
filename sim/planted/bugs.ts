// Bugs that clusters have had, each as a change of one place of the product's code, as it lies in
// dist/ (types are gone there). bugs.test.ts shows that each is found.
//
// Where the bugs are that a cluster is known for; the seed, or the test, stands beside each:
//   here                 removal that counts early; duplicate above the watermark; append that is
//                        sent twice; watch that skips what was compacted; cut to the watermark
//                        instead of by epoch; watermark with too few in sync; end that is not known
//   bugs-of-moves.ts     lost AlterPartition answer taken as refused; ISR entry below the start of
//                        the epoch; old replica deleted before the new one is in sync
//   bugs-on-three.ts     coordinator that answers before it has replayed; PrepareCommit forgotten;
//                        compaction of what is not decided; decision that is kept; right that is
//                        never taken; password of before
//   bugs-told.ts         fetch answer of an older epoch appended; watermark taken before
//                        truncation; restarted replica counted by its old broker epoch; deposed
//                        controller that answers a question; marker of an older coordinator
//                        accepted; follower retention by its own clock; old replica taken out
//                        before the new one is in sync
//   bugs-of-units.ts     single defences of those that have two
//   bugs-on-stores.ts    append to etcd that is sent twice; lost answer to one taken as refused;
//                        store without space taken for one that agreed; older history that is
//                        followed; controller who is not fenced; watch that skips what was
//                        removed; false revocation that moves leaders; read without `sync`;
//                        serializable read; watch that skips what came meanwhile; batch that is
//                        named early. By units: a change without the fence, and what takes a
//                        request that is late by a session

/** A change of one place. */
export interface Change {
  /** Below dist/. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly was: string;
  readonly is: string;
}

export interface PlantedBug extends Change {
  readonly name: string;
  /** What a broker does wrong with it. */
  readonly about: string;
  /** Further places: another defence would hide the bug. */
  readonly also?: readonly Change[];
  /** Which scenario finds it. Default: `replication`. */
  readonly scenario?: string;
  /** The first seed of the scenario that finds it. */
  readonly foundAt: number;
  /** What it says then. */
  readonly finding: RegExp;
}

/** What readers and the last look say when something is gone or changed that they were shown. */
export const lost =
  /out of range|goes back|was told of|is lost|not there any more|was next|differ below|" now/;

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'watermark with too few in sync',
    about: 'the watermark moves while fewer than min.insync.replicas are in sync (KIP-966)',
    file: 'src/replication/leader-state.js',
    was: 'if (this.isr.length < this.requiredReplicas(minInSyncReplicas))',
    is: 'if (this.isr.length < 1)',
    foundAt: 5,
    finding: lost,
  },
  {
    name: 'end that is not known',
    about: 'a new leader names its watermark as the end before it has reached its epoch (KIP-207)',
    file: 'src/broker/handlers/list-offsets.js',
    was: 'isFollower || partition.hasReachedEpochStart',
    is: 'true',
    foundAt: 7,
    finding: /the end of \S+ goes back/,
  },
  {
    name: 'watch that skips',
    about: 'a reader of the metadata goes on at the end of the log after an outage',
    file: 'src/metadata/log-follower.js',
    was: 'while (!this.#isClosed) {',
    is: 'if (this.#isAligned) this.#next = this.#log.endOffset; while (!this.#isClosed) {',
    foundAt: 1,
    finding: /offset \d+ came where \d+ was due/,
  },
  {
    name: 'removal that counts early',
    about: 'the watermark moves without a replica before its removal is committed',
    file: 'src/replication/in-sync-set.js',
    was: 'this.#larger = [...this.committed, ...added];',
    is: 'this.#larger = isr;',
    foundAt: 5,
    finding: lost,
  },
  {
    name: 'duplicate above the watermark',
    about: 'a batch that is there already is acknowledged before all in sync have it',
    file: 'src/broker/handlers/produce.js',
    was: 'if (isAll ? partition.highWatermark >= end :',
    is: 'if (isAll ? result.isDuplicate || partition.highWatermark >= end :',
    foundAt: 2,
    finding: lost,
  },
  {
    name: 'append that is sent twice',
    about: 'an append whose answer was lost is sent again, to where the metadata log ends now',
    file: 'src/metadata/engines/shared/shared-store.js',
    was: `this.#candidacies.endTerm(controllerEpoch);
                this.#log.debug`,
    is: `if (options.again === undefined) {
                    await this.#connector.connected();
                    const expectedEnd = this.#endOffset;
                    return await this.append(records, { ...options, expectedEnd, again: true });
                }
                this.#candidacies.endTerm(controllerEpoch);
                this.#log.debug`,
    foundAt: 55,
    finding: /the metadata log creates topic \S+ twice/,
  },
  {
    name: 'cut to the watermark',
    about: 'a follower cuts its log to its watermark instead of where the epochs part (KIP-101)',
    file: 'src/replication/partition.js',
    was: 'this.#following = new FollowerState(state, {',
    is: `if (this.highWatermark < this.logEndOffset && this.#log.truncations.current === null) {
            const offset = this.highWatermark;
            this.#onTruncated(offset);
            void this.#log.truncateTo(offset);
        }
        this.#following = new FollowerState(state, {`,
    foundAt: 4,
    finding: lost,
  },
];
