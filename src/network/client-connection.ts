// One connection to a broker, as a client has it: requests out, answers matched by correlation id.
// It opens with ApiVersions (KIP-511: newest version first, one step down on UNSUPPORTED_VERSION),
// so that every request goes out in the highest version both sides speak.
//
// Invariants: a request is settled exactly once; when the connection is gone every open request
// fails with NETWORK_EXCEPTION, which is retriable; a request that times out ends the connection,
// as its answer could never be told from a late one by the peer's other users of the socket; while
// we prove anew who we are, requests wait, and then go out in their order.

import { Deferred } from '../base/deferred.ts';
import { type Connection, type Io, type Timer, TlsError } from '../io/index.ts';
import {
  type Api,
  apiVersions,
  decodeResponse,
  ErrorCode,
  encodeRequest,
  errorName,
  KafkaError,
  type RequestInput,
  type ResponseOf,
  withPlace,
} from '../protocol/index.ts';
import { authenticate, type ConnectionSecurity, type SaslLogin } from './client-authentication.ts';
import { FrameReader } from './frame-reader.ts';

export interface ClientConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string | null;
  /** For each of: the TCP connection, a step of version negotiation, of SASL. Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** The time a request may take unless it says otherwise. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** The largest answer accepted. Default 1 GiB: fetch sizes are up to the client's options. */
  readonly responseBytesMax?: number;
  /** What we are, for the broker's metrics (KIP-511). */
  readonly softwareName?: string;
  readonly softwareVersion?: string;
  /** Whom the address should lead to: another one refuses the connection (KIP-1242). */
  readonly expected?: { readonly clusterId: string; readonly nodeId: number };
  /** Absent: the stream is plain, and nobody asks who we are. */
  readonly security?: ConnectionSecurity | undefined;
  readonly meter?: ConnectionMeter | undefined;
  /** Runs a request for those who listen; absent: nobody can. */
  readonly trace?: RequestTrace | undefined;
}

/** What is traced of a request. */
export interface TracedRequest {
  readonly clientId: string | null;
  readonly api: string;
  readonly apiVersion: number;
  /** host:port */
  readonly broker: string;
}

export interface RequestTrace {
  isHeard(): boolean;
  run<T>(request: TracedRequest, call: () => Promise<T>): Promise<T>;
}

export interface RequestOptions {
  /** Default: the connection's requestTimeoutMs. */
  readonly timeoutMs?: number | undefined;
  /** Not to go above this version although both sides could. */
  readonly versionMax?: number | undefined;
}

/** Told of what goes over a connection, to add it up. */
export interface ConnectionMeter {
  onConnected(nowMs: number): void;
  onClosed(nowMs: number): void;
  onSent(bytes: number, nowMs: number): void;
  onReceived(bytes: number, nowMs: number): void;
  onResponse(apiKey: number, latencyMs: number, nowMs: number): void;
  /** A request got its answer, or will get none. */
  onSettled(): void;
  onAuthenticated(isAgain: boolean, latencyMs: number, nowMs: number): void;
  onRefused(isAgain: boolean, nowMs: number): void;
}

interface PendingRequest {
  readonly api: Api;
  readonly version: number;
  readonly sentMs: number;
  readonly deadlineMs: number;
  readonly onResponse: (body: unknown) => void;
  readonly onError: (error: Error) => void;
}

/** Who we are on a connection that asks, and until when it believes that. */
interface Session {
  readonly login: SaslLogin;
  /** When to prove it anew. */
  renewAtMs: number;
  /** What waits until that is done; null: it is not under way. */
  held: (() => void)[] | null;
}

/** Above this many unsent bytes a request without an answer waits for the socket. */
const outputBytesMax = 1024 * 1024;

export class ClientConnection {
  readonly host: string;
  readonly port: number;
  /** Called once when the connection is gone, after the open requests have failed. */
  onClose: (error: Error) => void = () => {};
  /** May change when it turns out whom we talk to. */
  meter: ConnectionMeter | undefined;

  readonly #io: Io;
  readonly #connection: Connection;
  readonly #options: ClientConnectionOptions;
  readonly #reader: FrameReader;
  readonly #pending = new Map<number, PendingRequest>();
  /** Highest common version by API key; empty until negotiated. */
  #versions = new Map<number, { min: number; max: number }>();
  #featureLevels: ReadonlyMap<string, number> = new Map();
  #correlationId = 0;
  #error: Error | null = null;
  #drained: Deferred<void> | null = null;
  #timer: Timer | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #lastActiveMs: number;
  /** null: nobody asked. */
  #session: Session | null = null;

  private constructor(io: Io, connection: Connection, options: ClientConnectionOptions) {
    this.#io = io;
    this.#connection = connection;
    this.#options = options;
    this.host = options.host;
    this.port = options.port;
    this.meter = options.meter;
    this.#reader = new FrameReader({ frameBytesMax: options.responseBytesMax ?? 2 ** 30 });
    this.#lastActiveMs = io.clock.monotonic();
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onDrain = () => this.#onDrain();
    connection.onClose = (error) => this.#onClose(error);
  }

  /**
   * Connects and negotiates. Rejects with an IoError (`ECONNREFUSED` …) or a KafkaError
   * (UNSUPPORTED_VERSION, NETWORK_EXCEPTION, REQUEST_TIMED_OUT; REBOOTSTRAP_REQUIRED from one that
   * was not expected; SASL_AUTHENTICATION_FAILED, UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE
   * from one that does not believe who we are).
   */
  static async connect(io: Io, options: ClientConnectionOptions): Promise<ClientConnection> {
    const timeoutMs = options.connectTimeoutMs ?? 10_000;
    const { host, port, security } = options;
    const tls = security?.tls === undefined ? {} : { tls: { ...security.tls, serverName: host } };
    const raw = await io.network.connect({ host, port, timeoutMs, ...tls });
    const connection = new ClientConnection(io, raw, options);
    options.meter?.onConnected(io.clock.monotonic());
    try {
      await connection.#negotiate(timeoutMs);
      if (security?.sasl !== undefined) await connection.#login(security.sasl, timeoutMs);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  get requestsInFlight(): number {
    return this.#pending.size;
  }

  /** Bytes written that the broker has not taken. */
  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  get isClosed(): boolean {
    return this.#error !== null;
  }

  /** When something was last sent or received, on io.clock.monotonic(). */
  get lastActiveMs(): number {
    return this.#lastActiveMs;
  }

  /** The version in which `api` would be sent, or null if the broker has none in common. */
  versionOf(api: Api, versionMax = 32767): number | null {
    const range = this.#versions.get(api.key);
    if (range === undefined) return null;
    const version = Math.min(range.max, api.versions.max, versionMax);
    return version >= Math.max(range.min, api.versions.min) ? version : null;
  }

  /** The level at which the cluster has finalized a feature (KIP-584); 0 if it has not. */
  featureLevel(name: string): number {
    return this.#featureLevels.get(name) ?? 0;
  }

  /**
   * Sends a request and resolves with the decoded answer, whatever error codes it holds.
   * Rejects with KafkaError UNSUPPORTED_VERSION, REQUEST_TIMED_OUT or NETWORK_EXCEPTION.
   */
  request<A extends Api>(
    api: A,
    body: RequestInput<A>,
    options: RequestOptions = {},
  ): Promise<ResponseOf<A>> {
    const { trace, clientId } = this.#options;
    if (trace === undefined || !trace.isHeard()) return this.#request(api, body, options);
    const apiVersion = this.versionOf(api, options.versionMax) ?? -1;
    const traced = { clientId, api: api.name, apiVersion, broker: `${this.host}:${this.port}` };
    return trace.run(traced, () => this.#request(api, body, options));
  }

  #request<A extends Api>(
    api: A,
    body: RequestInput<A>,
    options: RequestOptions,
  ): Promise<ResponseOf<A>> {
    return new Promise((resolve, reject) => {
      const version = this.#versionFor(api, options.versionMax);
      const timeoutMs = options.timeoutMs ?? this.#options.requestTimeoutMs ?? 30_000;
      const onResponse = resolve as (body: unknown) => void;
      const send = (): void => {
        try {
          this.#send(api, version, body, { timeoutMs, onResponse, onError: reject });
        } catch (error) {
          // What cannot be written holds up nobody who waits behind it.
          reject(error);
        }
      };
      if (this.#session === null) send();
      else this.#inSession(this.#session, send);
    });
  }

  /**
   * Sends a request that has no answer (produce with acks=0). Resolves when the socket can take
   * more; that is no sign that the broker got it.
   */
  async requestWithoutResponse<A extends Api>(
    api: A,
    body: RequestInput<A>,
    options: RequestOptions = {},
  ): Promise<void> {
    const version = this.#versionFor(api, options.versionMax);
    const session = this.#session;
    if (session !== null) await new Promise<void>((sent) => this.#inSession(session, sent));
    if (this.#error !== null) throw this.#error;
    const header = { correlationId: this.#nextCorrelationId(), clientId: this.#options.clientId };
    this.#lastActiveMs = this.#io.clock.monotonic();
    const chunks = encodeRequest(api, version, header, body);
    this.meter?.onSent(sizeOf(chunks), this.#lastActiveMs);
    this.meter?.onSettled();
    this.#connection.write(chunks);
    if (this.#connection.bufferedBytes <= outputBytesMax) return;
    this.#drained ??= new Deferred();
    await this.#drained.promise;
  }

  /** Sends what is queued and closes; open requests fail with NETWORK_EXCEPTION at once. */
  close(): void {
    // With acks=0 the last records may still be in our buffer: nobody waits for them but us.
    this.#connection.end();
    this.#fail(this.#networkError('was closed'));
  }

  async #login(login: SaslLogin, timeoutMs: number): Promise<void> {
    const ask = <A extends Api>(api: A, body: RequestInput<A>): Promise<ResponseOf<A>> =>
      new Promise((resolve, reject) => {
        const onResponse = resolve as (body: unknown) => void;
        const version = this.#versionFor(api, undefined);
        this.#send(api, version, body, { timeoutMs, onResponse, onError: reject });
      });
    const isAgain = this.#session !== null;
    const beganMs = this.#io.clock.monotonic();
    const lifetimeMs = await authenticate({ host: this.host, ask }, login).catch((error) => {
      this.meter?.onRefused(isAgain, this.#io.clock.monotonic());
      throw error;
    });
    const provenMs = this.#io.clock.monotonic();
    this.meter?.onAuthenticated(isAgain, provenMs - beganMs, provenMs);
    // As Java's clients: not all of a fleet at the same moment.
    const share = 0.85 + 0.1 * this.#io.random.float();
    const renewAtMs =
      lifetimeMs > 0 ? this.#io.clock.monotonic() + lifetimeMs * share : Number.POSITIVE_INFINITY;
    const held = this.#session?.held ?? null;
    this.#session = { login, renewAtMs, held };
  }

  /** Sends now, or when it is proven anew who we are. */
  #inSession(session: Session, send: () => void): void {
    if (session.held !== null) {
      session.held.push(send);
      return;
    }
    if (this.#io.clock.monotonic() < session.renewAtMs) {
      send();
      return;
    }
    const held = [send];
    session.held = held;
    const timeoutMs = this.#options.requestTimeoutMs ?? 30_000;
    this.#login(session.login, timeoutMs)
      .catch((error: Error) => this.#fail(error))
      .finally(() => {
        if (this.#session !== null) this.#session.held = null;
        for (const each of held) each();
      });
  }

  async #negotiate(timeoutMs: number): Promise<void> {
    const body = {
      clientSoftwareName: this.#options.softwareName ?? 'partita',
      clientSoftwareVersion: this.#options.softwareVersion ?? 'unknown',
      ...this.#options.expected,
    };
    const ask = (version: number): Promise<ResponseOf<typeof apiVersions>> =>
      new Promise((resolve, reject) => {
        this.#send(apiVersions, version, body, {
          timeoutMs,
          onResponse: resolve as (body: unknown) => void,
          onError: reject,
        });
      });
    let answer = await ask(apiVersions.versions.max);
    if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      const range = answer.apiKeys.find((each) => each.apiKey === apiVersions.key);
      answer = await ask(Math.min(range?.maxVersion ?? 0, apiVersions.versions.max));
    }
    if (answer.errorCode !== 0) throw new KafkaError(errorName(answer.errorCode));
    this.#versions = new Map(
      answer.apiKeys.map((each) => [each.apiKey, { min: each.minVersion, max: each.maxVersion }]),
    );
    this.#featureLevels = new Map(
      answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
    );
  }

  #versionFor(api: Api, versionMax: number | undefined): number {
    const version = this.versionOf(api, versionMax);
    if (version !== null) return version;
    if (this.#error !== null) throw this.#error;
    const theirs = this.#versions.get(api.key);
    const offer = theirs === undefined ? 'none' : `${theirs.min} to ${theirs.max}`;
    const ours = `${api.versions.min} to ${Math.min(api.versions.max, versionMax ?? 32767)}`;
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      `${this.host}:${this.port} serves ${api.name} in versions ${offer}; needed is ${ours}`,
    );
  }

  #nextCorrelationId(): number {
    const id = this.#correlationId;
    this.#correlationId = id === 0x7fff_ffff ? 0 : id + 1;
    return id;
  }

  #send(
    api: Api,
    version: number,
    body: unknown,
    request: Pick<PendingRequest, 'onResponse' | 'onError'> & { timeoutMs: number },
  ): void {
    if (this.#error !== null) {
      request.onError(this.#placed(this.#error, api));
      return;
    }
    const correlationId = this.#nextCorrelationId();
    const header = { correlationId, clientId: this.#options.clientId };
    const chunks = encodeRequest(api, version, header, body as RequestInput<Api>);
    const nowMs = this.#io.clock.monotonic();
    const deadlineMs = nowMs + request.timeoutMs;
    const { onResponse, onError } = request;
    this.#pending.set(correlationId, {
      api,
      version,
      sentMs: nowMs,
      deadlineMs,
      onResponse,
      onError,
    });
    this.meter?.onSent(sizeOf(chunks), nowMs);
    this.#lastActiveMs = nowMs;
    this.#connection.write(chunks);
    this.#watchDeadline(deadlineMs);
  }

  #onData(chunk: Buffer): void {
    this.#lastActiveMs = this.#io.clock.monotonic();
    this.meter?.onReceived(chunk.length, this.#lastActiveMs);
    this.#reader.feed(chunk);
    try {
      for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
        this.#onFrame(frame);
      }
    } catch (error) {
      // A frame or an answer that makes no sense: nothing behind it can be trusted either.
      this.#fail(this.#networkError('sent what is no answer', error));
    }
  }

  #onFrame(frame: Buffer): void {
    const correlationId = frame.readInt32BE(0);
    const pending = this.#pending.get(correlationId);
    if (pending === undefined) {
      throw new KafkaError('INVALID_REQUEST', `an answer to no request (id ${correlationId})`);
    }
    const { api, version } = pending;
    const { body } = decodeResponse(api, versionOfAnswer(api, version, frame), frame);
    this.#pending.delete(correlationId);
    this.meter?.onResponse(api.key, this.#lastActiveMs - pending.sentMs, this.#lastActiveMs);
    this.meter?.onSettled();
    pending.onResponse(body);
  }

  #onDrain(): void {
    this.#drained?.resolve();
    this.#drained = null;
  }

  /** One timer for the earliest deadline; it may fire early, never late. */
  #watchDeadline(deadlineMs: number): void {
    if (deadlineMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = deadlineMs;
    const delayMs = Math.max(0, deadlineMs - this.#io.clock.monotonic());
    this.#timer = this.#io.clock.after(delayMs, () => this.#onTimer());
  }

  #onTimer(): void {
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#io.clock.monotonic();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [correlationId, pending] of this.#pending) {
      if (pending.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, pending.deadlineMs);
        continue;
      }
      this.#pending.delete(correlationId);
      this.meter?.onSettled();
      const message = `${this.host}:${this.port} did not answer ${pending.api.name} in time`;
      pending.onError(this.#placed(new KafkaError('REQUEST_TIMED_OUT', message), pending.api));
      this.#fail(this.#networkError(`was closed: ${pending.api.name} timed out`));
      return;
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#watchDeadline(nextMs);
  }

  #networkError(what: string, cause?: unknown): KafkaError {
    const reason = cause instanceof Error ? ` (${cause.message})` : '';
    const message = `the connection to ${this.host}:${this.port} ${what}${reason}`;
    return new KafkaError('NETWORK_EXCEPTION', message);
  }

  #placed(error: Error, api: Api): Error {
    return withPlace(error, { api: api.name, broker: `${this.host}:${this.port}` });
  }

  #onClose(error: Error | null): void {
    // A server may refuse our certificate when it has already taken our first request.
    if (error instanceof TlsError) this.#fail(error);
    else this.#fail(this.#networkError('was lost', error ?? undefined));
  }

  #fail(error: Error): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#timer?.cancel();
    if (this.#connection.bufferedBytes === 0) this.#connection.destroy();
    else this.#connection.end();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.meter?.onClosed(this.#io.clock.monotonic());
    for (const _ of pending) this.meter?.onSettled();
    for (const each of pending) each.onError(this.#placed(error, each.api));
    this.#drained?.reject(error);
    this.#drained = null;
    this.onClose(error);
  }
}

/** A broker that does not know our ApiVersions version answers in version 0 (KIP-511). */
function versionOfAnswer(api: Api, version: number, frame: Buffer): number {
  if (api.key !== apiVersions.key || frame.length < 6) return version;
  return frame.readInt16BE(4) === ErrorCode.UNSUPPORTED_VERSION ? 0 : version;
}

function sizeOf(chunks: readonly Buffer[]): number {
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.length;
  return bytes;
}
