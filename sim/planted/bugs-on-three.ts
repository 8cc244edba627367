// Bugs of coordinators and of compaction with several brokers, each as a change of one place of the
// product's code, for the scenarios on three brokers. bugs-on-three.test.ts shows that each is
// found.

import type { PlantedBug } from './bugs.ts';

export interface BugOnThree extends PlantedBug {
  /** Which of the scenarios finds it, from the seed `foundAt` on. */
  readonly scenario: string;
}

export const bugsOnThree: readonly BugOnThree[] = [
  {
    name: 'coordinator that answers before it has replayed',
    about: 'who leads a partition of __consumer_offsets now begins without what is in it',
    file: 'src/coordinator/machine-shard.js',
    was: 'replayFrom: 0',
    is: 'replayFrom: log.endOffset',
    scenario: 'groups-on-three',
    foundAt: 1,
    finding: /acknowledged commit \d+ "\S+" is lost/,
  },
  {
    name: 'PrepareCommit forgotten',
    about: 'who takes over a transaction that is decided does not send its markers',
    file: 'src/coordinator/transaction/transaction-shard.js',
    was: `state } = transaction;
            if (isPrepared(transaction))`,
    is: `state } = transaction;
            if (false)`,
    scenario: 'transactions-on-three',
    foundAt: 28,
    finding: /a transaction is open for ever|what was waited for did not happen/,
  },
  {
    name: 'compaction of what is not decided',
    about: 'a replica compacts beyond the watermark and into open transactions',
    file: 'src/storage/cleaner/dirty-range.js',
    was: 'Math.min(bounds.lastStableOffset, log.active.baseOffset)',
    is: 'log.active.baseOffset',
    scenario: 'compaction-on-three',
    foundAt: 87,
    finding: /is lost|is gone before/,
  },
  {
    name: 'decision that is kept',
    about: 'what a client may do is looked up once, and never again',
    file: 'src/broker/authorization.js',
    was: `        return this.#authorizer.authorize(this.#requester, operation, type, name);`,
    is: `        const { principal } = this.#requester;
        const key = [principal, operation, type, name].join(' ');
        const kept = (this.#authorizer.kept ??= new Map());
        if (!kept.has(key))
            kept.set(key, this.#authorizer.authorize(this.#requester, operation, type, name));
        return kept.get(key);`,
    scenario: 'access',
    foundAt: 1,
    finding: /was (served|refused), and its ACLs (deny|grant) it/,
  },
  {
    name: 'right that is never taken',
    about: 'an ACL that a snapshot no longer has, or that was deleted, stays in force',
    file: 'src/broker/authorization.js',
    was: `if (before !== undefined)
            authorizer.removeAcl(before);`,
    is: `if (before !== undefined && now !== undefined)
            authorizer.removeAcl(before);`,
    scenario: 'access',
    foundAt: 6,
    finding: /was (served|refused), and its ACLs (deny|grant) it/,
  },
  {
    name: 'password of before',
    about: 'a broker goes on with the users of the metadata that it began with',
    file: 'src/broker/authentication.js',
    was: 'scramCredential: (mechanism, user) => image().scram.get(',
    is: 'scramCredential: (mechanism, user) => (this.begun ??= image().scram).get(',
    scenario: 'access',
    foundAt: 1,
    finding: /with (the|no) password of the moment/,
  },
];
