// The connections of one client: at most one per address, made when it is first needed and made
// again after a loss, with a growing pause between attempts to an address that does not answer.

import type { Io } from '../io/index.ts';
import { ClientConnection, type ConnectionSecurity } from '../network/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { Backoff } from './backoff.ts';
import type { BootstrapAddress, ResolvedClientOptions } from './client-options.ts';
import { connectionSecurity } from './client-security.ts';
import { explained } from './errors.ts';

interface Slot {
  readonly key: string;
  connection: ClientConnection | null;
  connecting: Promise<ClientConnection> | null;
  failures: number;
  /** Not to be tried before this time. */
  notBeforeMs: number;
}

export class BrokerConnections {
  readonly #io: Io;
  readonly #options: ResolvedClientOptions;
  readonly #backoff: Backoff;
  readonly #slots = new Map<string, Slot>();
  /** Made with the first connection. */
  #security: Promise<ConnectionSecurity | undefined> | null = null;
  #closed = false;

  constructor(io: Io, options: ResolvedClientOptions) {
    this.#io = io;
    this.#options = options;
    const { reconnectBackoffMs, reconnectBackoffMaxMs } = options;
    this.#backoff = new Backoff(io.random, reconnectBackoffMs, reconnectBackoffMaxMs);
  }

  /** The connection if it is there now, without waiting. */
  ready(address: BootstrapAddress): ClientConnection | null {
    const connection = this.#slots.get(keyOf(address))?.connection ?? null;
    if (connection === null || connection.isClosed || this.#isIdle(connection)) return null;
    return connection;
  }

  /** Rejects with an IoError or a retriable KafkaError; waits out the reconnect pause first. */
  async get(address: BootstrapAddress): Promise<ClientConnection> {
    const key = keyOf(address);
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { key, connection: null, connecting: null, failures: 0, notBeforeMs: 0 };
      this.#slots.set(key, slot);
    }
    const connection = slot.connection;
    if (connection !== null && !connection.isClosed) {
      if (!this.#isIdle(connection)) return connection;
      connection.close();
    }
    slot.connecting ??= this.#connect(slot, address);
    return slot.connecting;
  }

  close(): void {
    this.#closed = true;
    for (const slot of this.#slots.values()) slot.connection?.close();
  }

  #isIdle(connection: ClientConnection): boolean {
    if (connection.requestsInFlight > 0) return false;
    const idleMs = this.#io.clock.monotonic() - connection.lastActiveMs;
    return idleMs > this.#options.connectionsMaxIdleMs;
  }

  async #connect(slot: Slot, address: BootstrapAddress): Promise<ClientConnection> {
    try {
      const waitMs = slot.notBeforeMs - this.#io.clock.monotonic();
      if (waitMs > 0) await this.#io.clock.sleep(waitMs);
      this.#assertOpen();
      this.#security ??= connectionSecurity(this.#io, this.#options.security);
      const connection = await ClientConnection.connect(this.#io, {
        ...address,
        clientId: this.#options.clientId,
        connectTimeoutMs: this.#options.connectionSetupTimeoutMs,
        requestTimeoutMs: this.#options.requestTimeoutMs,
        security: await this.#security,
      });
      slot.failures = 0;
      slot.notBeforeMs = this.#io.clock.monotonic() + this.#backoff.delayMs(1);
      slot.connection = connection;
      if (this.#closed) connection.close();
      this.#assertOpen();
      return connection;
    } catch (error) {
      slot.failures++;
      slot.notBeforeMs = this.#io.clock.monotonic() + this.#backoff.delayMs(slot.failures);
      throw error instanceof Error ? explained(error, { broker: slot.key }) : error;
    } finally {
      slot.connecting = null;
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new KafkaError('NETWORK_EXCEPTION', 'the client is closed');
  }
}

function keyOf(address: BootstrapAddress): string {
  return `${address.host}:${address.port}`;
}
