// TLS of one listener: the keys that are in force, how many handshakes it allows, and who has shown
// which certificate. It is loaded by a broker that has such a listener.
//
// Invariants: a broker does not start with a listener whose keys cannot be used; keys that are
// exchanged while it runs are taken over whole or not at all, and whoever connects then proves who
// he is anew. Connections that are there stay.

import { createHash } from 'node:crypto';
import { type BrokerConfig, ConfigError, type Listener } from '../config/index.ts';
import {
  type Io,
  IoError,
  type Log,
  type ServerTls,
  type Timer,
  type TlsPeer,
} from '../io/index.ts';
import type { TlsGateLimits, TlsListener } from '../network/index.ts';
import { anonymous, type Principal, userPrincipal } from '../security/index.ts';
import {
  type CertificateFacts,
  certificateName,
  cipherSuites,
  clientAuth,
  expiryWarnings,
  type PrincipalMapping,
  principalMapping,
  readTlsMaterial,
  storeBytesMax,
  type TlsSettings,
  tlsKeys,
  tlsVersions,
} from '../security/tls/index.ts';
import { BrokerError } from './broker-error.ts';

const dayMs = 24 * 3600 * 1000;
const warnedOfMs = 30 * dayMs;

/** One set of keys, and what was read to have it. */
interface Keys {
  readonly tls: ServerTls;
  readonly certificates: readonly CertificateFacts[];
  /** Of the settings and the files: unchanged while those are. */
  readonly fingerprint: string;
}

export class ListenerTls implements TlsListener {
  readonly #io: Io;
  readonly #log: Log;
  readonly #listener: Listener;
  readonly #mapping: PrincipalMapping;
  #keys: Keys;
  #limits: TlsGateLimits;
  #reloading: Promise<void> = Promise.resolve();
  #expiryTimer: Timer | null = null;
  #isClosed = false;

  private constructor(
    io: Io,
    config: BrokerConfig,
    parts: { listener: Listener; mapping: PrincipalMapping; keys: Keys },
  ) {
    this.#io = io;
    this.#log = io.log.child('tls');
    this.#listener = parts.listener;
    this.#mapping = parts.mapping;
    this.#keys = parts.keys;
    this.#limits = limitsOf(config, parts.listener.name);
    this.#warnOfExpiry();
  }

  /** @throws BrokerError in one line: what is wrong with which key, and what helps */
  static async open(io: Io, config: BrokerConfig, listener: Listener): Promise<ListenerTls> {
    try {
      const mapping = await principalMapping(config.get('ssl.principal.mapping.rules'));
      const keys = await readKeys(io, config, listener.name);
      return new ListenerTls(io, config, { listener, mapping, keys });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const where = `cannot start: listener ${listener.name}`;
      throw new BrokerError(`${where}: ${error.message}`, { cause: error });
    }
  }

  tls(): ServerTls {
    return this.#keys.tls;
  }

  /** Those that it shows. */
  get certificates(): readonly CertificateFacts[] {
    return this.#keys.certificates;
  }

  limits(): TlsGateLimits {
    return this.#limits;
  }

  /** null: no mapping rule applies to the name in its certificate, so that it is nobody. */
  principalOf({ certificate }: TlsPeer): Principal | null {
    if (certificate === null) return anonymous;
    const name = certificateName(certificate);
    const mapped = name === null ? null : this.#mapping(name);
    return mapped === null ? null : userPrincipal(mapped);
  }

  /** Takes over what was changed on the running cluster, files that have other content included. */
  reconfigure(config: BrokerConfig): Promise<void> {
    this.#limits = limitsOf(config, this.#listener.name);
    this.#reloading = this.#reloading.then(() => this.#reload(config));
    return this.#reloading;
  }

  /** Whether these settings could be taken over. @throws ConfigError */
  async check(config: BrokerConfig): Promise<void> {
    await this.#changed(config);
  }

  close(): void {
    this.#isClosed = true;
    this.#expiryTimer?.cancel();
  }

  async #reload(config: BrokerConfig): Promise<void> {
    const { name } = this.#listener;
    try {
      const keys = await this.#changed(config);
      if (keys === null || this.#isClosed) return;
      this.#keys = keys;
      this.#log.info(`listener ${name} has taken over other keys`);
      this.#warnOfExpiry();
    } catch (error) {
      // Whatever is wrong with the new ones, the broker goes on with those that it has.
      this.#log.error(`listener ${name} keeps its keys: ${(error as Error).message}`);
    }
  }

  /** null: they are those that it has. */
  async #changed(config: BrokerConfig): Promise<Keys | null> {
    const { name } = this.#listener;
    const settings = listenerSettings(config, name);
    if (fingerprintOf(this.#io, settings) === this.#keys.fingerprint) return null;
    const keys = await readKeys(this.#io, config, name);
    assertCompatible(this.#keys.certificates, keys.certificates, {
      mayChangeName: config.getForListener(name, 'ssl.allow.dn.changes'),
      mayChangeAlternatives: config.getForListener(name, 'ssl.allow.san.changes'),
    });
    return keys;
  }

  /** Now, and once a day. */
  #warnOfExpiry(): void {
    this.#expiryTimer?.cancel();
    const nowMs = this.#io.clock.now();
    const { name: listener } = this.#listener;
    const { certificates } = this.#keys;
    for (const { message, daysLeft } of expiryWarnings(certificates, nowMs, warnedOfMs)) {
      this.#log.warn(message, { listener, daysLeft });
    }
    this.#expiryTimer = this.#io.clock.after(dayMs, () => this.#warnOfExpiry());
  }
}

/** What `listener.name.x.ssl.*` says, and `ssl.*` where that says nothing. */
export function listenerSettings(config: BrokerConfig, listener: string): TlsSettings {
  return {
    text: (key) => {
      const value = config.getForListener(listener, key) as string | readonly string[] | null;
      if (value === null || typeof value !== 'string') return value?.join(',') ?? null;
      // An empty file name or password is none; an empty algorithm says something.
      return value === '' && /store|password/.test(key) ? null : value;
    },
    nameOf: (key) => {
      const own = `listener.name.${listener.toLowerCase()}.${key}`;
      return config.isSet(own) ? own : key;
    },
  };
}

async function readKeys(io: Io, config: BrokerConfig, listener: string): Promise<Keys> {
  const settings = listenerSettings(config, listener);
  const fingerprint = fingerprintOf(io, settings);
  const { identities, certificates, ca } = await readTlsMaterial(io.disk, settings);
  if (identities.length === 0) {
    const key = 'ssl.keystore.location';
    const remedy = 'set ssl.keystore.location, or ssl.keystore.key and its chain';
    throw new ConfigError(key, `it has no certificate to show: ${remedy}`);
  }
  const auth = clientAuth(settings);
  if (auth !== 'none' && ca === null) {
    const key = 'ssl.truststore.location';
    const name = settings.nameOf('ssl.client.auth');
    const remedy = `set ${key}, or ssl.truststore.certificates`;
    throw new ConfigError(key, `${name} is ${auth}, but no authority is trusted: ${remedy}`);
  }
  const options = {
    ...{ identities, ca, clientAuth: auth, versions: tlsVersions(settings) },
    ciphers: cipherSuites(settings),
  };
  if (io.network.serverTls === undefined) {
    throw new ConfigError('listeners', 'this network encrypts nothing: use PLAINTEXT');
  }
  try {
    return { tls: await io.network.serverTls(options), certificates, fingerprint };
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    const where = settings.nameOf('ssl.keystore.location');
    throw new ConfigError('ssl.keystore.location', `${where}: ${error.message}`);
  }
}

function fingerprintOf({ disk }: Pick<Io, 'disk'>, settings: TlsSettings): string {
  const hash = createHash('sha256');
  for (const key of tlsKeys) {
    const text = settings.text(key);
    hash.update(`${key}=${text === null ? '' : JSON.stringify(text)}\n`);
    if (text === null || !key.endsWith('.location')) continue;
    try {
      hash.update(disk.readFile(text, storeBytesMax) ?? '');
    } catch (error) {
      // What is wrong with it is told by who reads it as a store.
      if (!(error instanceof IoError)) throw error;
      hash.update(error.code);
    }
  }
  return hash.digest('hex');
}

/**
 * Kafka's guard against a store that was meant for something else (KIP-978 loosens it).
 * @throws ConfigError
 */
export function assertCompatible(
  before: readonly CertificateFacts[],
  after: readonly CertificateFacts[],
  allowed: { readonly mayChangeName: boolean; readonly mayChangeAlternatives: boolean },
): void {
  const fail = (problem: string): never => {
    throw new ConfigError('ssl.keystore.location', problem);
  };
  if (before.length !== after.length) {
    const counts = `${before.length} and ${after.length}`;
    fail(`the stores have ${counts} keys to show: those of before and after must correspond`);
  }
  before.forEach((old, at) => {
    const next = after[at] as CertificateFacts;
    if (!allowed.mayChangeName && next.distinguishedName !== old.distinguishedName) {
      const names = `${old.distinguishedName}, and of the new one ${next.distinguishedName}`;
      fail(`the name in the certificate was ${names}: set ssl.allow.dn.changes to allow that`);
    }
    const missing = [...old.alternativeNames].filter((each) => !next.alternativeNames.has(each));
    if (allowed.mayChangeAlternatives || missing.length === 0) return;
    const what = `the new certificate lacks ${missing.join(', ')}`;
    fail(`${what}: set ssl.allow.san.changes to allow that`);
  });
}

function limitsOf(config: BrokerConfig, listener: string): TlsGateLimits {
  return {
    timeoutMs: config.getForListener(listener, 'ssl.handshake.timeout.ms'),
    unfinishedMax: config.getForListener(listener, 'ssl.handshakes.unfinished.max'),
    unfinishedPerIpMax: config.getForListener(listener, 'ssl.handshakes.unfinished.per.ip.max'),
    perSecondMax: config.getForListener(listener, 'ssl.handshakes.per.second.max'),
    perSecondPerIpMax: config.getForListener(listener, 'ssl.handshakes.per.second.per.ip.max'),
    failureDelayMs: config.get('connection.failed.authentication.delay.ms'),
  };
}
