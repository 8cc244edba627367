// The connections of one client: at most one per address, made when it is first needed and made
// again after a loss, with a growing pause between attempts to an address that does not answer.

import type { Io } from '../io/index.ts';
import { ClientConnection, type ConnectionSecurity } from '../network/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { Backoff } from './backoff.ts';
import type { BootstrapAddress, ResolvedClientOptions } from './client-options.ts';
import { connectionSecurity } from './client-security.ts';
import { ClockGaps } from './clock-gaps.ts';
import { requestTrace } from './diagnostics.ts';
import { explained } from './errors.ts';
import type { NetworkMeter } from './metrics/index.ts';

/** Of a broker whose id is known, or only of one that was named to begin with. */
interface Address extends BootstrapAddress {
  readonly nodeId?: number;
}

interface Slot {
  readonly key: string;
  /** Whose traffic is added up where, under Java's name of the node. */
  node: string;
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
  readonly #meter: NetworkMeter;
  readonly #nodeName: (nodeId: number) => string;
  readonly #gaps: ClockGaps;
  readonly #slots = new Map<string, Slot>();
  /** Made with the first connection. */
  #security: Promise<ConnectionSecurity | undefined> | null = null;
  #closed = false;

  /** `nodeName`: Java's coordinators count as nodes of their own. */
  constructor(
    io: Io,
    options: ResolvedClientOptions,
    meter: NetworkMeter,
    nodeName: (nodeId: number) => string = (nodeId) => `node-${nodeId}`,
  ) {
    this.#io = io;
    this.#options = options;
    this.#meter = meter;
    this.#gaps = new ClockGaps(io.clock, options.keepAlive);
    this.#nodeName = nodeName;
    const { reconnectBackoffMs, reconnectBackoffMaxMs } = options;
    this.#backoff = new Backoff(io.random, reconnectBackoffMs, reconnectBackoffMaxMs);
  }

  /** The connection if it is there now, without waiting. */
  ready(address: Address): ClientConnection | null {
    const slot = this.#slots.get(keyOf(address));
    if (slot === undefined) return null;
    const { connection } = slot;
    if (connection === null || connection.isClosed || this.#isIdle(connection)) return null;
    this.#nameNode(slot, address);
    return connection;
  }

  /** Rejects with an IoError or a retriable KafkaError; waits out the reconnect pause first. */
  async get(address: Address): Promise<ClientConnection> {
    const key = keyOf(address);
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      const node = this.#bootstrapName(address);
      slot = { key, node, connection: null, connecting: null, failures: 0, notBeforeMs: 0 };
      this.#slots.set(key, slot);
    }
    this.#nameNode(slot, address);
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
    this.#gaps.close();
    for (const slot of this.#slots.values()) slot.connection?.close();
  }

  /** Whether nobody should rely on it any more. */
  #isIdle(connection: ClientConnection): boolean {
    if (connection.requestsInFlight > 0) return false;
    const idleMs = this.#io.clock.monotonic() - connection.lastActiveMs;
    if (this.#gaps.isWithin(connection.lastActiveMs, idleMs)) return true;
    const { connectionsMaxIdleMs } = this.#options;
    return connectionsMaxIdleMs >= 0 && idleMs > connectionsMaxIdleMs;
  }

  async #connect(slot: Slot, address: Address): Promise<ClientConnection> {
    try {
      const waitMs = slot.notBeforeMs - this.#io.clock.monotonic();
      if (waitMs > 0) await this.#io.clock.sleep(waitMs);
      this.#assertOpen();
      this.#security ??= connectionSecurity(this.#io, this.#options.security);
      const connection = await ClientConnection.connect(this.#io, {
        host: address.host,
        port: address.port,
        meter: this.#meter.node(slot.node),
        trace: requestTrace,
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

  /** An address of bootstrapServers may turn out to be a broker that has an id. */
  #nameNode(slot: Slot, { nodeId }: Address): void {
    if (nodeId === undefined) return;
    const name = this.#nodeName(nodeId);
    if (slot.node === name) return;
    slot.node = name;
    if (slot.connection !== null) slot.connection.meter = this.#meter.node(name);
  }

  /** As Java has them: `node--1`, `node--2` … */
  #bootstrapName(address: Address): string {
    const isSame = ({ host, port }: BootstrapAddress): boolean =>
      host === address.host && port === address.port;
    return `node-${-1 - Math.max(0, this.#options.bootstrap.findIndex(isSame))}`;
  }

  #assertOpen(): void {
    if (this.#closed) throw new KafkaError('NETWORK_EXCEPTION', 'the client is closed');
  }
}

function keyOf(address: BootstrapAddress): string {
  return `${address.host}:${address.port}`;
}
