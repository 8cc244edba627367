// Requests of this broker to whoever controls, leads or coordinates, or to one node. Who that is is
// looked up anew for each attempt (whereabouts.ts). Where it is this very broker the request is a
// call, and otherwise it goes to the peer.
//
// Invariants: a request is sent again only where that does no harm: whoever was asked is not the
// one, or not yet, and so did nothing; nothing was sent; or an answer was lost of a request that
// may be sent twice (peer.ts). What is lost of another request is said: nobody knows what became of
// it. An answer of a peer is waited for until the deadline and no longer; a call always comes back.

import { Deferred } from '../../base/deferred.ts';
import { type Clock, type Io, IoError } from '../../io/index.ts';
import { type ErrorName, KafkaError } from '../../protocol/index.ts';
import { type AskedFor, isRepeatable, type Peer, type PeerApis } from './peer.ts';
import type { Target, Whereabouts } from './whereabouts.ts';

export interface BrokerRequestsOptions {
  readonly nodeId: number;
  readonly whereabouts: Whereabouts;
  /** Another broker. @throws KafkaError, IoError if it cannot be reached */
  readonly peer: (nodeId: number) => Peer;
  /** request.timeout.ms: how long an answer is waited for. */
  readonly timeoutMs: () => number;
}

export interface Asking<Name extends keyof PeerApis> {
  readonly to: Target;
  /** What this broker answers itself. */
  readonly own: Pick<Peer, Name>;
  /** The client that asks; default null: this broker itself. */
  readonly askedFor?: AskedFor | null;
  /** Rest before the same one is asked again. Default 100 ms. */
  readonly retryMs?: number;
  /** How long the request is sent again at the most. Default: as long as an answer may take. */
  readonly retryMsMax?: number;
  /**
   * An administrator waits so long, and when the time is up hears REQUEST_TIMED_OUT, whatever the
   * last attempt met. Default: as long as one answer may take, and what was met at last is told.
   */
  readonly administratorMsMax?: number;
}

/** Whoever says so is not the one, and did nothing. */
const notTheOne: ReadonlySet<string> = new Set<ErrorName>([
  'NOT_CONTROLLER',
  'NOT_LEADER_OR_FOLLOWER',
  'NOT_COORDINATOR',
]);

/** Whoever says so is about to be the one. */
const notYet: ReadonlySet<string> = new Set<ErrorName>([
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'LEADER_NOT_AVAILABLE',
]);

/** What is said when nobody is known to be the one. */
const nobody: Readonly<Record<Target['role'], ErrorName>> = {
  controller: 'NOT_CONTROLLER',
  coordinator: 'COORDINATOR_NOT_AVAILABLE',
  leader: 'LEADER_NOT_AVAILABLE',
  node: 'BROKER_NOT_AVAILABLE',
};

interface PeerAsking extends Pick<OpenRequest, 'to' | 'nodeId'> {
  readonly deadlineMs: number;
  readonly askedFor: AskedFor | null;
}

interface OpenRequest {
  readonly to: Target;
  readonly nodeId: number;
  readonly giveUp: (error: Error) => void;
}

export class BrokerRequests {
  readonly #clock: Clock;
  readonly #options: BrokerRequestsOptions;
  /** What peers were asked and have not answered. */
  readonly #open = new Set<OpenRequest>();
  #isClosed = false;

  constructor(io: Io, options: BrokerRequestsOptions) {
    this.#clock = io.clock;
    this.#options = options;
  }

  /**
   * @throws KafkaError what was answered at last; REQUEST_TIMED_OUT, NETWORK_EXCEPTION when there
   * was no answer, so that the request may have been carried out
   */
  async ask<Name extends keyof PeerApis>(
    name: Name,
    request: PeerApis[Name]['request'],
    asking: Asking<Name>,
  ): Promise<PeerApis[Name]['response']> {
    const { whereabouts, timeoutMs } = this.#options;
    const { to, retryMs = 100, administratorMsMax, askedFor = null } = asking;
    const beganMs = this.#clock.monotonic();
    const waitMsMax = administratorMsMax ?? timeoutMs();
    const deadlineMs = beganMs + waitMsMax;
    const retryUntilMs = Math.min(deadlineMs, beganMs + (asking.retryMsMax ?? waitMsMax));
    for (;;) {
      const nodeId = whereabouts.nodeOf(to);
      try {
        if (nodeId < 0) throw new KafkaError(nobody[to.role]);
        if (nodeId === this.#options.nodeId) return await asking.own[name](request);
        return await this.#askPeer({ to, nodeId, deadlineMs, askedFor }, name, request);
      } catch (error) {
        if (to.role === 'node' || !this.#mayRepeat(name, nodeId, error))
          throw this.#told(error, nodeId);
        const restMs = whereabouts.nodeOf(to) === nodeId ? retryMs : 0;
        if (this.#clock.monotonic() + restMs > retryUntilMs) {
          throw administratorMsMax === undefined ? this.#told(error, nodeId) : outOfTime(error);
        }
        if (restMs > 0) await this.#clock.sleep(restMs);
      }
    }
  }

  async #askPeer<Name extends keyof PeerApis>(
    { to, nodeId, deadlineMs, askedFor }: PeerAsking,
    name: Name,
    request: PeerApis[Name]['request'],
  ): Promise<PeerApis[Name]['response']> {
    const peer = this.#options.peer(nodeId);
    const answered = new Deferred<PeerApis[Name]['response']>();
    const timer = this.#clock.after(Math.max(0, deadlineMs - this.#clock.monotonic()), () => {
      const message = `broker ${nodeId} did not answer ${name} in time`;
      answered.reject(new KafkaError('REQUEST_TIMED_OUT', message));
    });
    const open: OpenRequest = { to, nodeId, giveUp: answered.reject };
    this.#open.add(open);
    peer[name](request, askedFor).then(answered.resolve, answered.reject);
    try {
      return await answered.promise;
    } finally {
      this.#open.delete(open);
      timer.cancel();
    }
  }

  /**
   * Roles may be with others than before. One that has lost a role need not be able to say so: what
   * it was asked for it is not waited for any more, and may have been carried out.
   */
  onRolesChanged(): void {
    for (const { to, nodeId, giveUp } of this.#open) {
      if (this.#options.whereabouts.nodeOf(to) === nodeId) continue;
      const message = `broker ${nodeId} did not answer before another one took its role`;
      giveUp(new KafkaError('NETWORK_EXCEPTION', message));
    }
  }

  /** This broker stops: nothing is asked again, and no answer is waited for. */
  close(): void {
    this.#isClosed = true;
    for (const { giveUp } of this.#open) {
      giveUp(new KafkaError('NETWORK_EXCEPTION', 'this broker has stopped'));
    }
  }

  #mayRepeat(name: keyof PeerApis, nodeId: number, error: unknown): boolean {
    if (this.#isClosed) return false;
    // What this broker's own disk refused will not be granted by asking.
    if (error instanceof IoError) return nodeId !== this.#options.nodeId;
    if (!(error instanceof KafkaError)) return false;
    const { errorName } = error;
    // Nobody else could take over.
    if (nodeId < 0 || notTheOne.has(errorName)) return !this.#options.whereabouts.isAlone;
    if (notYet.has(errorName)) return true;
    return errorName === 'NETWORK_EXCEPTION' && isRepeatable[name];
  }

  /** A peer that cannot be reached is named in words that clients and coordinators know. */
  #told(error: unknown, nodeId: number): unknown {
    if (!(error instanceof IoError) || nodeId === this.#options.nodeId) return error;
    return new KafkaError('NETWORK_EXCEPTION', `broker ${nodeId}: ${error.message}`);
  }
}

function outOfTime(error: unknown): KafkaError {
  const why = error instanceof Error ? error.message : String(error);
  return new KafkaError('REQUEST_TIMED_OUT', `no controller has answered in time: ${why}`);
}
