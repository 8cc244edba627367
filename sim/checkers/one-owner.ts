// The promise: a partition of a topic has one owner in a group. In the classic protocol that is so
// in each generation; whatever the protocol, nobody is given a partition before the coordinator
// knows that its owner has let it go or is no member any more, and the coordinator never shows two
// members with one partition.
//
// No promise is made about what a member believes that was thrown out and has not heard of it. So
// a holding counts only as far as it is proven: from the moment in which the member was told of it
// to the last moment in which it sent, as a member, a commit that was acknowledged.

import { assert } from '../../src/base/assert.ts';
import { type GroupPlace, groupPlaceName, type Place } from './group-place.ts';

/** What one member had of a partition without a break. */
export interface Holding {
  /** Who: a process, or one of its memberships after the other. */
  readonly life: string;
  readonly place: GroupPlace;
  readonly from: number;
  /** The last moment for which it is proven; `from` while nothing is. */
  until: number;
}

/** A commit that is under way, and says when it was sent. */
export interface OwnershipClaim {
  readonly holding: Holding;
  readonly sentAt: number;
}

/** A group as the coordinator describes it. */
export interface DescribedMembers {
  readonly groupId: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly assignment: readonly Place[];
    readonly targetAssignment: readonly Place[] | null;
  }[];
}

export class OneOwner {
  #moment = 0;
  #provenCount = 0;
  readonly #holdings = new Map<string, Holding[]>();
  readonly #open = new Map<string, Holding>();
  readonly #ownersByGeneration = new Map<string, string>();

  /** How many holdings were proven: what the promise was held against. */
  get provenCount(): number {
    return this.#provenCount;
  }

  /** A member is told of a partition that it did not have. */
  onAssigned(life: string, place: GroupPlace): void {
    const name = groupPlaceName(place);
    const from = this.#moment++;
    const holding = { life, place, from, until: from };
    const holdings = this.#holdings.get(name) ?? [];
    this.#holdings.set(name, holdings);
    holdings.push(holding);
    this.#open.set(`${life} ${name}`, holding);
  }

  /** Given up, or lost. */
  onGone(life: string, place: GroupPlace): void {
    this.#open.delete(`${life} ${groupPlaceName(place)}`);
  }

  /** A member that has the partition sends a commit of it; null if it does not have it. */
  claim(life: string, place: GroupPlace): OwnershipClaim | null {
    const holding = this.#open.get(`${life} ${groupPlaceName(place)}`);
    return holding === undefined ? null : { holding, sentAt: this.#moment++ };
  }

  /** The commit was acknowledged: when it was sent, the sender was a member. */
  prove({ holding, sentAt }: OwnershipClaim): void {
    if (sentAt <= holding.until) return;
    if (holding.until === holding.from) this.#provenCount++;
    holding.until = sentAt;
    for (const other of this.#holdings.get(groupPlaceName(holding.place)) ?? []) {
      if (other.life === holding.life || other.until === other.from) continue;
      const isApart = other.until < holding.from || holding.until < other.from;
      const name = groupPlaceName(holding.place);
      assert(isApart, `${name} has two owners: ${holding.life} and ${other.life}`);
    }
  }

  /**
   * A member of a classic group has these partitions in the generation. `owner` is its id, or the
   * instance id of a static member, which is replaced within a generation.
   */
  onGeneration(owner: string, generation: number, places: readonly GroupPlace[]): void {
    for (const place of places) {
      const name = `${groupPlaceName(place)} in generation ${generation}`;
      const known = this.#ownersByGeneration.get(name) ?? owner;
      assert(known === owner, `${name} has two owners: ${known} and ${owner}`);
      this.#ownersByGeneration.set(name, owner);
    }
  }

  onDescribed({ groupId, members }: DescribedMembers): void {
    for (const what of ['assignment', 'targetAssignment'] as const) {
      const owners = new Map<string, string>();
      for (const member of members) {
        for (const place of member[what] ?? []) {
          const name = groupPlaceName({ ...place, groupId });
          const other = owners.get(name);
          const says = `the coordinator shows two owners of ${name} (${what})`;
          assert(other === undefined, `${says}: ${other} and ${member.memberId}`);
          owners.set(name, member.memberId);
        }
      }
    }
  }
}
