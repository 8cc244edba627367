// The promise: an acknowledged commit is what the next fetch of it returns, until another commit
// takes its place; what a fetch has shown does not go away. It holds over kills always, and over
// power cuts if __consumer_offsets is synced before commits are acknowledged.
//
// Commits are told apart by their metadata. One that was not acknowledged may have happened, now
// or at any later time: what was sent once may lie in a connection for long. For the same reason
// one that the client had to repeat may happen again after it was acknowledged.
//
// With several brokers it is made for fetches that began at the coordinator of the newest epoch: an
// older one, which has not heard of it yet, may show what was committed before (`mayLag`), and
// acknowledges nothing.

import { assert } from '../../src/base/assert.ts';
import { type GroupPlace, groupPlaceName } from './group-place.ts';

export interface SentCommit {
  readonly place: GroupPlace;
  readonly offset: number;
  /** No other commit has it. */
  readonly metadata: string;
  readonly sentAt: number;
  /** When the answer came; null: not acknowledged (yet). */
  acknowledgedAt: number | null;
  /** It may happen after it was acknowledged, too. */
  mayRecur: boolean;
}

export interface SeenCommit {
  readonly offset: number;
  readonly metadata: string;
}

/** A fetch under way. */
export interface CommitFetch {
  readonly place: GroupPlace;
  readonly sentAt: number;
  readonly mayLag: boolean;
}

interface Shown {
  readonly commit: SentCommit;
  /** When the answer that showed it came. */
  readonly at: number;
}

interface Register {
  readonly commits: Map<string, SentCommit>;
  /** Among the commits that were acknowledged, the one that was sent last. */
  newest: SentCommit | null;
  readonly shown: Shown[];
}

export class CommittedOffsets {
  /** Whether there may be an older coordinator: of fetches that begin from now on. */
  mayLag = false;
  #moment = 0;
  #fetchCount = 0;
  readonly #registers = new Map<string, Register>();

  /** How many fetches found a commit. */
  get fetchCount(): number {
    return this.#fetchCount;
  }

  onSent(place: GroupPlace, { offset, metadata }: SeenCommit): SentCommit {
    const { commits } = this.#register(place);
    assert(!commits.has(metadata), `a commit has metadata of its own, not ${metadata}`);
    const sentAt = this.#moment++;
    const commit = { place, offset, metadata, sentAt, acknowledgedAt: null, mayRecur: true };
    commits.set(metadata, commit);
    return commit;
  }

  /** `wasRepeated`: the client may have sent it more than once. */
  onAcknowledged(commit: SentCommit, wasRepeated: boolean): void {
    const register = this.#register(commit.place);
    commit.acknowledgedAt = this.#moment++;
    commit.mayRecur = wasRepeated;
    if (register.newest === null || register.newest.sentAt < commit.sentAt) {
      register.newest = commit;
    }
  }

  onFetch(place: GroupPlace): CommitFetch {
    return { place, sentAt: this.#moment++, mayLag: this.mayLag };
  }

  /** `seen` is null where the coordinator knows of no commit. */
  onFetched({ place, sentAt, mayLag }: CommitFetch, seen: SeenCommit | null): void {
    const register = this.#register(place);
    const name = groupPlaceName(place);
    if (seen === null) {
      if (mayLag) return;
      const { lost } = this.#overwriter(register, { after: -1, before: sentAt });
      assert(lost === null, `${name}: acknowledged commit ${describe(lost)} is lost`);
      return;
    }
    const commit = register.commits.get(seen.metadata);
    assert(commit !== undefined, `${name}: nobody committed ${describe(seen)}`);
    assert(commit.offset === seen.offset, `${name}: ${describe(commit)} became ${seen.offset}`);
    this.#fetchCount++;
    if (!mayLag && !commit.mayRecur && commit.acknowledgedAt !== null) {
      const times = { after: commit.acknowledgedAt, before: sentAt };
      const { lost } = this.#overwriter(register, times);
      const shows = `a fetch shows ${describe(commit)}, which it had taken the place of`;
      assert(lost === null, `${name}: acknowledged commit ${describe(lost)} is lost: ${shows}`);
    }
    register.shown.push({ commit, at: this.#moment++ });
  }

  /** A commit that certainly happened, or was seen, between the two moments: null if none. */
  #overwriter(
    { commits, newest, shown }: Register,
    { after, before }: { readonly after: number; readonly before: number },
  ): { lost: SentCommit | null } {
    if (newest !== null && newest.sentAt > after) {
      for (const commit of commits.values()) {
        const { acknowledgedAt } = commit;
        if (acknowledgedAt === null || acknowledgedAt > before) continue;
        if (commit.sentAt > after) return { lost: commit };
      }
    }
    for (const { commit, at } of shown) {
      if (at < before && commit.sentAt > after) return { lost: commit };
    }
    return { lost: null };
  }

  #register(place: GroupPlace): Register {
    const name = groupPlaceName(place);
    const register = this.#registers.get(name) ?? { commits: new Map(), newest: null, shown: [] };
    this.#registers.set(name, register);
    return register;
  }
}

function describe(commit: SeenCommit | null): string {
  return commit === null ? 'none' : `${commit.offset} "${commit.metadata}"`;
}
