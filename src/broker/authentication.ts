// Authentication on the SASL listeners of a broker: which mechanisms each offers, and how many
// connections may be about to authenticate. It is loaded where there is such a listener.
//
// Invariants: a broker does not start with a listener that could let nobody in, or anybody; a
// connection of a SASL listener has a gate (sasl-gate.ts) before its first frame is read.

import { type BrokerConfig, ConfigError } from '../config/index.ts';
import { type Io, RateLimitedLog } from '../io/index.ts';
import { clusterSecret, type MetadataImage } from '../metadata/index.ts';
import {
  SaslError,
  type ServerMechanism,
  type ServerMechanismsOptions,
  serverMechanisms,
} from '../security/sasl/index.ts';
import type { Audit } from './audit.ts';
import { BrokerError } from './broker-error.ts';
import type { Client } from './client.ts';
import { SaslGate } from './sasl-gate.ts';
import { UnprovenBytes } from './unproven-bytes.ts';

export interface AuthenticationOptions {
  readonly clusterId: string;
  /** The newest, for the users of SCRAM and for delegation tokens. */
  readonly image: () => MetadataImage;
  readonly onBug: (error: Error) => void;
  /** Default: nobody keeps who was let in. */
  readonly audit?: Audit | null;
  /** Default: Kerberos of this machine. */
  readonly gssapi?: ServerMechanismsOptions['gssapi'];
}

/** Connections of one address that have not authenticated: they cost a socket, and no proof. */
const unauthenticatedPerAddressMax = 1024;

/** Of all connections of a listener that have not authenticated. */
const unprovenBytesMax = 64 * 1024 * 1024;

type Mechanisms = ReadonlyMap<string, ServerMechanism>;

export class Authentication {
  readonly #io: Io;
  readonly #options: AuthenticationOptions;
  readonly #log: RateLimitedLog;
  #config: BrokerConfig;
  /** By the listener's name. */
  readonly #mechanisms = new Map<string, Mechanisms>();
  readonly #unauthenticated = new Map<string, number>();
  /** By the listener's name. */
  readonly #bytes = new Map<string, UnprovenBytes>();

  /** @throws BrokerError: what a listener needs is missing */
  constructor(io: Io, config: BrokerConfig, options: AuthenticationOptions) {
    this.#io = io;
    this.#config = config;
    this.#options = options;
    this.#log = new RateLimitedLog(io.clock, io.log.child('authentication'));
    for (const { name, protocol } of config.listeners) {
      if (!protocol.startsWith('SASL')) continue;
      try {
        this.#mechanisms.set(name, this.#made(config, name));
        this.#bytes.set(name, new UnprovenBytes(unprovenBytesMax));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        throw new BrokerError(`cannot start: listener ${name}: ${error.message}`, { cause: error });
      }
    }
  }

  /** @throws ConfigError for what `configure` could not take over */
  check(config: BrokerConfig): void {
    for (const name of this.#mechanisms.keys()) this.#made(config, name);
  }

  /** Takes over what was changed on the running cluster. */
  configure(config: BrokerConfig): void {
    this.#config = config;
    for (const name of this.#mechanisms.keys()) {
      try {
        this.#mechanisms.set(name, this.#made(config, name));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        this.#log.error(`listener ${name} goes on with what it had: ${error.message}`);
      }
    }
  }

  /** Whoever comes to a SASL listener has to prove who it is. */
  admit(client: Client): void {
    const { connection } = client;
    const { listenerName, remoteHost } = connection;
    if (!this.#mechanisms.has(listenerName)) return;
    const count = (this.#unauthenticated.get(remoteHost) ?? 0) + 1;
    if (count > unauthenticatedPerAddressMax) {
      const why = `${remoteHost} has ${count} connections that have not authenticated`;
      connection.close(new Error(why));
      return;
    }
    this.#unauthenticated.set(remoteHost, count);
    const held = this.#bytes.get(listenerName)?.watch(connection);
    const forget = this.#once(remoteHost, held);
    client.whenGone(forget);
    const { audit } = this.#options;
    const key = 'connection.failed.authentication.delay.ms';
    client.gate = new SaslGate(client, {
      clock: this.#io.clock,
      mechanisms: () => this.#mechanisms.get(listenerName) as Mechanisms,
      failureDelayMs: () => this.#config.get(key),
      frameBytesMax: this.#config.getForListener(listenerName, 'sasl.server.max.receive.size'),
      isSaslError: (error) => error instanceof SaslError,
      onAuthenticated: (mechanism) => {
        forget();
        audit?.letIn(client, mechanism);
      },
      onFailure: (why) => {
        this.#log.warn(`refused connection ${connection.id}: ${why}`);
        audit?.notLetIn(client, why);
      },
      onBug: this.#options.onBug,
    });
  }

  #once(remoteHost: string, more: (() => void) | undefined): () => void {
    let isCounted = true;
    return () => {
      if (!isCounted) return;
      isCounted = false;
      more?.();
      const count = (this.#unauthenticated.get(remoteHost) ?? 1) - 1;
      if (count > 0) this.#unauthenticated.set(remoteHost, count);
      else this.#unauthenticated.delete(remoteHost);
    };
  }

  #made(config: BrokerConfig, listener: string): Mechanisms {
    const { clusterId, image, gssapi } = this.#options;
    return serverMechanisms(this.#io, {
      ...{ config, listener },
      // A cluster whose controller has no SCRAM has no secret, and one has not read it at once.
      saltSecret: () => clusterSecret(image()) ?? clusterId,
      scramCredential: (mechanism, user) => image().scram.get(`${mechanism}/${user}`),
      token: (tokenId) => image().tokens.get(tokenId),
      fetch: (request) => this.#io.network.http(request),
      ...(gssapi === undefined ? {} : { gssapi }),
    });
  }
}
