// Bugs that clusters have had and that no world shows, because a second defence hides them, or that
// take so many steps in their order that no seed is noted; each with the test of one file that
// fails on it. bugs-of-units.test.ts plants them and runs that test.

import type { Change } from './bugs.ts';

export interface BugOfUnit extends Change {
  readonly name: string;
  /** What a broker does wrong with it, and why no world shows it. */
  readonly about: string;
  /** Below dist/; without an end. */
  readonly test: string;
  /** The name of the test in it that fails. */
  readonly fails: string;
}

export const bugsOfUnits: readonly BugOfUnit[] = [
  {
    name: 'deposed controller that answers a question',
    about: 'it does not ask the store; clients are told what was, and no promise is about that',
    file: 'src/machine/machine-runtime.js',
    was: 'return this.#whenConfirmed().then(() => response);',
    is: 'return Promise.resolve(response);',
    test: 'src/machine/machine-runtime',
    fails: 'a question is answered when nobody took the log over after it was asked',
  },
  {
    name: 'fetch answer of an older epoch appended',
    about: 'the fetcher drops it as well: who follows in a newer epoch is another FetchedPartition',
    file: 'src/replication/follower-state.js',
    was: `if (!this.#mayChange(log) || log.logEndOffset !== fetchOffset)
            return null;
        const records = this.#ofEpoch(sent);`,
    is: `if (log.truncations.current !== null || log.logEndOffset !== fetchOffset)
            return null;
        const records = this.#ofEpoch(sent);`,
    test: 'src/replication/follower-state',
    fails: 'drops answers that were asked for in another epoch',
  },
  {
    name: 'watermark taken before truncation',
    about:
      'readers see as committed what is about to be cut: for one moment, and only of a follower ' +
      'that is behind a watermark and beyond an epoch at once',
    file: 'src/replication/fetchers/fetched-partition.js',
    was: 'const epochsBefore = leaderEpochs.entries.length;',
    is: `const epochsBefore = leaderEpochs.entries.length;
                const { highWatermark } = answer;
                this.follower.append({ records: noRecords, highWatermark, fetchOffset: from });`,
    test: 'src/replication/fetchers/replica-fetchers',
    fails: 'take the watermark of a leader whose log parts from theirs when theirs is cut',
  },
  {
    name: 'follower retention by its own clock',
    about:
      'a clock that is days ahead empties a replica that may lead next; topics of worlds whose ' +
      'records age at all are those where nobody knows how long they are kept',
    file: 'src/replication/partition-upkeep.js',
    was: "const end = role === 'leader' ? highWatermark : log.logStartOffset;",
    is: 'const end = highWatermark;',
    test: 'src/replication/follower-state',
    fails: 'keeps what its leader keeps, whatever its own clock and size say',
  },
  {
    name: 'marker of an older coordinator accepted',
    about:
      'each transaction has an epoch of its own, so that a late marker is refused by that, too',
    file: 'src/storage/producers/producer-epochs.js',
    was: 'if (marker.coordinatorEpoch >= known.coordinatorEpoch)',
    is: 'if (marker.coordinatorEpoch >= 0)',
    test: 'src/storage/log/transactions',
    fails: 'the coordinator epoch is remembered',
  },
  {
    name: 'restarted replica counted by its old broker epoch',
    about: 'it enters by what it had before its restart; the controller refuses that as well',
    file: 'src/replication/leader-state.js',
    was: 'if (remote.brokerEpoch < 0 || remote.brokerEpoch !== brokerEpoch)',
    is: 'if (remote.brokerEpoch < 0)',
    test: 'src/replication/leader-state',
    fails: 'with a fetch of its present life',
  },
  {
    name: 'controller that takes a replica of an earlier life',
    about: 'the second defence against that: the leader does not ask for it',
    file: 'src/metadata/controller/alter-partition.js',
    was: 'const isStale = brokerEpoch !== -1 && broker?.epoch !== brokerEpoch;',
    is: 'const isStale = false;',
    test: 'src/metadata/controller/alter-partition',
    fails: 'who is fenced, shutting down, or fetched in an earlier life cannot be in sync',
  },
  {
    name: 'old replica taken out before the new one is in sync',
    about: 'a reassignment is complete as soon as anybody who stays is in sync',
    file: 'src/metadata/controller/partition-change.js',
    was: 'if (rest.length === 0 || !addingReplicas.every((id) => rest.includes(id)))',
    is: 'if (rest.length === 0)',
    test: 'src/metadata/controller/reassignments',
    fails: 'a target that dies holds the move up and loses nothing',
  },
];
