// The brokers that this client has announced, usually one: itself.
//
// Invariant: whoever registered hears once that the session was lost, unless it has registered the
// same life again since; then the newer registration is the one that is lost.

import { KafkaError } from '../../../protocol/index.ts';
import type { BrokerSession, StoreBroker } from '../../cluster-store.ts';
import type { ClientLink } from './client-link.ts';
import * as messages from './messages.ts';

interface Registration {
  readonly id: number;
  readonly broker: StoreBroker;
  readonly onLost: (error: Error) => void;
  isHeld: boolean;
  lostBy: Error | null;
}

export class Registrations {
  readonly #open = new Map<number, Registration>();
  readonly #connected: () => Promise<ClientLink>;
  /** Over here, and perhaps not in the store. */
  readonly #unsaid = new Set<number>();
  #link: ClientLink | null = null;
  #nextId = 1;

  /** @param connected waits for a connection, and rejects when there is none for long */
  constructor(connected: () => Promise<ClientLink>) {
    this.#connected = connected;
  }

  async register(broker: StoreBroker, onLost: (error: Error) => void): Promise<BrokerSession> {
    const link = await this.#connected();
    const id = this.#nextId++;
    const registration: Registration = { id, broker, onLost, isHeld: false, lostBy: null };
    this.#open.set(id, registration);
    try {
      const sent = { ...broker, directoryIds: [...broker.directoryIds] };
      const endpoints = broker.endpoints.map((each) => ({ ...each }));
      await link.call(messages.register, {
        registrationId: id,
        broker: [{ ...sent, endpoints }],
      });
      if (registration.lostBy !== null) throw registration.lostBy;
    } catch (error) {
      // With a lost answer it may be held in the store: whoever asks again takes it over.
      this.#open.delete(id);
      throw error;
    }
    registration.isHeld = true;
    this.#forgetOlder(registration);
    return { close: () => this.#close(registration) };
  }

  #forgetOlder({ id, broker }: Registration): void {
    for (const other of [...this.#open.values()]) {
      const isSame = other.broker.incarnationId === broker.incarnationId;
      if (other.id < id && other.isHeld && isSame && other.broker.nodeId === broker.nodeId) {
        this.#open.delete(other.id);
      }
    }
  }

  /** Resolves without the store where that is away: it hears of it when it is back. */
  async #close({ id }: Registration): Promise<void> {
    if (this.#open.delete(id)) await this.#unregister(id);
  }

  async #unregister(id: number): Promise<void> {
    this.#unsaid.add(id);
    if (this.#link === null) return;
    try {
      await this.#link.call(messages.unregister, { registrationId: id });
      this.#unsaid.delete(id);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  /** The session goes on on another connection. */
  attach(link: ClientLink): void {
    this.#link = link;
    for (const id of [...this.#unsaid]) void this.#unregister(id);
  }

  detach(): void {
    this.#link = null;
  }

  /** The store says that this one is over. */
  onLost(id: number, error: Error): void {
    const registration = this.#open.get(id);
    if (registration === undefined) return;
    registration.lostBy = error;
    this.#open.delete(id);
    if (registration.isHeld) registration.onLost(error);
  }

  /** Another session begins. */
  onSessionEnded(why: string): void {
    this.#unsaid.clear();
    const error = new KafkaError('NETWORK_EXCEPTION', why);
    for (const id of [...this.#open.keys()]) this.onLost(id, error);
  }

  close(): void {
    this.#open.clear();
    this.#unsaid.clear();
    this.#link = null;
  }
}
