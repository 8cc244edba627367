// Bugs of replication and of coordinators that take steps in their order, each as a change of one
// place of the product's code, or of several where one defence stands behind another, for the
// scenarios that tell such steps. bugs-told.test.ts shows that each is found.

import { lost, type PlantedBug } from './bugs.ts';

export interface BugTold extends PlantedBug {
  /** Which of the scenarios finds it, from the seed `foundAt` on. */
  readonly scenario: string;
}

export const bugsTold: readonly BugTold[] = [
  {
    name: 'fetch answer of an older epoch appended',
    about: 'it is longer than the log that a new leader has given this replica, or than its own',
    file: 'src/replication/follower-state.js',
    was: `if (!this.#mayChange(log) || log.logEndOffset !== fetchOffset)
            return null;
        const records = this.#ofEpoch(sent);`,
    is: `if (log.truncations.current !== null || log.logEndOffset !== fetchOffset)
            return null;
        const records = this.#ofEpoch(sent);`,
    // Who follows in a newer epoch is another FetchedPartition, and gets no answer to an older one.
    also: [
      {
        file: 'src/replication/fetchers/fetch-session.js',
        was: 'return this.#told.get(',
        is: `for (const partition of this.#forgotten.values()) {
            if (partition.index === index && partition.topicId === topicId) return partition;
        }
        return this.#told.get(`,
      },
    ],
    scenario: 'replication-told',
    foundAt: 13,
    // The log has what its epochs do not have, or another replica's has something else there.
    finding: /says \d+$|differ below/m,
  },
  {
    name: 'watermark taken before truncation',
    about: 'and the log is cut a moment later: readers see what is not committed (KAFKA-14704)',
    file: 'src/replication/fetchers/fetched-partition.js',
    was: 'if (divergingEpoch.epoch >= 0 || divergingEpoch.endOffset >= 0) {',
    is: `if (divergingEpoch.epoch >= 0 || divergingEpoch.endOffset >= 0) {
            this.cuts = (this.cuts ?? 0) + 1;
            if (this.cuts % 2 === 1) {
                const { highWatermark } = answer;
                const { fetchOffset } = this.#asked;
                this.follower.append({ records: noRecords, highWatermark, fetchOffset });
                return 'refused';
            }`,
    scenario: 'replication-told',
    foundAt: 1,
    finding: lost,
  },
  {
    name: 'follower retention by its own clock',
    about: 'a clock that is ahead for a while empties a replica that leads next',
    file: 'src/replication/partition-upkeep.js',
    was: "const end = role === 'leader' ? highWatermark : log.logStartOffset;",
    is: 'const end = highWatermark;',
    scenario: 'replication-told',
    foundAt: 10,
    finding: /starts at \d+: records are lost/,
  },
  {
    name: 'restarted replica counted by its old broker epoch',
    about: 'it enters by what it had before its restart, of which it has lost something (KIP-903)',
    file: 'src/replication/leader-state.js',
    was: 'if (remote.brokerEpoch < 0 || remote.brokerEpoch !== brokerEpoch)',
    is: 'if (remote.brokerEpoch < 0)',
    // The controller refuses that as well.
    also: [
      {
        file: 'src/metadata/controller/alter-partition.js',
        was: 'const isStale = brokerEpoch !== -1 && broker?.epoch !== brokerEpoch;',
        is: 'const isStale = false;',
      },
    ],
    scenario: 'replication-told',
    foundAt: 26,
    finding: lost,
  },
  {
    name: 'old replica taken out before the new one is in sync',
    about: 'a reassignment is complete as soon as anybody who stays is in sync',
    file: 'src/metadata/controller/partition-change.js',
    was: 'if (rest.length === 0 || !addingReplicas.every((id) => rest.includes(id)))',
    is: 'if (rest.length === 0)',
    scenario: 'replication-told',
    foundAt: 3,
    finding: lost,
  },
  {
    name: 'deposed controller that answers a question',
    about: 'it does not ask the store whether somebody else was elected',
    file: 'src/machine/machine-runtime.js',
    was: 'return this.#whenConfirmed().then(() => response);',
    is: 'return Promise.resolve(response);',
    scenario: 'replication-told',
    foundAt: 2,
    finding: /would create \S+, which was there when it was asked/,
  },
  {
    name: 'marker of an older coordinator accepted',
    about: 'it ends the transaction that is open by then',
    file: 'src/storage/producers/producer-epochs.js',
    was: 'if (marker.coordinatorEpoch >= known.coordinatorEpoch)',
    is: 'if (marker.coordinatorEpoch >= 0)',
    scenario: 'markers-on-three',
    foundAt: 10,
    finding: /transaction \d+ was (committed|aborted)/,
  },
];
