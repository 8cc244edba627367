// Bugs of whoever keeps metadata in etcd or ZooKeeper, each as a change of one place or of several
// where one defence stands behind another. bugs-on-stores.test.ts shows that each is found: by a
// scenario whose store comes to harm, or, where no world has shown it, by the test of one file.

import type { PlantedBug } from './bugs.ts';
import type { BugOfUnit } from './bugs-of-units.ts';

export interface BugOnStore extends PlantedBug {
  /** Which of the scenarios finds it, from the seed `foundAt` on. */
  readonly scenario: string;
}

const keyed = 'src/metadata/engines/keyed';

/** Names what is in pieces in the change after which the last of them is sent. */
const namedEarly = {
  file: `${keyed}/piece-folders.js`,
  was: `if (pieceCount > 0)
                await commitFenced(this.#store, fence, [step]);`,
  is: `if (pieceCount > 0) {
                const late = async () => {
                    for (let looks = 0; looks < 5; looks++) await this.#store.get(entry);
                    await commitFenced(this.#store, fence, [step]);
                };
                late().catch(() => {});
            }`,
};

export const bugsOnStores: readonly BugOnStore[] = [
  {
    name: 'append that is sent twice',
    about: 'an append whose answer was lost is sent again, to where the log ends now',
    file: `${keyed}/keyed-log.js`,
    was: 'const versions = await commitFenced(this.#store, fence, [...steps, ...more]);',
    is: `const sent = commitFenced(this.#store, fence, [...steps, ...more]);
        const { isLost, versions } = await sent.then(
            (made) => ({ isLost: false, versions: made }),
            (error) => {
                if (error.name !== 'UnknownChangeError') throw error;
                return { isLost: true, versions: [] };
            },
        );
        if (isLost) {
            const entry = await this.#store.get(keys.end);
            this.#end = forms.end.decode(keys.end, entry.value);
            this.#endVersion = entry.version;
            return await this.append(fence, records, timestampMs);
        }`,
    scenario: 'metadata-log-on-etcd',
    foundAt: 6,
    finding: /is in the log/,
  },
  {
    name: 'store without space that is taken for one that agreed',
    about: 'the controller goes on behind an append that etcd refused for its alarm',
    file: 'src/metadata/engines/etcd/etcd-store.js',
    was: `if (error.kind !== 'lease')`,
    is: `if (error.kind === 'space')
                return change.map(({ was }) => was ?? '0');
            if (error.kind !== 'lease')`,
    scenario: 'metadata-log-on-etcd',
    foundAt: 4,
    finding: /is missing|came where|two logs/,
  },
  {
    name: 'older history that is followed',
    about: 'a broker serves with a store that ends before what it has applied',
    file: 'src/metadata/log-follower.js',
    was: `throw this.#rolledBack('shorter');`,
    is: 'return;',
    scenario: 'metadata-log-on-zookeeper',
    foundAt: 7,
    finding: /go on with a store that was put back/,
  },
  {
    name: 'lost answer to an append taken as refused',
    about: 'whoever asked for it is told that nothing was done',
    file: `${keyed}/keyed-store.js`,
    was: 'if (!(error instanceof UnknownChangeError))',
    is: 'if (error instanceof Error)',
    scenario: 'metadata-log-on-etcd',
    foundAt: 6,
    finding: /was refused, and is in the log/,
  },
  {
    name: 'controller whose session is over, and who is not fenced',
    about: 'it goes on deciding beside the next one, and etcd is not asked to compare',
    file: `${keyed}/elections.js`,
    was: 'if (this.#term !== null && this.#term.session <= session) {',
    is: 'if (false) {',
    also: [
      {
        file: `${keyed}/elections.js`,
        was: 'if (attempt !== term.attempt) {',
        is: 'if (false) {',
      },
      {
        file: `${keyed}/elections.js`,
        was: 'else if (held?.attempt !== term.attempt)',
        is: 'else if (false)',
      },
      {
        file: 'src/metadata/engines/etcd/etcd-store.js',
        was: 'const compare = change.map(',
        is: `const isAppend = change[1]?.key === 'end' && change.length === 3;
        const compare = (isAppend ? [] : change).map(`,
      },
    ],
    scenario: 'metadata-log-on-etcd',
    foundAt: 8,
    // Or somebody who has read one of them comes upon the other.
    finding: /two logs|was put back to an older state/,
  },
  {
    name: 'watch that skips what was removed',
    about: 'a reader whose place in the log is gone goes on at its end, without the snapshot',
    file: 'src/metadata/log-follower.js',
    was: 'const isAnew = await this.#takeSnapshot();',
    is: `const isAnew = true;
                this.#next = this.#log.endOffset;
                this.#last = null;
                this.#isAligned = false;`,
    scenario: 'metadata-log-on-etcd',
    foundAt: 22,
    finding: /came where/,
  },
  {
    name: 'false revocation that moves leaders',
    about: 'who has lost its session is fenced at once, though all have lost theirs',
    file: 'src/metadata/controller/dead-brokers.js',
    was: 'return Math.max(renewalMsMax, sessionMs - steadyMs());',
    is: 'return 0;',
    scenario: 'metadata-on-zookeeper-faults',
    foundAt: 4,
    finding: /have another leader, and no broker has died/,
  },
  {
    name: 'read without sync',
    about: 'who was deposed is told that he controls, by a member that lags',
    file: 'src/metadata/engines/zookeeper/zookeeper-store.js',
    was: 'const [, answer] = await Promise.all([this.#sync(path, link), this.#read(path, link)]);',
    is: 'const answer = await this.#read(path, link);',
    also: [
      {
        file: 'src/metadata/engines/zookeeper/zookeeper-store.js',
        was: 'const [, all] = await Promise.all([this.#sync(path, link),',
        is: 'const [all] = await Promise.all([',
      },
    ],
    scenario: 'metadata-harm-on-zookeeper',
    foundAt: 11,
    finding: /was elected before it asked/,
  },
  {
    name: 'serializable read',
    about: 'the same at etcd',
    file: 'src/metadata/engines/etcd/etcd-store.js',
    was: `await this.#ask('/v3/kv/range', request);`,
    is: `await this.#ask('/v3/kv/range', { ...request, serializable: true });`,
    scenario: 'metadata-harm-on-etcd',
    foundAt: 11,
    // Or what somebody was told before is not there.
    finding: /was elected before it asked|was put back to an older state/,
  },
  {
    name: 'watch that skips what came while it was away',
    about: 'the last batch before nothing is appended for a while is never heard of',
    file: 'src/metadata/engines/zookeeper/zookeeper-watches.js',
    was: `watch.setting = 'no';
            this.#set(watch);
            this.#call(watch);`,
    is: `watch.setting = 'no';
            this.#set(watch);`,
    // Everything is looked at with each connection, and several times within a session. Without
    // these looks alone nothing is found: the watch is enough.
    also: [
      {
        file: `${keyed}/store-view.js`,
        was: `this.#options.onConnected();
            void this.#look();`,
        is: 'this.#options.onConnected();',
      },
      {
        file: `${keyed}/store-view.js`,
        was: `this.#tellOldView();
            void this.#look();`,
        is: 'this.#tellOldView();',
      },
    ],
    scenario: 'metadata-harm-on-zookeeper',
    foundAt: 1,
    finding: /some never hear of what was/,
  },
  {
    name: 'batch that is named before its pieces are there',
    about: 'readers, and whoever comes when its writer is dead, find a log with a hole',
    ...namedEarly,
    scenario: 'metadata-harm-on-zookeeper',
    foundAt: 4,
    finding: /has no batch at offset/,
  },
];

export const unitBugsOnStores: readonly BugOfUnit[] = [
  {
    name: 'controller without the fence of its epoch',
    // An append compares the end, which each election puts; a snapshot compares the one before it,
    // and is right whoever saves it; ZooKeeper refuses what comes of a session that is over. What
    // is left to be seen is that a snapshot is taken from who was deposed at etcd and asks before
    // he hears so, within a round trip or two: 150 seeds of metadata-harm-on-etcd did not show it.
    about: 'whatever it changes compares something else besides',
    file: `${keyed}/fence.js`,
    was: 'const versions = await store.commit([{ key: keys.epoch, was: version }, ...change]);',
    is: `const made = await store.commit(change);
    const versions = made === null ? null : [version, ...made];`,
    test: `${keyed}/late-requests`,
    fails: 'names no snapshot whose pieces it wrote before',
  },
  {
    name: 'registration of a later life deleted',
    // No world can show it: one process asks in turn, and a request that is late is of a connection
    // that its session has left, or of a session that is over. ZooKeeper refuses both, and closes
    // the older connection of a session that comes back to the same server; versions of etcd never
    // come back. It is for what stands between us and them and may send again.
    about: 'versions of ephemeral nodes begin anew, so that a late request may name the next one',
    file: `${keyed}/living-brokers.js`,
    was: 'await this.#remove(nodeId, heldEntry, [lifeStep(nodeId, lifeEntry, newest)]);',
    is: 'await this.#remove(nodeId, heldEntry, []);',
    test: `${keyed}/late-requests`,
    fails: 'to end a registration does not end the next one',
  },
];
