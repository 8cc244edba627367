// A coordinator of classic groups for the tests of this folder: it waits for members, times them
// out, moves to another broker and answers with errors on command.
//
// Invariant that it asserts of the clients: in one generation a partition has one owner.

import assert from 'node:assert/strict';
import { decodeAssignment } from '../../../src/client/consumer/assignors/index.ts';
import { keyOf } from '../../../src/client/leader-requests.ts';
import type { Io, Timer } from '../../../src/io/index.ts';
import {
  ErrorCode,
  heartbeat,
  joinGroup,
  leaveGroup,
  type offsetCommit,
  type RequestOf,
  syncGroup,
} from '../../../src/protocol/index.ts';
import type { ScriptedCluster, ScriptedRequest } from './scripted-cluster.ts';
import { ScriptedOffsets, serveFindCoordinator } from './scripted-offsets.ts';

export type GroupApi = 'join' | 'sync' | 'heartbeat' | 'leave' | 'commit' | 'fetch';

interface Member {
  readonly memberId: string;
  instanceId: string | null;
  request: RequestOf<typeof joinGroup>;
  join: ScriptedRequest<typeof joinGroup> | null;
  sync: ScriptedRequest<typeof syncGroup> | null;
  session: Timer | null;
}

export class ScriptedGroup {
  state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty';
  generation = 0;
  leader = '';
  protocol = '';
  readonly members = new Map<string, Member>();
  assignments = new Map<string, Buffer>();
  rebalanceTimer: Timer | null = null;
}

export class ScriptedGroups {
  readonly group = new ScriptedGroup();
  coordinator = 1;
  /** An error code to answer with, or null. */
  verdict: (api: GroupApi) => number | null = () => null;
  /** How long a rebalance waits for more members after the last one has joined. */
  delayMs = 0;
  readonly #io: Io;
  readonly #offsets: ScriptedOffsets;
  /** Ids that were members once. */
  readonly #seen = new Set<string>();
  #created = 0;

  constructor(io: Io, cluster: ScriptedCluster) {
    this.#io = io;
    serveFindCoordinator(cluster, () => this.coordinator);
    cluster.serve(joinGroup, (request) => this.#onJoin(request));
    cluster.serve(syncGroup, (request) => this.#onSync(request));
    cluster.serve(heartbeat, (request) => {
      const { memberId, generationId } = request.body;
      const code = this.#check(request, 'heartbeat', memberId, generationId);
      if (code === 0) this.#touch(memberId);
      const isRebalancing = this.group.state === 'preparing';
      const errorCode = code === 0 && isRebalancing ? ErrorCode.REBALANCE_IN_PROGRESS : code;
      request.respond({ errorCode });
    });
    cluster.serve(leaveGroup, (request) => {
      const errorCode = this.#refusal(request, 'leave');
      for (const each of errorCode === 0 ? request.body.members : []) this.remove(each.memberId);
      request.respond({ errorCode, members: [] });
    });
    this.#offsets = new ScriptedOffsets(cluster, {
      checkCommit: (request) => this.#checkCommit(request),
      checkFetch: (request) => this.#refusal(request, 'fetch'),
    });
  }

  /** What is committed, by `partition topic`. */
  committed(): Record<string, number> {
    return this.#offsets.committed();
  }

  remove(memberId: string): void {
    const member = this.group.members.get(memberId);
    if (member === undefined) return;
    this.group.members.delete(memberId);
    member.session?.cancel();
    this.#rebalance();
  }

  #refusal(request: { readonly nodeId: number }, api: GroupApi): number {
    if (request.nodeId !== this.coordinator) return ErrorCode.NOT_COORDINATOR;
    return this.verdict(api) ?? 0;
  }

  #check(
    request: { readonly nodeId: number },
    api: GroupApi,
    memberId: string,
    generation: number,
  ): number {
    const refusal = this.#refusal(request, api);
    // Who is told so is out indeed, or a rebalance would wait for it.
    if (refusal === ErrorCode.UNKNOWN_MEMBER_ID) this.remove(memberId);
    if (refusal !== 0) return refusal;
    if (!this.group.members.has(memberId)) return ErrorCode.UNKNOWN_MEMBER_ID;
    return generation === this.group.generation ? 0 : ErrorCode.ILLEGAL_GENERATION;
  }

  #touch(memberId: string): void {
    const member = this.group.members.get(memberId);
    if (member === undefined) return;
    member.session?.cancel();
    member.session = this.#io.clock.after(member.request.sessionTimeoutMs, () => {
      // Who waits for us is not expected to speak.
      if (member.join === null && member.sync === null) this.remove(memberId);
    });
  }

  #onJoin(request: ScriptedRequest<typeof joinGroup>): void {
    const { body } = request;
    const refuse = (errorCode: number, memberId = body.memberId): void =>
      request.respond({ errorCode, protocolName: null, leader: '', memberId, members: [] });
    const refusal = this.#refusal(request, 'join');
    const { members } = this.group;
    const isNew = body.memberId === '';
    const memberId = isNew ? `member-${++this.#created}` : body.memberId;
    const known = members.get(memberId);
    const instanceId = body.groupInstanceId;
    const before = [...members.values()].find((each) => each.instanceId === instanceId);
    if (refusal !== 0) {
      refuse(refusal);
      return;
    }
    if (isNew && instanceId === null) {
      refuse(ErrorCode.MEMBER_ID_REQUIRED, memberId);
      return;
    }
    if (isNew && before !== undefined) {
      this.#replaceStatic(before, memberId, request);
      return;
    }
    if (known === undefined && this.#seen.has(memberId)) {
      refuse(ErrorCode.UNKNOWN_MEMBER_ID);
      return;
    }
    const member: Member = {
      memberId,
      instanceId: body.groupInstanceId,
      request: body,
      join: request,
      sync: null,
      session: known?.session ?? null,
    };
    this.#seen.add(memberId);
    members.set(memberId, member);
    this.#touch(memberId);
    this.#rebalance();
  }

  /** KIP-345: a static member comes back, and nobody else needs to know. */
  #replaceStatic(
    before: Member,
    memberId: string,
    request: ScriptedRequest<typeof joinGroup>,
  ): void {
    const { group } = this;
    group.members.delete(before.memberId);
    before.session?.cancel();
    const { body } = request;
    const instanceId = before.instanceId;
    group.members.set(memberId, { ...before, memberId, instanceId, request: body, session: null });
    this.#seen.add(memberId);
    this.#touch(memberId);
    const assignment = group.assignments.get(before.memberId);
    if (assignment !== undefined) group.assignments.set(memberId, assignment);
    if (group.leader === before.memberId) group.leader = memberId;
    request.respond({
      errorCode: 0,
      generationId: group.generation,
      protocolType: 'consumer',
      protocolName: group.protocol,
      leader: group.leader,
      skipAssignment: true,
      memberId,
      members: group.leader === memberId ? this.#memberList() : [],
    });
  }

  #rebalance(): void {
    const { group } = this;
    if (group.members.size === 0) {
      group.rebalanceTimer?.cancel();
      group.state = 'empty';
      group.generation++;
      return;
    }
    if (group.state !== 'preparing') {
      for (const member of group.members.values()) {
        const { sync } = member;
        member.sync = null;
        sync?.respond({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS, assignment: Buffer.alloc(0) });
      }
      group.state = 'preparing';
      const waitMs = Math.max(...[...group.members.values()].map(rebalanceTimeoutOf));
      group.rebalanceTimer = this.#io.clock.after(waitMs, () => {
        const late = [...group.members.values()].filter(({ join }) => join === null);
        for (const { memberId } of late) this.remove(memberId);
      });
    }
    if ([...group.members.values()].some(({ join }) => join === null)) return;
    if (this.delayMs === 0) this.#completeJoin();
    else this.#io.clock.after(this.delayMs, () => this.#completeJoin());
  }

  #completeJoin(): void {
    const { group } = this;
    if (group.state !== 'preparing') return;
    const members = [...group.members.values()];
    if (members.length === 0 || members.some(({ join }) => join === null)) return;
    group.rebalanceTimer?.cancel();
    group.state = 'completing';
    group.generation++;
    group.assignments = new Map();
    const [first] = members as [Member];
    if (!group.members.has(group.leader)) group.leader = first.memberId;
    const inAll = (name: string): boolean =>
      members.every(({ request }) => request.protocols.some((each) => each.name === name));
    group.protocol = first.request.protocols.find(({ name }) => inAll(name))?.name ?? '';
    for (const member of members) {
      const { join, memberId } = member;
      member.join = null;
      this.#touch(memberId);
      join?.respond({
        errorCode: 0,
        generationId: group.generation,
        protocolType: 'consumer',
        protocolName: group.protocol,
        leader: group.leader,
        memberId,
        members: memberId === group.leader ? this.#memberList() : [],
      });
    }
  }

  #memberList(): { memberId: string; groupInstanceId: string | null; metadata: Buffer }[] {
    return [...this.group.members.values()].map(({ memberId, instanceId, request }) => {
      const found = request.protocols.find(({ name }) => name === this.group.protocol);
      const metadata = Buffer.from(found?.metadata ?? []);
      return { memberId, groupInstanceId: instanceId, metadata };
    });
  }

  #onSync(request: ScriptedRequest<typeof syncGroup>): void {
    const { group } = this;
    const { memberId, generationId, assignments } = request.body;
    let errorCode = this.#check(request, 'sync', memberId, generationId);
    if (errorCode === 0 && group.state === 'preparing') errorCode = ErrorCode.REBALANCE_IN_PROGRESS;
    if (errorCode !== 0) {
      request.respond({ errorCode, assignment: Buffer.alloc(0) });
      return;
    }
    this.#touch(memberId);
    const member = group.members.get(memberId) as Member;
    member.sync = request;
    if (memberId === group.leader && group.state === 'completing') {
      this.#assertOneOwner(assignments);
      for (const each of assignments) {
        group.assignments.set(each.memberId, Buffer.from(each.assignment));
      }
      group.state = 'stable';
    }
    if (group.state !== 'stable') return;
    for (const each of group.members.values()) {
      const { sync } = each;
      each.sync = null;
      const assignment = group.assignments.get(each.memberId) ?? Buffer.alloc(0);
      if (sync !== null) this.#touch(each.memberId);
      sync?.respond({ errorCode: 0, protocolType: 'consumer', assignment });
    }
  }

  #assertOneOwner(assignments: RequestOf<typeof syncGroup>['assignments']): void {
    const owners = new Map<string, string>();
    for (const { memberId, assignment } of assignments) {
      for (const place of decodeAssignment(assignment)) {
        assert.equal(owners.get(keyOf(place)), undefined, `two owners of ${keyOf(place)}`);
        owners.set(keyOf(place), memberId);
      }
    }
  }

  /** The error code of a commit. */
  #checkCommit(request: ScriptedRequest<typeof offsetCommit>): number {
    const { group } = this;
    const { memberId, generationIdOrMemberEpoch: generation } = request.body;
    const isSimple = generation < 0 && memberId === '' && group.members.size === 0;
    if (isSimple) return this.#refusal(request, 'commit');
    const code = this.#check(request, 'commit', memberId, generation);
    if (code === 0 && group.state === 'completing') return ErrorCode.REBALANCE_IN_PROGRESS;
    if (code === 0) this.#touch(memberId);
    return code;
  }
}

function rebalanceTimeoutOf({ request }: Member): number {
  return request.rebalanceTimeoutMs;
}
