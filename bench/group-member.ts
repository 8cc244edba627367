// The one member of a group, of the classic or of the consumer protocol, that joins and then beats.

import type { ClientConnection } from '../src/network/index.ts';
import {
  consumerGroupHeartbeat,
  ErrorCode,
  errorName,
  heartbeat,
  joinGroup,
  syncGroup,
} from '../src/protocol/index.ts';

export class GroupMember {
  readonly #connection: ClientConnection;
  readonly #groupId: string;
  readonly #topic: string | null;
  #memberId: string;
  #epoch = 0;

  private constructor(connection: ClientConnection, groupId: string, topic: string | null) {
    this.#connection = connection;
    this.#groupId = groupId;
    this.#topic = topic;
    this.#memberId = topic === null ? '' : `member-of-${groupId}`;
  }

  /** Joins; `topic` is what a group of the consumer protocol subscribes to, null: a classic one. */
  static async join(
    connection: ClientConnection,
    groupId: string,
    topic: string | null,
  ): Promise<GroupMember> {
    const member = new GroupMember(connection, groupId, topic);
    if (topic === null) await member.#joinClassic();
    else await member.beat();
    return member;
  }

  async #joinClassic(): Promise<void> {
    const groupId = this.#groupId;
    for (;;) {
      const answer = await this.#connection.request(joinGroup, {
        groupId,
        sessionTimeoutMs: 45_000,
        rebalanceTimeoutMs: 60_000,
        memberId: this.#memberId,
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.alloc(8) }],
      });
      this.#memberId = answer.memberId;
      this.#epoch = answer.generationId;
      if (answer.errorCode === 0) break;
      if (!isPassing(answer.errorCode) && answer.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) {
        throw new Error(`join ${groupId}: ${errorName(answer.errorCode)}`);
      }
    }
    const { errorCode } = await this.#connection.request(syncGroup, {
      groupId,
      generationId: this.#epoch,
      memberId: this.#memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId: this.#memberId, assignment: Buffer.alloc(8) }],
    });
    if (errorCode !== 0) throw new Error(`sync ${groupId}: ${errorName(errorCode)}`);
  }

  async beat(): Promise<void> {
    const groupId = this.#groupId;
    for (;;) {
      const errorCode =
        this.#topic === null ? await this.#beatClassic() : await this.#beatConsumer();
      if (errorCode === 0) return;
      if (!isPassing(errorCode)) throw new Error(`heartbeat ${groupId}: ${errorName(errorCode)}`);
    }
  }

  async #beatClassic(): Promise<number> {
    const { errorCode } = await this.#connection.request(heartbeat, {
      groupId: this.#groupId,
      generationId: this.#epoch,
      memberId: this.#memberId,
      groupInstanceId: null,
    });
    return errorCode;
  }

  async #beatConsumer(): Promise<number> {
    const isFirst = this.#epoch === 0;
    const answer = await this.#connection.request(consumerGroupHeartbeat, {
      groupId: this.#groupId,
      memberId: this.#memberId,
      memberEpoch: this.#epoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: isFirst ? 60_000 : -1,
      subscribedTopicNames: isFirst ? [this.#topic as string] : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: isFirst ? [] : null,
    });
    if (answer.errorCode === 0) this.#epoch = answer.memberEpoch;
    return answer.errorCode;
  }
}

/** The coordinator is still on its way. */
function isPassing(errorCode: number): boolean {
  return (
    errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ||
    errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE ||
    errorCode === ErrorCode.NOT_COORDINATOR
  );
}
