// Bugs of replication that need a longer story, or somebody who reads at followers, each as a
// change of one place of the product's code or of two, where one hides the other.
// bugs-of-moves.test.ts shows that each is found.

import type { PlantedBug } from './bugs.ts';

export interface BugOfMoves extends PlantedBug {
  /** Which of the scenarios finds it, from the seed `foundAt` on. */
  readonly scenario: string;
}

/** What readers and the last look say when something is gone that they were shown. */
const lost = /out of range|goes back|was told of|is lost|not there any more|was next|differ below/;

export const bugsOfMoves: readonly BugOfMoves[] = [
  {
    name: 'lost AlterPartition answer taken as refused',
    about: 'the smaller set counts, though the controller may have made the change',
    file: 'src/replication/in-sync-upkeep.js',
    was: `for (const { partition, change } of asked)
                this.#unknown.set(partition, change);`,
    is: `for (const { partition, change } of asked)
                partition.onIsrChangeRefused(change);`,
    scenario: 'replication-moves',
    foundAt: 44,
    finding: lost,
  },
  {
    name: 'restarted replica counted by its old broker epoch',
    about: 'a replica enters by what it had before its restart',
    file: 'src/replication/in-sync-upkeep.js',
    was: 'leading.mayEnter(id, broker.epoch, partition.highWatermark)',
    is: 'leading.mayEnter(id, leading.remote(id).brokerEpoch, partition.highWatermark)',
    // The controller would refuse the old epoch.
    also: [
      {
        file: 'src/replication/in-sync-upkeep.js',
        was: '(partition.leading?.remote(id)?.brokerEpoch ?? -1)',
        is: '(this.#options.broker(id)?.epoch ?? -1)',
      },
    ],
    scenario: 'replication-directories',
    foundAt: 2,
    finding: lost,
  },
];
