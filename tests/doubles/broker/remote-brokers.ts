// The other brokers of a cluster, for whoever asks them: they know who controls, leads and
// coordinates, and refuse what is not theirs. The one that asks knows it later. Answers and whole
// brokers can be lost.

import { isRepeatable, type Peer, type PeerApis } from '../../../src/broker/requests/peer.ts';
import type { Target, Whereabouts } from '../../../src/broker/requests/whereabouts.ts';
import { type Io, IoError } from '../../../src/io/index.ts';
import { ErrorCode, type ErrorName, KafkaError } from '../../../src/protocol/index.ts';

/** Who has a role: in truth, and as far as the one that asks has heard. */
interface Role {
  node: number;
  known: number;
}

type Request<Name extends keyof PeerApis> = PeerApis[Name]['request'];

export class RemoteBrokers implements Whereabouts {
  isAlone = false;
  /** Each request that arrived, as `2 addPartitions`. */
  readonly asked: string[] = [];
  /** Those that were not refused. */
  readonly carriedOut: string[] = [];
  readonly #io: Io;
  readonly #roles = new Map<string, Role>();
  readonly #down = new Set<number>();
  readonly #silent = new Set<number>();
  readonly #faults: { readonly nodeId: number; readonly fault: ErrorName | 'lost answer' }[] = [];

  constructor(io: Io) {
    this.#io = io;
  }

  nodeOf(target: Target): number {
    return target.role === 'node' ? target.nodeId : this.#role(nameOf(target)).known;
  }

  /** The role moves; whoever asks hears of it after a while. */
  move(target: Target, node: number, { knownAfterMs = 0 } = {}): void {
    const role = this.#role(nameOf(target));
    role.node = node;
    if (knownAfterMs > 0) this.#io.clock.after(knownAfterMs, () => this.#hear(role, node));
    else role.known = node;
  }

  #hear(role: Role, node: number): void {
    role.known = node;
  }

  /** Connections to it are refused. */
  takeDown(nodeId: number): void {
    this.#down.add(nodeId);
  }

  bringUp(nodeId: number): void {
    this.#down.delete(nodeId);
  }

  /** It takes requests and never answers. */
  silence(nodeId: number): void {
    this.#silent.add(nodeId);
  }

  /** It carries the next request out, and the connection is lost before its answer comes. */
  loseAnswer(nodeId: number): void {
    this.#faults.push({ nodeId, fault: 'lost answer' });
  }

  /** It refuses its next requests, so many of them. */
  refuse(nodeId: number, fault: ErrorName, count = 1): void {
    for (let i = 0; i < count; i++) this.#faults.push({ nodeId, fault });
  }

  /** The connection to a broker. */
  readonly peer = (nodeId: number): Peer => {
    if (this.#down.has(nodeId)) {
      throw new IoError('ECONNREFUSED', `cannot connect to broker ${nodeId}`);
    }
    const names = Object.keys(isRepeatable) as (keyof PeerApis)[];
    const methods = names.map((name) => [
      name,
      (request: Request<typeof name>) => this.#onRequest(nodeId, name, request),
    ]);
    return Object.fromEntries(methods) as Peer;
  };

  async #onRequest(
    nodeId: number,
    name: keyof PeerApis,
    request: Request<typeof name>,
  ): Promise<unknown> {
    await this.#io.clock.sleep(1);
    this.asked.push(`${nodeId} ${name}`);
    if (this.#silent.has(nodeId)) return await new Promise(() => {});
    const at = this.#faults.findIndex((each) => each.nodeId === nodeId);
    const fault = at < 0 ? undefined : this.#faults.splice(at, 1)[0]?.fault;
    if (fault !== undefined && fault !== 'lost answer') throw new KafkaError(fault);
    const answer = this.#answer(nodeId, name, request);
    this.carriedOut.push(`${nodeId} ${name}`);
    if (fault === 'lost answer') {
      throw new KafkaError('NETWORK_EXCEPTION', `the connection to broker ${nodeId} was lost`);
    }
    return answer;
  }

  #answer(nodeId: number, name: keyof PeerApis, request: Request<typeof name>): unknown {
    if (name === 'addPartitions') return this.#addPartitions(nodeId, request as never);
    if (name === 'writeTransactionMarkers') return this.#writeMarkers(nodeId, request as never);
    this.#assertRole(nodeId, { role: 'controller' }, 'NOT_CONTROLLER');
    return name === 'allocateProducerIds' ? { firstProducerId: 0, count: 1000 } : [];
  }

  #addPartitions(nodeId: number, { transactionalId, topics }: Request<'addPartitions'>): unknown {
    this.#assertRole(nodeId, { role: 'coordinator', transactionalId }, 'NOT_COORDINATOR');
    return topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: 0 })),
    }));
  }

  #writeMarkers(nodeId: number, markers: Request<'writeTransactionMarkers'>): unknown {
    const codeOf = (topic: string, partition: number): number => {
      const leader = this.#role(nameOf({ role: 'leader', topic, partition })).node;
      return leader === nodeId ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER;
    };
    return markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => {
          return { partitionIndex, errorCode: codeOf(name, partitionIndex) };
        }),
      })),
    }));
  }

  #assertRole(nodeId: number, target: Target, otherwise: ErrorName): void {
    if (this.#role(nameOf(target)).node !== nodeId) throw new KafkaError(otherwise);
  }

  #role(name: string): Role {
    let role = this.#roles.get(name);
    if (role === undefined) {
      role = { node: -1, known: -1 };
      this.#roles.set(name, role);
    }
    return role;
  }
}

function nameOf(target: Target): string {
  return JSON.stringify(target);
}
