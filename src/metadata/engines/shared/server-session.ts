// What one client holds in the store: its broker's registration, its candidacies and its term. The
// session is not the connection: it outlives a socket that closed, and ends with the client's
// goodbye or with its silence.
//
// Invariants: whoever holds a term or a registration has a session; what the client was not told
// because it was away, or because its connection was dead, is told when it is back.

import { ErrorCode, KafkaError } from '../../../protocol/index.ts';
import {
  type BrokerProcess,
  type BrokerSession,
  type ControllerTerm,
  type Election,
  expelledError,
  type StoreBroker,
} from '../../cluster-store.ts';
import type { LocalStore } from '../local/local-store.ts';
import { encodeFrame, lostNews, newsKinds } from './messages.ts';

/** The connection on which the client is, if it is there. */
export interface SessionLink {
  send(frame: readonly Buffer[]): void;
  /** The client has another connection, or no session any more. */
  close(why: string): void;
}

interface HeldElection {
  readonly nodeId: number;
  readonly election: Election;
  epoch: number | null;
}

interface HeldRegistration {
  readonly broker: StoreBroker;
  readonly session: BrokerSession;
}

/** Each is a small object; a client has one of its own, and a second while it is restarted. */
const heldMax = 1000;

export class ServerSession {
  readonly id: string;
  /** In the order in which clients came. */
  readonly #number: number;
  /** How long its client may be silent. */
  timeoutMs: number;
  /** On the session clock. */
  heardMs: number;
  link: SessionLink | null = null;
  readonly #store: LocalStore;
  readonly #elections = new Map<number, HeldElection>();
  readonly #registrations = new Map<number, HeldRegistration>();
  /** The connection may have been dead for a while; who was told already pays no heed. */
  readonly #told: (readonly Buffer[])[] = [];
  #hasEnded = false;

  constructor(
    store: LocalStore,
    options: { id: string; number: number; timeoutMs: number; heardMs: number },
  ) {
    this.#store = store;
    this.id = options.id;
    this.#number = options.number;
    this.timeoutMs = options.timeoutMs;
    this.heardMs = options.heardMs;
  }

  attach(link: SessionLink): void {
    this.link?.close('its client has come back on another connection');
    this.link = link;
  }

  /** To be called when the client has been welcomed. */
  tellAgain(): void {
    for (const frame of this.#told) this.link?.send(frame);
  }

  #tell(kind: number, id: number, error: Error): void {
    const name = error instanceof KafkaError ? error.errorName : 'UNKNOWN_SERVER_ERROR';
    const lost = { id, errorCode: ErrorCode[name], message: error.message };
    const frame = encodeFrame(kind, 0, [lostNews, lost]);
    this.#told.push(frame);
    if (this.#told.length > 2 * heldMax) this.#told.shift();
    this.link?.send(frame);
  }

  async elect(electionId: number, nodeId: number): Promise<ControllerTerm> {
    const held = this.#elections.get(electionId) ?? this.#stand(electionId, nodeId);
    return await held.election.term;
  }

  #stand(electionId: number, nodeId: number): HeldElection {
    this.#assertRoom(this.#elections.size);
    const onLost = (error: Error): void => {
      this.#elections.delete(electionId);
      this.#tell(newsKinds.lostTerm, electionId, error);
    };
    const election = this.#store.elect({ nodeId, onLost });
    const held: HeldElection = { nodeId, election, epoch: null };
    this.#elections.set(electionId, held);
    held.election.term.then(
      ({ epoch }) => {
        held.epoch = epoch;
      },
      () => this.#elections.delete(electionId),
    );
    return held;
  }

  async release(electionId: number): Promise<void> {
    const held = this.#elections.get(electionId);
    this.#elections.delete(electionId);
    await held?.election.withdraw();
  }

  /** Appends and questions come from the session that has the term, and from nobody else. */
  assertHolds(epoch: number): void {
    for (const held of this.#elections.values()) if (held.epoch === epoch) return;
    throw new KafkaError('NOT_CONTROLLER', `controller epoch ${epoch} is not of this session`);
  }

  async register(registrationId: number, broker: StoreBroker): Promise<void> {
    this.#assertRoom(this.#registrations.size);
    const onLost = (error: Error): void => {
      this.#registrations.delete(registrationId);
      this.#tell(newsKinds.lostRegistration, registrationId, error);
    };
    const session = await this.#store.register(broker, onLost, this.#number);
    this.#registrations.set(registrationId, { broker, session });
  }

  async unregister(registrationId: number): Promise<void> {
    const held = this.#registrations.get(registrationId);
    this.#registrations.delete(registrationId);
    await held?.session.close();
  }

  /** Brokers first, as at the end. */
  async expel({ nodeId, incarnationId }: BrokerProcess): Promise<void> {
    const registrations = [...this.#registrations].filter(
      ([, { broker }]) => broker.nodeId === nodeId && broker.incarnationId === incarnationId,
    );
    if (registrations.length === 0) return;
    const error = expelledError(nodeId);
    for (const [id] of registrations) {
      await this.unregister(id);
      this.#tell(newsKinds.lostRegistration, id, error);
    }
    for (const [id, election] of [...this.#elections]) {
      if (election.nodeId !== nodeId) continue;
      await this.release(id);
      this.#tell(newsKinds.lostTerm, id, error);
    }
  }

  #assertRoom(count: number): void {
    if (this.#hasEnded) throw new KafkaError('NETWORK_EXCEPTION', 'the session has ended');
    if (count < heldMax) return;
    throw new KafkaError('POLICY_VIOLATION', `a session holds at most ${heldMax} of these`);
  }

  /**
   * Brokers first: whoever is elected then sees who is gone.
   * @param why null: its client asked for it and is still to be answered
   */
  async end(why: string | null): Promise<void> {
    const { link } = this;
    this.#hasEnded = true;
    this.link = null;
    for (const id of [...this.#registrations.keys()]) await this.unregister(id);
    for (const id of [...this.#elections.keys()]) await this.release(id);
    if (why !== null) link?.close(why);
  }
}
