// Assignors of a program's own, as objects (Java's ConsumerPartitionAssignor): checked when the
// consumer is made, and again what they answer.

import { ClientConfigError } from '../../client-config-error.ts';
import { InvalidArgumentError } from '../../errors.ts';
import { keyOf, type TopicPartition } from '../../leader-requests.ts';
import type { Assignment, Assignor, GroupMember, GroupTopics } from './assignor.ts';

export type RebalanceProtocol = 'eager' | 'cooperative';

/**
 * Divides partitions among the members of a classic group. All members must offer one of the same
 * name; the leader's is asked.
 */
export interface ConsumerPartitionAssignor {
  /** Under which members agree on it; not that of a built-in one. */
  readonly name: string;
  /** `cooperative`: members keep what they have while the group rebalances. Default eager. */
  readonly protocols?: readonly RebalanceProtocol[];
  /** Goes to the leader's assignor, as the `userData` of this member. */
  subscriptionUserData?(topics: readonly string[]): Uint8Array | null;
  /**
   * By member id; who is left out gets nothing. `topics` holds only topics that exist; `racks` of
   * the replicas, by partition, where brokers have racks.
   */
  assign(
    members: readonly GroupMember[],
    topics: GroupTopics,
  ): ReadonlyMap<string, readonly TopicPartition[]>;
  /** This member got these partitions in this generation. */
  onAssignment?(partitions: readonly TopicPartition[], generation: number): void;
}

export class CustomAssignor implements Assignor {
  readonly name: string;
  readonly isCooperative: boolean;
  readonly #own: ConsumerPartitionAssignor;

  constructor(own: ConsumerPartitionAssignor) {
    this.name = own.name;
    this.isCooperative = own.protocols?.includes('cooperative') ?? false;
    this.#own = own;
  }

  userData(topics: readonly string[] = []): Buffer | null {
    const bytes = this.#own.subscriptionUserData?.(topics) ?? null;
    return bytes === null ? null : Buffer.from(bytes);
  }

  /** Throws an InvalidArgumentError for what would leave the group with two owners or none. */
  assign(members: readonly GroupMember[], topics: GroupTopics): Assignment {
    const answer = this.#own.assign(members, topics);
    const assignment: Assignment = new Map(members.map(({ memberId }) => [memberId, []]));
    const owners = new Map<string, string>();
    for (const [memberId, places] of answer) {
      const assigned = assignment.get(memberId);
      if (assigned === undefined) throw this.#error(`${memberId} is no member of the group`);
      for (const { topic, partition } of places) {
        const count = topics.get(topic)?.partitionCount ?? 0;
        const name = `${topic}-${partition}`;
        if (partition < 0 || partition >= count) throw this.#error(`there is no ${name}`);
        const other = owners.get(keyOf({ topic, partition }));
        if (other !== undefined) throw this.#error(`${name} is for ${other} and ${memberId}`);
        owners.set(keyOf({ topic, partition }), memberId);
        assigned.push({ topic, partition });
      }
    }
    return assignment;
  }

  onAssignment(partitions: readonly TopicPartition[], generation: number): void {
    this.#own.onAssignment?.(partitions, generation);
  }

  #error(because: string): Error {
    return new InvalidArgumentError(`the assignor ${this.name} answers nonsense: ${because}`);
  }
}

/** @throws ClientConfigError */
export function assertCustomAssignor(
  own: ConsumerPartitionAssignor,
  builtIn: readonly string[],
): void {
  const what = 'partitionAssignmentStrategy has an assignor';
  if (typeof own?.name !== 'string' || own.name === '') {
    throw new ClientConfigError(`${what} without a name: give { name, assign }`);
  }
  if (typeof own.assign !== 'function') {
    throw new ClientConfigError(`${what} ${own.name} without assign: give { name, assign }`);
  }
  if (builtIn.includes(own.name)) {
    throw new ClientConfigError(`${what} named ${own.name}, as a built-in one: rename it`);
  }
  const isKnown = (own.protocols ?? []).every((each) => each === 'eager' || each === 'cooperative');
  if (isKnown) return;
  const expected = 'expected eager, cooperative';
  throw new ClientConfigError(`${what} ${own.name} with protocols ${own.protocols}: ${expected}`);
}
