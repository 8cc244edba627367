// Bugs that clusters have had, each as a change of one place of the product's code, as it lies in
// dist/ (types are gone there). bugs.test.ts shows that each is found.

export interface PlantedBug {
  readonly name: string;
  /** What a broker does wrong with it. */
  readonly about: string;
  /** Below dist/. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly was: string;
  readonly is: string;
  /** The first seed of the scenario `replication` that finds it. */
  readonly foundAt: number;
  /** What it says then. */
  readonly finding: RegExp;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'watermark with too few in sync',
    about: 'the watermark moves while fewer than min.insync.replicas are in sync (KIP-966)',
    file: 'src/replication/leader-state.js',
    was: 'if (this.isr.length < this.requiredReplicas(minInSyncReplicas))',
    is: 'if (this.isr.length < 1)',
    foundAt: 4,
    finding: /out of range|goes back|was told of|is lost|not there any more|although \d+ was next/,
  },
  {
    name: 'end that is not known',
    about: 'a new leader names its watermark as the end before it has reached its epoch (KIP-207)',
    file: 'src/broker/handlers/list-offsets.js',
    was: 'isFollower || partition.hasReachedEpochStart',
    is: 'true',
    foundAt: 4,
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
];
