// Bugs of replication that need a longer story, each as a change of one place of the product's
// code. bugs-of-moves.test.ts shows that each is found.

import type { PlantedBug } from './bugs.ts';

export interface BugOfMoves extends PlantedBug {
  /** Which of the scenarios finds it, from the seed `foundAt` on. */
  readonly scenario: string;
}

/** What readers and the last look say when something is gone or changed that they were shown. */
const lost =
  /out of range|goes back|was told of|is lost|not there any more|was next|differ below|" now/;

export const bugsOfMoves: readonly BugOfMoves[] = [
  {
    name: 'ISR entry below the start of the epoch',
    about: 'a replica enters that has the watermark, which a new leader knows late (KAFKA-7128)',
    file: 'src/replication/leader-state.js',
    was: 'return remote.logEndOffset >= Math.max(highWatermark, this.epochStartOffset);',
    is: 'return remote.logEndOffset >= highWatermark;',
    scenario: 'replication-moves',
    foundAt: 63,
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
    foundAt: 42,
    // All of them are gone, and with them who could lead.
    finding: /no progress after everything healed: not everything new is taken/,
  },
];
