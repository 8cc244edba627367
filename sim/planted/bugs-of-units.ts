// Defences behind which another one stands, so that a world misses neither of them alone: what is
// found when both are gone is in bugs-told.ts. That each is there by itself shows the test of one
// file, which fails without it. bugs-of-units.test.ts plants them and runs that test.

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
];
