// Bugs of replication that need a longer story, each as a change of one place of the product's
// code. bugs-of-moves.test.ts shows that each is found.

import { lost, type PlantedBug } from './bugs.ts';

export interface BugOfMoves extends PlantedBug {
  /** Which of the scenarios finds it, from the seed `foundAt` on. */
  readonly scenario: string;
}

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
    foundAt: 5,
    finding: lost,
  },
  {
    name: 'ISR entry below the start of the epoch',
    about: 'a replica enters that has the watermark, which a new leader knows late (KAFKA-7128)',
    file: 'src/replication/leader-state.js',
    was: 'return remote.logEndOffset >= Math.max(highWatermark, this.epochStartOffset);',
    is: 'return remote.logEndOffset >= highWatermark;',
    scenario: 'replication-moves',
    foundAt: 87,
    finding: lost,
  },
  {
    name: 'old replica deleted before the new one is in sync',
    about: 'a broker drops its replica when a reassignment begins that will take it out',
    file: 'src/replication/replicas.js',
    was: 'else if (state.replicas.includes(this.#options.nodeId))',
    is: `else if (
                state.replicas.includes(this.#options.nodeId) &&
                !state.removingReplicas.includes(this.#options.nodeId)
            )`,
    scenario: 'replication-moves',
    foundAt: 5,
    // All of them are gone, and with them who could lead; or the new one leads with less.
    finding: new RegExp(`no progress after everything healed|${lost.source}`),
  },
];
